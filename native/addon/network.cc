// Networks: bridges, the packet filter, and interfaces of containers that run.
#include <napi.h>
#include <netinet/ether.h>

#include "addon/facilities.h"
#include "addon/network_values.h"
#include "sys/bridge.h"
#include "sys/flow_table.h"
#include "sys/nft_batch.h"
#include "sys/nft_table.h"
#include "sys/remote_interface.h"

namespace berth::addon {
namespace {

using sys::IpAddress;
using sys::Result;

Result<void> raise_network(const sys::Bridge& bridge, const sys::NftNetwork& network) {
  BERTH_ASSIGN(const sys::Fd filter, sys::open_netlink(sys::netlink::kNetfilter));
  const auto made = sys::make_nft_table(filter.get());
  if (!made && made.error().number != EEXIST) return made.error();
  BERTH_TRY(sys::add_nft_network(filter.get(), network));
  BERTH_ASSIGN(const sys::Fd route, sys::open_netlink(sys::netlink::kRoute));
  const auto raised = sys::make_bridge(route.get(), bridge);
  if (!raised && raised.error().number != EEXIST) return raised.error();
  return {};
}

sys::NftNetwork filter_network(const Napi::Object& spec) {
  return {text_of(spec, "bridge"), spec.Get("internal").As<Napi::Boolean>().Value()};
}

Napi::Value raise_call(const Napi::CallbackInfo& info) {
  const auto spec = info[0].As<Napi::Object>();
  sys::Bridge bridge;
  bridge.name = text_of(spec, "bridge");
  bridge.alias = text_of(spec, "alias");
  bridge.mtu = number_of(spec, "mtu");
  ether_addr mac = {};
  ether_aton_r(text_of(spec, "mac").c_str(), &mac);
  memcpy(bridge.mac, mac.ether_addr_octet, sizeof bridge.mac);
  const auto addresses = spec.Get("addresses").As<Napi::Array>();
  for (uint32_t i = 0; i < addresses.Length(); ++i) {
    const auto each = addresses.Get(i).As<Napi::Object>();
    bridge.addresses.push_back(
        address_from(each.Get("address"), static_cast<uint8_t>(number_of(each, "prefix"))));
  }
  if (auto raised = raise_network(bridge, filter_network(spec)); !raised)
    return thrown(info.Env(), raised.error(), bridge.name);
  return info.Env().Undefined();
}

/// The index of an interface, 0 when there is none.
Result<uint32_t> index_of(const std::string& name) {
  auto index = sys::interface_index(name.c_str());
  if (!index && index.error().number == ENODEV) return uint32_t{0};
  return index;
}

Result<bool> network_is_up(const sys::NftNetwork& network) {
  BERTH_ASSIGN(const uint32_t index, index_of(network.bridge));
  if (index == 0) return false;
  BERTH_ASSIGN(const sys::Fd filter, sys::open_netlink(sys::netlink::kNetfilter));
  return sys::has_nft_network(filter.get(), network);
}

Napi::Value is_up_call(const Napi::CallbackInfo& info) {
  const auto network = filter_network(info[0].As<Napi::Object>());
  auto up = network_is_up(network);
  if (!up) return thrown(info.Env(), up.error(), network.bridge);
  return Napi::Boolean::New(info.Env(), *up);
}

Result<void> lower_network(const sys::NftNetwork& network, bool last) {
  BERTH_ASSIGN(const sys::Fd route, sys::open_netlink(sys::netlink::kRoute));
  const auto gone = sys::delete_interface(route.get(), network.bridge.c_str());
  if (!gone && gone.error().number != ENODEV) return gone.error();
  BERTH_ASSIGN(const sys::Fd filter, sys::open_netlink(sys::netlink::kNetfilter));
  if (!last) return sys::remove_nft_network(filter.get(), network);
  const auto deleted = sys::delete_nft_table(filter.get());
  if (!deleted && deleted.error().number != ENOENT) return deleted.error();
  return {};
}

Napi::Value lower_call(const Napi::CallbackInfo& info) {
  const auto spec = info[0].As<Napi::Object>();
  const auto network = filter_network(spec);
  if (auto lowered = lower_network(network, spec.Get("last").As<Napi::Boolean>().Value()); !lowered)
    return thrown(info.Env(), lowered.error(), network.bridge);
  return info.Env().Undefined();
}

struct HostNetworks {
  std::vector<sys::Interface> interfaces;
  std::vector<sys::KnownNetwork> known;
};

Result<HostNetworks> host_networks() {
  HostNetworks all;
  BERTH_ASSIGN(const sys::Fd route, sys::open_netlink(sys::netlink::kRoute));
  BERTH_ASSIGN(all.interfaces, sys::list_interfaces(route.get()));
  BERTH_ASSIGN(all.known, sys::list_known_networks(route.get()));
  return all;
}

Napi::Value host_call(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto all = host_networks();
  if (!all) return thrown(env, all.error());
  auto interfaces = Napi::Array::New(env);
  for (const auto& each : all->interfaces) {
    auto one = Napi::Object::New(env);
    one.Set("name", each.name);
    one.Set("alias", each.alias);
    one.Set("kind", each.kind);
    one.Set("index", each.index);
    one.Set("master", each.master);
    one.Set("up", each.up);
    interfaces.Set(interfaces.Length(), one);
  }
  auto networks = Napi::Array::New(env);
  for (const auto& each : all->known) {
    auto one = Napi::Object::New(env);
    one.Set("address", to_text(env, each.network));
    one.Set("prefix", each.network.prefix);
    one.Set("interface", each.interface);
    networks.Set(networks.Length(), one);
  }
  auto result = Napi::Object::New(env);
  result.Set("interfaces", interfaces);
  result.Set("networks", networks);
  return result;
}

Napi::Value published_call(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto list = []() -> Result<std::vector<sys::PublishedElement>> {
    BERTH_ASSIGN(const sys::Fd filter, sys::open_netlink(sys::netlink::kNetfilter));
    return sys::list_published(filter.get());
  };
  auto all = list();
  if (!all) return thrown(env, all.error());
  auto result = Napi::Array::New(env);
  for (const auto& each : *all) {
    auto one = Napi::Object::New(env);
    one.Set("hostIp", to_text(env, each.port.host));
    one.Set("hostPort", each.port.host_port);
    one.Set("protocol", each.port.protocol == IPPROTO_UDP ? "udp" : "tcp");
    one.Set("containerIp", to_text(env, each.port.container));
    one.Set("containerPort", each.port.container_port);
    one.Set("owner", each.owner);
    result.Set(result.Length(), one);
  }
  return result;
}

Napi::Value publish_call(const Napi::CallbackInfo& info) {
  const auto list = info[0].As<Napi::Array>();
  std::vector<sys::PublishedPort> ports;
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const auto each = list.Get(i).As<Napi::Object>();
    const bool udp = text_of(each, "protocol") == "udp";
    ports.push_back({address_from(each.Get("hostIp")), address_from(each.Get("containerIp")),
                     static_cast<uint8_t>(udp ? IPPROTO_UDP : IPPROTO_TCP),
                     static_cast<uint16_t>(number_of(each, "hostPort")),
                     static_cast<uint16_t>(number_of(each, "containerPort"))});
  }
  const std::string messages = sys::publish_messages(ports, info[1].As<Napi::String>().Utf8Value());
  const auto publish = [&]() -> Result<void> {
    BERTH_ASSIGN(const sys::Fd filter, sys::open_netlink(sys::netlink::kNetfilter));
    return sys::nft_commit(filter.get(), {messages.data(), messages.size()});
  };
  if (auto published = publish(); !published) return thrown(info.Env(), published.error());
  return info.Env().Undefined();
}

Napi::Value withdraw_call(const Napi::CallbackInfo& info) {
  const std::string owner = info[0].As<Napi::String>().Utf8Value();
  auto withdrawn =
      withdraw_ports([&](const sys::PublishedElement& each) { return each.owner == owner; });
  if (!withdrawn) return thrown(info.Env(), withdrawn.error());
  return Napi::Number::New(info.Env(), *withdrawn);
}

Napi::Value forget_call(const Napi::CallbackInfo& info) {
  const auto list = info[0].As<Napi::Array>();
  std::vector<uint16_t> ports;
  for (uint32_t i = 0; i < list.Length(); ++i)
    ports.push_back(static_cast<uint16_t>(list.Get(i).As<Napi::Number>().Uint32Value()));
  auto forgotten = sys::forget_udp_flows(ports);
  if (!forgotten) return thrown(info.Env(), forgotten.error());
  return Napi::Number::New(info.Env(), *forgotten);
}

sys::NamespaceHolder holder_of(const Napi::Object& spec) {
  return {static_cast<pid_t>(number_of(spec, "pid")),
          static_cast<uint64_t>(spec.Get("startTime").As<Napi::Number>().Int64Value())};
}

/// Addresses and gateways of an interface, and what keeps them.
struct InterfaceNumbers {
  std::vector<IpAddress> addresses, gateways;

