#include "sys/nft_batch.h"

namespace berth::sys {
namespace {

/// struct nfgenmsg
struct Generic {
  uint8_t family, version;
  uint16_t resource;  // big-endian: the subsystem
};

struct Mark {
  netlink::Header header;
  Generic generic;
};

Mark mark(uint16_t type) {
  constexpr uint16_t kNftables = 10 << 8;
  return {{sizeof(Mark), type, netlink::kRequest, 0, 0}, {0, 0, kNftables}};
}

Piece piece_of(const Mark& mark) { return {reinterpret_cast<const char*>(&mark), sizeof mark}; }

}  // namespace

Result<void> nft_commit(int netfilter_socket, Piece messages) {
  constexpr uint16_t kBegin = 0x10, kEnd = 0x11;
  const Mark begin = mark(kBegin), end = mark(kEnd);
  const Piece parts[] = {piece_of(begin), messages, piece_of(end)};
  return netlink_exchange(netfilter_socket, parts, 3);
}

Result<void> nft_commit_remains(int netfilter_socket, Piece messages) {
  if (messages.count == 0 || nft_commit(netfilter_socket, messages)) return {};
  Result<void> outcome;
  netlink::Header header;
  while (messages.count >= sizeof header) {
    memcpy(&header, messages.bytes, sizeof header);
    if (header.length < sizeof header || header.length > messages.count)
      return Error{EPROTO, "netlink"};
    const auto done = nft_commit(netfilter_socket, {messages.bytes, header.length});
    if (!done && done.error().number != ENOENT && outcome) outcome = done.error();
    messages = {messages.bytes + header.length, messages.count - header.length};
  }
  return outcome;
}

}  // namespace berth::sys
