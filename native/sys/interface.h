// Network interfaces, by rtnetlink (rtnetlink(7)): what a container's own network needs. No allocation, so that berth-init has it too.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "sys/netlink.h"

namespace berth::sys {

/// IPv4 or IPv6, in network byte order; an IPv4 address fills the first four bytes. With a prefix it is that of an interface, or a network.
struct IpAddress {
  uint8_t bytes[16] = {};
  uint8_t family = 0;  // AF_INET or AF_INET6
  uint8_t prefix = 0;

  size_t size() const { return family == kFamily4 ? 4 : 16; }
  static constexpr uint8_t kFamily4 = 2, kFamily6 = 10;
};

/// A pair of interfaces, one end on a bridge, the other in another network namespace.
struct Veth {
  const char* name = "";  // the end on the bridge
  uint32_t bridge = 0;    // its index
  const char* peer = "";
  /// The other namespace is that of a process, as the caller's pid namespace numbers it, if not said otherwise below.
  pid_t process = -1;
  uint32_t mtu = 0;
  uint8_t mac[6] = {};  // of the peer
  int network = -1;     // the other namespace, by its file (namespaces(7))
};

/// The interface's number in this network namespace; ENODEV: there is none of that name.
Result<uint32_t> interface_index(const char* name);

/// Makes the pair, the end on the bridge up. It goes with the namespace that the peer is in. EEXIST: one end's name is taken; ENODEV: there is no such bridge.
Result<void> make_veth(int route_socket, const Veth& veth);

/// What an interface gets: its own addresses, and the gateways of default routes.
struct Addressing {
  const IpAddress* addresses = nullptr;
  size_t address_count = 0;
  const IpAddress* gateways = nullptr;
  size_t gateway_count = 0;
  bool replace = false;  // default routes that are there, which are an error else
};

/// Brings the interface up and gives it all or, with an error, some of it. IPv6 addresses are usable at once: whoever gives them has made sure that they are nobody else's.
Result<void> configure_interface(int route_socket, uint32_t index, const Addressing& addressing);

}  // namespace berth::sys
