// The host's side of a network: its bridge, and what addresses the host has already. By rtnetlink (rtnetlink(7)).
#pragma once

#include <string>
#include <vector>

#include "sys/interface.h"

namespace berth::sys {

struct Bridge {
  std::string name;
  std::string alias;  // whose it is, for people and for who tidies up
  uint32_t mtu = 0;
  uint8_t mac[6] = {};  // set, so that it stays the same whatever joins
  std::vector<IpAddress> addresses;
};

/// Makes the bridge, up and with its addresses. EEXIST: an interface has that name.
Result<void> make_bridge(int route_socket, const Bridge& bridge);

/// ENODEV: there is none.
Result<void> delete_interface(int route_socket, const char* name);

struct Interface {
  std::string name;
  std::string alias;
  std::string kind;  // "bridge", "veth", …; empty for hardware and loopback
  uint32_t index = 0;
  uint32_t master = 0;  // the index of the bridge that it is on; 0: none
  bool up = false;
};
Result<std::vector<Interface>> list_interfaces(int route_socket);

/// The host's own addresses, of all interfaces.
Result<std::vector<IpAddress>> list_addresses(int route_socket);

/// Every network that the host has a route to or an address in, but for default routes.
struct KnownNetwork {
  IpAddress network;
  uint32_t interface = 0;
};
Result<std::vector<KnownNetwork>> list_known_networks(int route_socket);

}  // namespace berth::sys
