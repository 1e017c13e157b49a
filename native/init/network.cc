#include "init/network.h"

#include <sys/mman.h>

#include <cstring>

#include "sys/interface.h"
#include "sys/netlink.h"
#include "sys/nft_batch.h"

namespace berth::init {
namespace {

using launch::Plan;
using sys::Fd;
using sys::Result;

/// Two families.
constexpr uint32_t kMost = 2;

Result<uint32_t> unpack(const launch::List<launch::Address>& from, sys::IpAddress (&to)[kMost]) {
  if (from.count > kMost) return sys::Error{E2BIG, "netlink"};
  for (uint32_t i = 0; i < from.count; ++i) {
    to[i].family = static_cast<uint8_t>(from.items[i].family);
    to[i].prefix = static_cast<uint8_t>(from.items[i].prefix);
    memcpy(to[i].bytes, from.items[i].words, sizeof to[i].bytes);
  }
  return from.count;
}

sys::Piece bytes_of(const launch::List<uint32_t>& words) {
  return {reinterpret_cast<const char*>(words.items), size_t{words.count} * sizeof(uint32_t)};
}

}  // namespace

Result<void> connect(const Plan& plan, Container& container, Progress& progress) {
  if (plan.network.attachments.count == 0) return {};
  progress.at("namespaces");
  BERTH_ASSIGN(const bool made, await_namespaces(container));
  // It has failed, and says why to whoever waits for its program.
  if (!made) return {};
  progress.at("interface");
  BERTH_ASSIGN(const Fd route, sys::open_netlink(sys::netlink::kRoute));
  for (const auto& attachment : plan.network.attachments) {
    progress.subject = attachment.bridge;
    sys::Veth veth;
    BERTH_ASSIGN(veth.bridge, sys::interface_index(attachment.bridge));
    veth.name = attachment.host_interface;
    veth.peer = attachment.interface;
    veth.process = container.pid;
    veth.mtu = attachment.mtu;
    for (size_t i = 0; i < sizeof veth.mac; ++i)
      veth.mac[i] = static_cast<uint8_t>(attachment.mac >> (8 * (sizeof veth.mac - 1 - i)));
    BERTH_TRY(sys::make_veth(route.get(), veth));
  }
  return {};
}

Result<void> configure(const Plan& plan, Progress& progress) {
  if (plan.network.attachments.count == 0) return {};
  progress.at("addresses");
  BERTH_ASSIGN(const Fd route, sys::open_netlink(sys::netlink::kRoute));
  for (const auto& attachment : plan.network.attachments) {
    progress.subject = attachment.interface;
    sys::IpAddress addresses[kMost], gateways[kMost];
    sys::Addressing addressing = {addresses, 0, gateways, 0};
    BERTH_ASSIGN(addressing.address_count, unpack(attachment.addresses, addresses));
    BERTH_ASSIGN(addressing.gateway_count, unpack(attachment.gateways, gateways));
    BERTH_ASSIGN(const uint32_t index, sys::interface_index(attachment.interface));
    BERTH_TRY(sys::configure_interface(route.get(), index, addressing));
  }
  return {};
}

Result<void> PublishedPorts::publish(const Plan& plan, Progress& progress) {
  if (plan.network.publish.count == 0) return {};
  progress.at("ports");
  const sys::Piece unpublish = bytes_of(plan.network.unpublish);
  void* kept =
      mmap(nullptr, unpublish.count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (kept == MAP_FAILED) return sys::last_error("mmap");
  memcpy(kept, unpublish.bytes, unpublish.count);
  BERTH_ASSIGN(const Fd filter, sys::open_netlink(sys::netlink::kNetfilter));
  BERTH_TRY(sys::nft_commit(filter.get(), bytes_of(plan.network.publish)));
  messages_ = static_cast<char*>(kept);
  size_ = unpublish.count;
  return {};
}

Result<void> PublishedPorts::withdraw() {
  if (messages_ == nullptr) return {};
  BERTH_ASSIGN(const Fd filter, sys::open_netlink(sys::netlink::kNetfilter));
  return sys::nft_commit_remains(filter.get(), {messages_, size_});
}

}  // namespace berth::init
