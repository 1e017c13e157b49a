#include "sys/interface.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "sys/route_message.h"

namespace berth::sys {
namespace {

using namespace netlink;

}  // namespace

Result<uint32_t> interface_index(const char* name) {
  BERTH_ASSIGN(const Fd any, adopt(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
  ifreq request = {};
  if (strlen(name) >= sizeof request.ifr_name) return Error{ENODEV, "ioctl"};
  copy_text(request.ifr_name, name);
  if (ioctl(any.get(), SIOCGIFINDEX, &request) != 0) return last_error("ioctl");
  return static_cast<uint32_t>(request.ifr_ifindex);
}

Result<void> make_veth(int route_socket, const Veth& veth) {
  alignas(Header) char buffer[512];
  NetlinkWriter writer(buffer, sizeof buffer);
  const route::LinkMessage up = {0, 0, 0, 0, route::kUp, route::kUp};
  writer.begin(route::kNewLink, kAck | kCreate | kExclusive, up);
  writer.text(route::kLinkName, veth.name);
  writer.number(route::kLinkMtu, veth.mtu);
  writer.number(route::kLinkMaster, veth.bridge);
  const size_t info = writer.nest(route::kLinkInfo);
  writer.text(route::kLinkInfoKind, "veth");
  const size_t data = writer.nest(route::kLinkInfoData);
  const size_t peer = writer.nest(route::kVethPeer);
  // Not up yet: it has no other end before the call is through (ENOTCONN).
  writer.put(route::LinkMessage{});
  writer.text(route::kLinkName, veth.peer);
  writer.number(route::kLinkMtu, veth.mtu);
  writer.attribute(route::kLinkAddress, veth.mac, sizeof veth.mac);
  if (veth.network >= 0)
    writer.number(route::kLinkNamespaceFd, static_cast<uint32_t>(veth.network));
  else
    writer.number(route::kLinkNamespacePid, static_cast<uint32_t>(veth.process));
  writer.close(peer);
  writer.close(data);
  writer.close(info);
  writer.end();
  return netlink_exchange(route_socket, writer);
}

Result<void> configure_interface(int route_socket, uint32_t index, const Addressing& addressing) {
  alignas(Header) char buffer[1024];
  NetlinkWriter writer(buffer, sizeof buffer);
  const route::LinkMessage up = {0, 0, 0, static_cast<int32_t>(index), route::kUp, route::kUp};
  writer.begin(route::kNewLink, kAck, up);
  writer.end();
  for (size_t i = 0; i < addressing.address_count; ++i) {
    const IpAddress& address = addressing.addresses[i];
    const bool version6 = address.family == IpAddress::kFamily6;
    const route::AddressMessage message = {
        address.family, address.prefix,
        version6 ? route::kNoDuplicateDetection : static_cast<uint8_t>(0), route::kUniverse, index};
    writer.begin(route::kNewAddress, kAck | kCreate | kExclusive, message);
    writer.attribute(route::kLocalAddress, address.bytes, address.size());
    writer.attribute(route::kAddress, address.bytes, address.size());
    writer.end();
  }
  for (size_t i = 0; i < addressing.gateway_count; ++i) {
    const IpAddress& gateway = addressing.gateways[i];
    const route::RouteMessage message = {
        gateway.family,  0, 0, 0, route::kMainTable, route::kBoot, route::kUniverse,
        route::kUnicast, 0};
    const uint16_t how = addressing.replace ? kReplace : kExclusive;
    writer.begin(route::kNewRoute, static_cast<uint16_t>(kAck | kCreate | how), message);
    writer.attribute(route::kRouteGateway, gateway.bytes, gateway.size());
    writer.number(route::kRouteInterface, index);
    writer.end();
  }
  return netlink_exchange(route_socket, writer);
}

}  // namespace berth::sys
