#include "sys/interface.h"
#include "sys/nft_table.h"
#include "sys/probe.h"
#include "sys/probe_child.h"
#include "sys/route_message.h"

namespace berth::sys {
namespace {

int number_of(const Result<void>& outcome) { return outcome ? 0 : outcome.error().number; }

Result<void> make_interfaces() {
  BERTH_ASSIGN(const Fd route, open_netlink(netlink::kRoute));
  char buffer[256];
  NetlinkWriter link(buffer, sizeof buffer);
  link.begin(route::kNewLink, netlink::kAck | netlink::kCreate, route::LinkMessage{});
  link.text(route::kLinkName, "bridge0");
  const size_t info = link.nest(route::kLinkInfo);
  link.text(route::kLinkInfoKind, "bridge");
  link.close(info);
  link.end();
  BERTH_TRY(netlink_exchange(route.get(), link));
  BERTH_ASSIGN(const uint32_t bridge, interface_index("bridge0"));
  return make_veth(route.get(),
                   {"veth0", bridge, "veth1", getpid(), 1500, {0x02, 0xbe, 0, 0, 0, 1}, -1});
}

Result<void> make_filter() {
  BERTH_ASSIGN(const Fd filter, open_netlink(netlink::kNetfilter));
  return make_nft_table(filter.get());
}

}  // namespace

int probe_network(bool privileged, Probe* probes) {
  // In a network namespace that ends with the child: the host's own is not touched.
  const uint64_t flags = kernel::kCloneNewNet | (privileged ? 0 : kernel::kCloneNewUser);
  probes[0] = {"bridges",
               try_in_child("RTM_NEWLINK", flags, [] { return number_of(make_interfaces()); })};
  probes[1] = {"packet filter",
               try_in_child("nf_tables", flags, [] { return number_of(make_filter()); })};
  return 2;
}

}  // namespace berth::sys
