#include "sys/socket_owner.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>

#include "sys/fd.h"
#include "sys/netlink.h"
#include "sys/netlink_dump.h"

namespace berth::sys {
namespace {

struct Question {
  nlmsghdr header;
  inet_diag_req_v2 request;
};

/// AF_INET or AF_INET6, whichever the text is of; AF_UNSPEC: neither.
int parse(const char* text, void* address) {
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, text, address) == 1) return family;
  }
  return AF_UNSPEC;
}

/// Sockets that no process holds answer with user 0: only those are believed that are open on this side.
bool is_held(const inet_diag_msg& found) {
  return (found.idiag_state == TCP_ESTABLISHED || found.idiag_state == TCP_CLOSE_WAIT) &&
         found.idiag_inode != 0;
}

// include/uapi/linux/inet_diag.h of Linux 5.9; older headers lack it
constexpr uint16_t kCgroupId = 21;

uint64_t cgroup_among(NetlinkBytes attributes) {
  const auto found = find_attribute(attributes, kCgroupId);
  const auto id = found ? read_structure<uint64_t>(*found) : std::nullopt;
  return id.value_or(0);
}

}  // namespace

Result<SocketOrigin> socket_origin(const Endpoint& own, const Endpoint& other) {
  Question question{};
  inet_diag_sockid& id = question.request.id;
  const int family = parse(own.address, id.idiag_src);
  if (family == AF_UNSPEC || parse(other.address, id.idiag_dst) != family) {
    return Error{EINVAL, "inet_pton"};
  }
  id.idiag_sport = htons(own.port);
  id.idiag_dport = htons(other.port);
  id.idiag_cookie[0] = id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  question.request.sdiag_family = static_cast<uint8_t>(family);
  question.request.sdiag_protocol = IPPROTO_TCP;
  question.request.idiag_states = ~0U;
  question.header = {sizeof question, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0};

  auto socket = open_netlink(netlink::kSockDiag);
  if (!socket) return socket.error();
  if (retry_interrupted([&] { return send(socket->get(), &question, sizeof question, 0); }) < 0) {
    return last_error("send");
  }
  struct {
    nlmsghdr header;
    char payload[1024];
  } answer{};
  const ssize_t length =
      retry_interrupted([&] { return recv(socket->get(), &answer, sizeof answer, MSG_DONTWAIT); });
  if (length < 0) return last_error("recv");
  const auto payload = static_cast<size_t>(length) - sizeof answer.header;
  if (static_cast<size_t>(length) < sizeof answer.header) return Error{EPROTO, "recv"};
  if (answer.header.nlmsg_type == NLMSG_ERROR) {
    nlmsgerr refused{};
    if (payload < sizeof refused) return Error{EPROTO, "recv"};
    memcpy(&refused, answer.payload, sizeof refused);
    return Error{-refused.error, "sock_diag"};
  }
  inet_diag_msg found{};
  if (answer.header.nlmsg_type != SOCK_DIAG_BY_FAMILY || payload < NLMSG_ALIGN(sizeof found)) {
    return Error{EPROTO, "recv"};
  }
  memcpy(&found, answer.payload, sizeof found);
  if (!is_held(found)) return Error{ENOENT, "sock_diag"};
  return SocketOrigin{static_cast<uid_t>(found.idiag_uid),
                      cgroup_among({answer.payload + NLMSG_ALIGN(sizeof found),
                                    payload - NLMSG_ALIGN(sizeof found)})};
}

}  // namespace berth::sys
