#include "sys/netlink_dump.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <vector>

namespace berth::sys {

Result<void> netlink_dump(int socket, const NetlinkWriter& request,
                          const std::function<void(uint16_t, NetlinkBytes)>& visit) {
  if (!request.whole()) return Error{EMSGSIZE, "sendto"};
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const Piece message = request.written();
  if (sendto(socket, message.bytes, message.count, 0, reinterpret_cast<sockaddr*>(&kernel),
             sizeof kernel) < 0) {
    return last_error("sendto");
  }
  bool interrupted = false;
  // The kernel fills at most this much at a time (netlink(7)).
  std::vector<char> answer(32 * 1024);
  for (;;) {
    const ssize_t length =
        retry_interrupted([&] { return recv(socket, answer.data(), answer.size(), 0); });
    if (length < 0) return last_error("recv");
    NetlinkBytes rest(answer.data(), static_cast<size_t>(length));
    while (const auto header = read_structure<nlmsghdr>(rest)) {
      if (header->nlmsg_len < NLMSG_HDRLEN || header->nlmsg_len > rest.size())
        return Error{EPROTO, "recv"};
      const auto content = rest.subspan(NLMSG_HDRLEN, header->nlmsg_len - size_t{NLMSG_HDRLEN});
      if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted = true;
      if (header->nlmsg_type == NLMSG_DONE) {
        if (interrupted) return Error{EAGAIN, "recv"};
        return {};
      }
      if (header->nlmsg_type == NLMSG_ERROR) {
        const auto error = read_structure<int32_t>(content);
        if (!error) return Error{EPROTO, "recv"};
        if (*error == 0) return {};
        return Error{-*error, "netlink"};
      }
      visit(header->nlmsg_type, content);
      rest = rest.subspan(std::min<size_t>(NLMSG_ALIGN(header->nlmsg_len), rest.size()));
    }
  }
}

void each_attribute(NetlinkBytes attributes,
                    const std::function<void(uint16_t, NetlinkBytes)>& visit) {
  while (const auto header = read_structure<nlattr>(attributes)) {
    if (header->nla_len < NLA_HDRLEN || header->nla_len > attributes.size()) return;
    visit(header->nla_type & NLA_TYPE_MASK,
          attributes.subspan(NLA_HDRLEN, header->nla_len - size_t{NLA_HDRLEN}));
    attributes =
        attributes.subspan(std::min<size_t>(NLA_ALIGN(header->nla_len), attributes.size()));
  }
}

std::optional<NetlinkBytes> find_attribute(NetlinkBytes attributes, uint16_t type) {
  std::optional<NetlinkBytes> found;
  each_attribute(attributes, [&](uint16_t each, NetlinkBytes value) {
    if (each == type && !found) found = value;
  });
  return found;
}

}  // namespace berth::sys
