#include "sys/taskstats.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/taskstats.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>

namespace berth::sys {
namespace {

using Bytes = std::span<const char>;

/// Room for the largest answer: a few attributes around one taskstats record, which grows with each
/// kernel.
using Answer = std::array<char, 4096>;

template <typename Header>
std::optional<Header> header_of(Bytes bytes) {
  Header header;
  if (bytes.size() < sizeof header) return {};
  memcpy(&header, bytes.data(), sizeof header);
  return header;
}

/// The payload of the first attribute of this type.
std::optional<Bytes> attribute(Bytes bytes, int type) {
  while (const auto header = header_of<nlattr>(bytes)) {
    if (header->nla_len < NLA_HDRLEN || header->nla_len > bytes.size()) return {};
    if ((header->nla_type & NLA_TYPE_MASK) == type) {
      return bytes.subspan(NLA_HDRLEN, header->nla_len - size_t{NLA_HDRLEN});
    }
    bytes = bytes.subspan(std::min<size_t>(NLA_ALIGN(header->nla_len), bytes.size()));
  }
  return {};
}

/// Sends one command with one attribute and gives the attributes of the answer, which lie in
/// `answer`.
Result<Bytes> ask(int socket, uint16_t family, uint8_t command, uint16_t type, Bytes value,
                  Answer& answer) {
  struct {
    nlmsghdr message;
    genlmsghdr generic;
    nlattr attribute;
    char value[32];
  } request{};
  if (value.size() > sizeof request.value) return Error{EINVAL, "sendto"};
  request.attribute.nla_type = type;
  request.attribute.nla_len = static_cast<uint16_t>(NLA_HDRLEN + value.size());
  memcpy(request.value, value.data(), value.size());
  request.generic.cmd = command;
  request.generic.version = TASKSTATS_GENL_VERSION;
  request.message.nlmsg_type = family;
  request.message.nlmsg_flags = NLM_F_REQUEST;
  request.message.nlmsg_len =
      static_cast<uint32_t>(NLMSG_HDRLEN + GENL_HDRLEN + NLA_ALIGN(request.attribute.nla_len));
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (sendto(socket, &request, request.message.nlmsg_len, 0, reinterpret_cast<sockaddr*>(&kernel),
             sizeof kernel) < 0) {
    return last_error("sendto");
  }
  // The kernel has queued its answer before sendto returns, so there is nothing to wait for.
  const ssize_t length =
      retry_interrupted([&] { return recv(socket, answer.data(), answer.size(), MSG_DONTWAIT); });
  if (length < 0) return last_error("recv");
  const Bytes whole(answer.data(), static_cast<size_t>(length));
  const auto message = header_of<nlmsghdr>(whole);
  if (!message || message->nlmsg_len > whole.size()) return Error{EPROTO, "recv"};
  if (message->nlmsg_type == NLMSG_ERROR) {
    const auto failure = header_of<nlmsgerr>(whole.subspan(NLMSG_HDRLEN));
    return Error{failure && failure->error != 0 ? -failure->error : EPROTO, "recv"};
  }
  constexpr size_t kHeaders = NLMSG_HDRLEN + GENL_HDRLEN;
  if (message->nlmsg_len < kHeaders) return Error{EPROTO, "recv"};
  return whole.subspan(kHeaders, message->nlmsg_len - kHeaders);
}

template <typename Value>
Bytes bytes_of(const Value& value) {
  return Bytes(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

Result<Taskstats> Taskstats::open() {
  BERTH_ASSIGN(Fd socket,
               adopt(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC), "socket"));
  Answer answer;
  constexpr char kName[] = TASKSTATS_GENL_NAME;
  BERTH_ASSIGN(const Bytes found, ask(socket.get(), GENL_ID_CTRL, CTRL_CMD_GETFAMILY,
                                      CTRL_ATTR_FAMILY_NAME, bytes_of(kName), answer));
  const auto id = attribute(found, CTRL_ATTR_FAMILY_ID);
  const auto family = id ? header_of<uint16_t>(*id) : std::nullopt;
  if (!family) return Error{EPROTO, "recv"};
  return Taskstats(std::move(socket), *family);
}

Result<ThreadDelays> Taskstats::delays(pid_t tid) {
  Answer answer;
  BERTH_ASSIGN(const Bytes found,
               ask(socket_.get(), family_, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_PID,
                   bytes_of(static_cast<uint32_t>(tid)), answer));
  const auto aggregate = attribute(found, TASKSTATS_TYPE_AGGR_PID);
  const auto record = aggregate ? attribute(*aggregate, TASKSTATS_TYPE_STATS) : std::nullopt;
  if (!record) return Error{EPROTO, "recv"};
  // Newer kernels append to the record, older ones lack its end, which then stays 0.
  taskstats stats{};
  memcpy(&stats, record->data(), std::min(record->size(), sizeof stats));
  // Version 15 (Linux 6.14) put new fields in the middle, until a later one moved them to the end:
  // the pid, which lies behind the first of them, tells which it is.
  if (stats.ac_pid != static_cast<uint32_t>(tid)) return Error{EPROTO, "recv"};
  return ThreadDelays{.block_io = stats.blkio_delay_total,
                      .paging = stats.swapin_delay_total + stats.thrashing_delay_total,
                      .reclaim = stats.freepages_delay_total + stats.compact_delay_total};
}

}  // namespace berth::sys
