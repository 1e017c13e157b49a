#include "sys/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

#include "sys/fd.h"

namespace berth::sys {

Result<void> tell_service_manager(const char* socket_name, const char* text, size_t length) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const size_t name_length = strlen(socket_name);
  const bool named = socket_name[0] == '/' || (socket_name[0] == '@' && name_length > 1);
  if (!named || name_length >= sizeof address.sun_path) return Error{EINVAL, "sendto"};
  memcpy(address.sun_path, socket_name, name_length);
  // An abstract name begins with a null byte, and has no other end than its length (unix(7)).
  const size_t ending = socket_name[0] == '@' ? 0 : 1;
  if (ending == 0) address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_length + ending);
  BERTH_ASSIGN(const Fd sender, adopt(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
  const ssize_t sent = retry_interrupted([&] {
    return sendto(sender.get(), text, length, MSG_NOSIGNAL | MSG_DONTWAIT,
                  reinterpret_cast<const sockaddr*>(&address), size);
  });
  if (sent < 0) return last_error("sendto");
  return {};
}

}  // namespace berth::sys
