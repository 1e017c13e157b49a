#include "sys/netlink.h"

#include <sys/socket.h>
#include <sys/uio.h>

namespace berth::sys {
namespace {

/// struct sockaddr_nl
struct NetlinkAddress {
  uint16_t family, pad;
  uint32_t port, groups;
};

constexpr size_t kMostParts = 4;

/// The first error in one datagram of answers; 0: none.
int first_error(const char* bytes, size_t size) {
  netlink::Header header;
  while (size >= sizeof header) {
    memcpy(&header, bytes, sizeof header);
    if (header.length < sizeof header || header.length > size) return EPROTO;
    if (header.type == netlink::kError) {
      int32_t code = 0;
      if (header.length < sizeof header + sizeof code) return EPROTO;
      memcpy(&code, bytes + sizeof header, sizeof code);
      if (code != 0) return -code;
    }
    const size_t step = netlink::align(header.length);
    if (step >= size) break;
    bytes += step;
    size -= step;
  }
  return 0;
}

}  // namespace

Result<Fd> open_netlink(int protocol) {
  return adopt(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), "socket");
}

Result<void> netlink_exchange(int socket, const Piece* parts, size_t count) {
  const NetlinkAddress kernel = {AF_NETLINK, 0, 0, 0};
  iovec vectors[kMostParts];
  if (count > kMostParts) return Error{EINVAL, "sendmsg"};
  for (size_t i = 0; i < count; ++i)
    vectors[i] = {const_cast<char*>(parts[i].bytes), parts[i].count};
  msghdr message = {};
  message.msg_name = const_cast<NetlinkAddress*>(&kernel);
  message.msg_namelen = sizeof kernel;
  message.msg_iov = vectors;
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
  if (retry_interrupted([&] { return sendmsg(socket, &message, 0); }) < 0)
    return last_error("sendmsg");
  // The kernel has dealt with all of it, and queued its answers, before sendmsg returns.
  int error = 0;
  for (;;) {
    alignas(netlink::Header) char answer[8192];
    const ssize_t length =
        retry_interrupted([&] { return recv(socket, answer, sizeof answer, MSG_DONTWAIT); });
    if (length < 0 && errno == EAGAIN) break;
    if (length < 0) return last_error("recv");
    if (error == 0) error = first_error(answer, static_cast<size_t>(length));
  }
  if (error != 0) return Error{error, "netlink"};
  return {};
}

}  // namespace berth::sys
