#include "sys/bridge.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "sys/netlink_dump.h"
#include "sys/route_message.h"

namespace berth::sys {
namespace {

template <typename Message>
Result<void> list(int socket, uint16_t request, const Message& header,
                  const std::function<void(const Message&, NetlinkBytes attributes)>& visit) {
  constexpr int kTries = 10;
  for (int attempt = 1;; ++attempt) {
    char buffer[64];
    NetlinkWriter writer(buffer, sizeof buffer);
    writer.begin(request, netlink::kDump, header);
    writer.end();
    const auto told = netlink_dump(socket, writer, [&](uint16_t, NetlinkBytes content) {
      const auto message = read_structure<Message>(content);
      if (message) visit(*message, content.subspan(sizeof(Message)));
    });
    // Told again from its start if it changed meanwhile: what is told twice does no harm.
    if (told || told.error().number != EAGAIN || attempt == kTries) return told;
  }
}

std::string text_of(std::optional<NetlinkBytes> value) {
  if (!value) return {};
  return std::string(value->data(), strnlen(value->data(), value->size()));
}

uint32_t number_of(std::optional<NetlinkBytes> value) {
  return value ? read_structure<uint32_t>(*value).value_or(0) : 0;
}

std::optional<IpAddress> address_of(uint8_t family, uint8_t prefix,
                                    std::optional<NetlinkBytes> value) {
  IpAddress address;
  address.family = family;
  address.prefix = prefix;
  if (!value || value->size() != address.size()) return {};
  memcpy(address.bytes, value->data(), value->size());
  return address;
}

/// The call that makes an interface passes it over.
Result<void> set_alias(int socket, uint32_t index, const std::string& alias) {
  char buffer[512];
  NetlinkWriter link(buffer, sizeof buffer);
  link.begin(route::kNewLink, netlink::kAck,
             route::LinkMessage{0, 0, 0, static_cast<int32_t>(index), 0, 0});
  link.attribute(route::kLinkAlias, alias.data(), alias.size());
  link.end();
  return netlink_exchange(socket, link);
}

}  // namespace

Result<void> make_bridge(int route_socket, const Bridge& bridge) {
  char buffer[512];
  NetlinkWriter link(buffer, sizeof buffer);
  link.begin(route::kNewLink, netlink::kAck | netlink::kCreate | netlink::kExclusive,
             route::LinkMessage{0, 0, 0, 0, route::kUp, route::kUp});
  link.text(route::kLinkName, bridge.name.c_str());
  link.number(route::kLinkMtu, bridge.mtu);
  link.attribute(route::kLinkAddress, bridge.mac, sizeof bridge.mac);
  const size_t info = link.nest(route::kLinkInfo);
  link.text(route::kLinkInfoKind, "bridge");
  link.close(info);
  link.end();
  BERTH_TRY(netlink_exchange(route_socket, link));
  const auto addressed = [&]() -> Result<void> {
    BERTH_ASSIGN(const uint32_t index, interface_index(bridge.name.c_str()));
    BERTH_TRY(set_alias(route_socket, index, bridge.alias));
    return configure_interface(route_socket, index,
                               {bridge.addresses.data(), bridge.addresses.size(), nullptr, 0});
  }();
  if (!addressed) (void)delete_interface(route_socket, bridge.name.c_str());
  return addressed;
}

Result<void> delete_interface(int route_socket, const char* name) {
  char buffer[128];
  NetlinkWriter link(buffer, sizeof buffer);
  link.begin(route::kDeleteLink, netlink::kAck, route::LinkMessage{});
  link.text(route::kLinkName, name);
  link.end();
  return netlink_exchange(route_socket, link);
}

Result<std::vector<Interface>> list_interfaces(int route_socket) {
  std::vector<Interface> all;
  const auto visit = [&](const route::LinkMessage& message, NetlinkBytes attributes) {
    Interface each;
    each.name = text_of(find_attribute(attributes, IFLA_IFNAME));
    each.alias = text_of(find_attribute(attributes, IFLA_IFALIAS));
    const auto info = find_attribute(attributes, IFLA_LINKINFO);
    if (info) each.kind = text_of(find_attribute(*info, IFLA_INFO_KIND));
    each.index = static_cast<uint32_t>(message.index);
    each.master = number_of(find_attribute(attributes, IFLA_MASTER));
    each.up = (message.flags & IFF_UP) != 0;
    all.push_back(std::move(each));
  };
  BERTH_TRY(list<route::LinkMessage>(route_socket, route::kGetLink, {}, visit));
  return all;
}

Result<std::vector<IpAddress>> list_addresses(int route_socket) {
  std::vector<IpAddress> all;
  BERTH_TRY(list<route::AddressMessage>(
      route_socket, route::kGetAddress, {},
      [&](const route::AddressMessage& message, NetlinkBytes attributes) {
        // IPv6 interfaces without a peer have no local address apart.
        const auto local = find_attribute(attributes, IFA_LOCAL);
        const auto address = address_of(message.family, message.prefix,
                                        local ? local : find_attribute(attributes, IFA_ADDRESS));
        if (address) all.push_back(*address);
      }));
  return all;
}

Result<std::vector<KnownNetwork>> list_known_networks(int route_socket) {
  std::vector<KnownNetwork> all;
  const auto add = [&](std::optional<IpAddress> network, uint32_t interface) {
    if (network && network->prefix > 0) all.push_back({*network, interface});
  };
  BERTH_TRY(list<route::RouteMessage>(
      route_socket, route::kGetRoute, {},
      [&](const route::RouteMessage& message, NetlinkBytes attributes) {
        // The local table repeats the addresses below, and lists broadcast and multicast.
        if (message.type != RTN_UNICAST || message.table == RT_TABLE_LOCAL) return;
        add(address_of(message.family, message.destination_prefix,
                       find_attribute(attributes, RTA_DST)),
            number_of(find_attribute(attributes, RTA_OIF)));
      }));
  BERTH_TRY(list<route::AddressMessage>(
      route_socket, route::kGetAddress, {},
      [&](const route::AddressMessage& message, NetlinkBytes attributes) {
        add(address_of(message.family, message.prefix, find_attribute(attributes, IFA_ADDRESS)),
            message.index);
      }));
  return all;
}

}  // namespace berth::sys
