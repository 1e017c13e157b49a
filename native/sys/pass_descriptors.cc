#include "sys/pass_descriptors.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <utility>

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
  message.msg_controllen = static_cast<socklen_t>(CMSG_SPACE(count * sizeof(int)));
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = static_cast<socklen_t>(CMSG_LEN(count * sizeof(int)));
  memcpy(CMSG_DATA(head), fds, count * sizeof(int));
  const ssize_t sent = retry_interrupted([&] { return sendmsg(socket, &message, MSG_NOSIGNAL); });
  if (sent < 0) return last_error("sendmsg");
  // A line is far shorter than a socket's buffer.
  if (static_cast<size_t>(sent) != length) return Error{EMSGSIZE, "sendmsg"};
  return {};
}

ssize_t receive_with_descriptors(int socket, char* bytes, size_t count, Fd* fds, size_t most,
                                 int flags) {
  iovec room = {bytes, count};
  alignas(cmsghdr) char ancillary[CMSG_SPACE(kMostPassed * sizeof(int))];
  msghdr message = {};
  message.msg_iov = &room;
  message.msg_iovlen = 1;
  message.msg_control = ancillary;
  message.msg_controllen = sizeof ancillary;
  const ssize_t length =
      retry_interrupted([&] { return recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC); });
  const cmsghdr* head = length > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (head == nullptr || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
    return length;
  const size_t passed = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (size_t i = 0; i < passed; ++i) {
    int number = -1;
    memcpy(&number, CMSG_DATA(head) + i * sizeof number, sizeof number);
    Fd one(number);
    if (i < most) fds[i] = std::move(one);
  }
  return length;
}

}  // namespace berth::sys