  explicit InterfaceNumbers(const Napi::Object& spec) {
    const auto own = spec.Get("addresses");
    for (uint32_t i = 0; own.IsArray() && i < own.As<Napi::Array>().Length(); ++i) {
      const auto each = own.As<Napi::Array>().Get(i).As<Napi::Object>();
      addresses.push_back(
          address_from(each.Get("address"), static_cast<uint8_t>(number_of(each, "prefix"))));
    }
    const auto next = spec.Get("gateways").As<Napi::Array>();
    for (uint32_t i = 0; i < next.Length(); ++i) gateways.push_back(address_from(next.Get(i)));
  }
  sys::Addressing whole() const {
    return {addresses.data(), addresses.size(), gateways.data(), gateways.size(), true};
  }
};

Napi::Value add_interface_call(const Napi::CallbackInfo& info) {
  const auto spec = info[0].As<Napi::Object>();
  const std::string bridge = text_of(spec, "bridge"), outer = text_of(spec, "host_interface"),
                    inner = text_of(spec, "interface");
  sys::Veth veth;
  auto index = sys::interface_index(bridge.c_str());
  if (!index) return thrown(info.Env(), index.error(), bridge);
  veth.bridge = *index;
  veth.name = outer.c_str();
  veth.peer = inner.c_str();
  veth.mtu = number_of(spec, "mtu");
  ether_addr mac = {};
  ether_aton_r(text_of(spec, "mac").c_str(), &mac);
  memcpy(veth.mac, mac.ether_addr_octet, sizeof veth.mac);
  const InterfaceNumbers numbers(spec);
  const auto added = sys::add_remote_interface(holder_of(spec), veth, numbers.whole());
  if (!added) return thrown(info.Env(), added.error(), inner);
  return info.Env().Undefined();
}

Napi::Value add_routes_call(const Napi::CallbackInfo& info) {
  const auto spec = info[0].As<Napi::Object>();
  const std::string name = text_of(spec, "interface");
  const InterfaceNumbers numbers(spec);
  const auto added =
      sys::configure_remote_interface(holder_of(spec), name.c_str(), numbers.whole());
  if (!added) return thrown(info.Env(), added.error(), name);
  return info.Env().Undefined();
}

Napi::Value remove_interface_call(const Napi::CallbackInfo& info) {
  const std::string name = info[0].As<Napi::String>().Utf8Value();
  const auto remove = [&]() -> Result<void> {
    BERTH_ASSIGN(const sys::Fd route, sys::open_netlink(sys::netlink::kRoute));
    return sys::delete_interface(route.get(), name.c_str());
  };
  const auto removed = remove();
  if (!removed && removed.error().number != ENODEV)
    return thrown(info.Env(), removed.error(), name);
  return Napi::Boolean::New(info.Env(), static_cast<bool>(removed));
}

}  // namespace

