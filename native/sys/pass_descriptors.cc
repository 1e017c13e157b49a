#include "sys/pass_descriptors.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "sys/text.h"

namespace berth::sys {

Result<Fd> connect_socket(const char* folder, const char* name) {
  BERTH_ASSIGN(const Fd place, adopt(open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), "open"));
  BERTH_ASSIGN(Fd connection, adopt(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  copy_text(address.sun_path, Text<64>("/proc/self/fd/", place.get(), '/', name).c_str());
  if (connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return last_error("connect");
  return connection;
}

Result<void> send_with_descriptors(int socket, const char* text, size_t length, const int* fds,
                                   size_t count) {
  if (count == 0 || count > kMostPassed) return Error{EINVAL, "sendmsg"};
  iovec part = {const_cast<char*>(text), length};
  alignas(cmsghdr) char ancillary[CMSG_SPACE(kMostPassed * sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = ancillary;
  message.msg_controllen = CMSG_SPACE(count * sizeof(int));
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(count * sizeof(int));
  memcpy(CMSG_DATA(head), fds, count * sizeof(int));
  const ssize_t sent = retry_interrupted([&] { return sendmsg(socket, &message, MSG_NOSIGNAL); });
  if (sent < 0) return last_error("sendmsg");
  // A line is far shorter than a socket's buffer.
  if (static_cast<size_t>(sent) != length) return Error{EMSGSIZE, "sendmsg"};
  return {};
}

}  // namespace berth::sys
