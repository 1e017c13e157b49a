#include "sys/flow_table.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <algorithm>
#include <string>

#include "sys/bridge.h"
#include "sys/netlink_dump.h"

namespace berth::sys {
namespace {

constexpr uint16_t type_of(uint16_t message) {
  return static_cast<uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | message);
}

struct Flow {
  uint8_t family;
  std::string tuple;  // the attributes that name it
};

struct Wanted {
  const std::vector<uint16_t>& ports;
  std::vector<IpAddress> local;

  bool covers(const IpAddress& address) const {
    return std::any_of(local.begin(), local.end(), [&](const IpAddress& each) {
      return each.family == address.family &&
             memcmp(each.bytes, address.bytes, address.size()) == 0;
    });
  }

  bool has(uint8_t family, NetlinkBytes tuple) const {
    const auto ip = find_attribute(tuple, CTA_TUPLE_IP);
    const auto proto = find_attribute(tuple, CTA_TUPLE_PROTO);
    if (!ip || !proto) return false;
    const auto number = find_attribute(*proto, CTA_PROTO_NUM);
    const auto port = find_attribute(*proto, CTA_PROTO_DST_PORT);
    const auto destination =
        find_attribute(*ip, family == IpAddress::kFamily4 ? CTA_IP_V4_DST : CTA_IP_V6_DST);
    if (!number || read_structure<uint8_t>(*number) != IPPROTO_UDP || !port || !destination)
      return false;
    const uint16_t to = ntohs(read_structure<uint16_t>(*port).value_or(0));
    IpAddress address;
    address.family = family;
    if (destination->size() != address.size()) return false;
    memcpy(address.bytes, destination->data(), address.size());
    return std::find(ports.begin(), ports.end(), to) != ports.end() && covers(address);
  }
};

Result<std::vector<Flow>> matching(int socket, const Wanted& wanted) {
  char buffer[64];
  NetlinkWriter request(buffer, sizeof buffer);
  request.begin(type_of(IPCTNL_MSG_CT_GET), netlink::kDump, nfgenmsg{AF_UNSPEC, NFNETLINK_V0, 0});
  request.end();
  std::vector<Flow> flows;
  BERTH_TRY(netlink_dump(socket, request, [&](uint16_t, NetlinkBytes content) {
    const auto generic = read_structure<nfgenmsg>(content);
    if (!generic) return;
    const auto tuple = find_attribute(content.subspan(sizeof(nfgenmsg)), CTA_TUPLE_ORIG);
    if (tuple && wanted.has(generic->nfgen_family, *tuple))
      flows.push_back({generic->nfgen_family, std::string(tuple->data(), tuple->size())});
  }));
  return flows;
}

Result<void> forget(int socket, const Flow& flow) {
  char buffer[512];
  NetlinkWriter request(buffer, sizeof buffer);
  request.begin(type_of(IPCTNL_MSG_CT_DELETE), netlink::kAck,
                nfgenmsg{flow.family, NFNETLINK_V0, 0});
  request.attribute(CTA_TUPLE_ORIG | netlink::kNested, flow.tuple.data(), flow.tuple.size());
  request.end();
  const auto forgotten = netlink_exchange(socket, request);
  if (!forgotten && forgotten.error().number != ENOENT) return forgotten.error();
  return {};
}

}  // namespace

Result<uint32_t> forget_udp_flows(const std::vector<uint16_t>& ports) {
  BERTH_ASSIGN(const Fd route, open_netlink(netlink::kRoute));
  Wanted wanted{ports, {}};
  BERTH_ASSIGN(wanted.local, list_addresses(route.get()));
  BERTH_ASSIGN(const Fd filter, open_netlink(netlink::kNetfilter));
  auto flows = matching(filter.get(), wanted);
  if (!flows && (flows.error().number == EINVAL || flows.error().number == EOPNOTSUPP))
    return uint32_t{0};
  if (!flows) return flows.error();
  for (const Flow& flow : *flows) BERTH_TRY(forget(filter.get(), flow));
  return static_cast<uint32_t>(flows->size());
}

}  // namespace berth::sys
