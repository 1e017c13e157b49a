// The structures and numbers of rtnetlink(7), as the kernel's ABI has them (include/uapi/linux/{rtnetlink,if_link,if_addr}.h): musl has none of it.
#pragma once

#include <cstdint>

namespace berth::sys::route {

constexpr uint16_t kNewLink = 16, kDeleteLink = 17, kGetLink = 18, kNewAddress = 20,
                   kGetAddress = 22, kNewRoute = 24, kGetRoute = 26;

struct LinkMessage {  // struct ifinfomsg
  uint8_t family, pad;
  uint16_t type;
  int32_t index;
  uint32_t flags, change;
};
constexpr uint32_t kUp = 1;
constexpr uint16_t kLinkAddress = 1, kLinkName = 3, kLinkMtu = 4, kLinkMaster = 10, kLinkInfo = 18,
                   kLinkNamespacePid = 19, kLinkAlias = 20, kLinkNamespaceFd = 28,
                   kLinkInfoKind = 1, kLinkInfoData = 2, kVethPeer = 1;

struct AddressMessage {  // struct ifaddrmsg
  uint8_t family, prefix, flags, scope;
  uint32_t index;
};
constexpr uint8_t kNoDuplicateDetection = 2;
constexpr uint16_t kAddress = 1, kLocalAddress = 2, kBroadcast = 4;

struct RouteMessage {  // struct rtmsg
  uint8_t family, destination_prefix, source_prefix, tos, table, protocol, scope, type;
  uint32_t flags;
};
constexpr uint8_t kMainTable = 254, kBoot = 3, kUniverse = 0, kUnicast = 1;
constexpr uint16_t kRouteDestination = 1, kRouteInterface = 4, kRouteGateway = 5;

}  // namespace berth::sys::route
