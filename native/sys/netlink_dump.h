// Lists that the kernel tells in many netlink messages, and reading their attributes. The kernel is trusted, but every bound is checked.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include "sys/netlink.h"

namespace berth::sys {

using NetlinkBytes = std::span<const char>;

/// Sends one request and gives the content of each message of the answer, from the family's header on. A list that changed while it was told (NLM_F_DUMP_INTR)
/// is EAGAIN.
Result<void> netlink_dump(int socket, const NetlinkWriter& request,
                          const std::function<void(uint16_t type, NetlinkBytes content)>& visit);

/// Calls `visit(type, value)` for each attribute.
void each_attribute(NetlinkBytes attributes,
                    const std::function<void(uint16_t type, NetlinkBytes value)>& visit);

/// The value of the first attribute of this type.
std::optional<NetlinkBytes> find_attribute(NetlinkBytes attributes, uint16_t type);

/// A plain structure at the start of `bytes`.
template <typename Structure>
std::optional<Structure> read_structure(NetlinkBytes bytes) {
  Structure structure;
  if (bytes.size() < sizeof structure) return {};
  memcpy(&structure, bytes.data(), sizeof structure);
  return structure;
}

}  // namespace berth::sys