Result<uint32_t> withdraw_ports(const std::function<bool(const sys::PublishedElement&)>& fits) {
  BERTH_ASSIGN(const sys::Fd filter, sys::open_netlink(sys::netlink::kNetfilter));
  BERTH_ASSIGN(const auto all, sys::list_published(filter.get()));
  std::vector<sys::PublishedPort> stale;
  for (const auto& each : all) {
    if (fits(each)) stale.push_back(each.port);
  }
  const std::string messages = sys::unpublish_messages(stale);
  BERTH_TRY(sys::nft_commit_remains(filter.get(), {messages.data(), messages.size()}));
  return static_cast<uint32_t>(stale.size());
}

void register_network(Napi::Object exports) {
  const auto set = [&](const char* name, Napi::Value (*call)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(exports.Env(), call, name));
  };
  set("raiseNetwork", raise_call);
  set("isNetworkUp", is_up_call);
  set("lowerNetwork", lower_call);
  set("hostNetworks", host_call);
  set("publishedPorts", published_call);
  set("publishPorts", publish_call);
  set("withdrawPorts", withdraw_call);
  set("forgetUdpFlows", forget_call);
  set("addInterface", add_interface_call);
  set("addRoutes", add_routes_call);
  set("removeInterface", remove_interface_call);
}

}  // namespace berth::addon
