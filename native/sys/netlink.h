// Netlink (netlink(7)): messages put together in memory of the caller's, sent, and the kernel's answers read. No allocation, so that berth-init has it too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "sys/fd.h"
#include "sys/text.h"

namespace berth::sys {

namespace netlink {

// include/uapi/linux/netlink.h; musl has none of it
constexpr int kRoute = 0, kSockDiag = 4, kNetfilter = 12;
constexpr uint16_t kRequest = 0x1, kAck = 0x4, kReplace = 0x100, kExclusive = 0x200,
                   kCreate = 0x400, kAppend = 0x800, kDump = 0x300;
constexpr uint16_t kNoop = 1, kError = 2, kDone = 3;
constexpr uint16_t kNested = 0x8000, kTypeMask = 0x3fff;

struct Header {
  uint32_t length;
  uint16_t type, flags;
  uint32_t sequence, port;
};

struct Attribute {
  uint16_t length, type;
};

constexpr size_t align(size_t size) { return (size + 3) & ~size_t{3}; }

}  // namespace netlink

/// Writes messages one after the other into a buffer. What does not fit is left out, and `whole` says so.
class NetlinkWriter {
 public:
  NetlinkWriter(char* buffer, size_t size) : buffer_(buffer), room_(size) {}

  /// A message begins with the family's own header, which must be a plain structure.
  template <typename FamilyHeader>
  void begin(uint16_t type, uint16_t flags, const FamilyHeader& header) {
    message_ = used_;
    const netlink::Header start = {0, type, static_cast<uint16_t>(flags | netlink::kRequest),
                                   ++sequence_, 0};
    add(&start, sizeof start);
    add(&header, sizeof header);
  }
  void end() { patch<uint32_t>(message_, static_cast<uint32_t>(used_ - message_)); }

  void attribute(uint16_t type, const void* value, size_t size) {
    const netlink::Attribute head = {static_cast<uint16_t>(sizeof head + size), type};
    add(&head, sizeof head);
    add(value, size);
  }
  template <typename Number>
  void number(uint16_t type, Number value) {
    attribute(type, &value, sizeof value);
  }
  void text(uint16_t type, const char* value) { attribute(type, value, strlen(value) + 1); }

  /// What is written until `close` lies inside this attribute.
  size_t nest(uint16_t type) {
    const size_t at = used_;
    const netlink::Attribute head = {0, static_cast<uint16_t>(type | netlink::kNested)};
    add(&head, sizeof head);
    return at;
  }
  void close(size_t nest) { patch<uint16_t>(nest, static_cast<uint16_t>(used_ - nest)); }
  /// A structure in the middle of a nest.
  template <typename Structure>
  void put(const Structure& structure) {
    add(&structure, sizeof structure);
  }

  bool whole() const { return whole_; }
  Piece written() const { return {buffer_, used_}; }

 private:
  void add(const void* bytes, size_t size) {
    const size_t padded = netlink::align(size);
    if (padded > room_ - used_) {
      whole_ = false;
      return;
    }
    memcpy(buffer_ + used_, bytes, size);
    memset(buffer_ + used_ + size, 0, padded - size);
    used_ += padded;
  }
  template <typename Number>
  void patch(size_t at, Number value) {
    if (whole_) memcpy(buffer_ + at, &value, sizeof value);
  }

  char* buffer_;
  size_t room_, used_ = 0, message_ = 0;
  uint32_t sequence_ = 0;
  bool whole_ = true;
};

/// A socket of this protocol, bound to the network namespace of the caller.
Result<Fd> open_netlink(int protocol);

/// Sends `parts` as one datagram, and reads what the kernel answers at once: the first error among its acknowledgements, if any. Dumps are not for this.
Result<void> netlink_exchange(int socket, const Piece* parts, size_t count);

inline Result<void> netlink_exchange(int socket, const NetlinkWriter& messages) {
  if (!messages.whole()) return Error{EMSGSIZE, "sendmsg"};
  const Piece piece = messages.written();
  return netlink_exchange(socket, &piece, 1);
}

}  // namespace berth::sys
