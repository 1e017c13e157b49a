// Flows that the kernel remembers (conntrack). Where a flow leads is decided with its first packet, so a sender that never pauses would go on to where a port led before.
#pragma once

#include <vector>

#include "sys/interface.h"

namespace berth::sys {

/// Makes the kernel forget UDP flows to these ports of addresses that the host has: the next packet of each follows the rules as they are now. A kernel that cannot tell its
/// flows (ctnetlink) has none forgotten. Gives how many there were.
Result<uint32_t> forget_udp_flows(const std::vector<uint16_t>& ports);

}  // namespace berth::sys
