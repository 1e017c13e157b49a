// Networks: bridges, the packet filter, and what containers claim of them.
#include <arpa/inet.h>
#include <napi.h>
#include <netinet/ether.h>

#include "addon/facilities.h"
#include "addon/job.h"
#include "sys/bridge.h"
#include "sys/flow_table.h"
#include "sys/network_claim.h"
#include "sys/nft_batch.h"
#include "sys/nft_table.h"

namespace berth::addon {
namespace {

using sys::IpAddress;
using sys::Result;

/// Text that src/containerizer/network has checked; what is no address has no family.
IpAddress address_from(const Napi::Value& value, uint8_t prefix = 0) {
  IpAddress address;
  if (!value.IsString()) return address;
  const std::string text = value.As<Napi::String>().Utf8Value();
  for (const uint8_t family : {IpAddress::kFamily4, IpAddress::kFamily6}) {
    if (inet_pton(family, text.c_str(), address.bytes) != 1) continue;
    address.family = family;
    address.prefix = prefix;
    break;
  }
  return address;
}

Napi::Value to_text(Napi::Env env, const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.family == 0) return env.Null();
  return Napi::String::New(env, inet_ntop(address.family, address.bytes, text, sizeof text));
}

std::string text_of(const Napi::Object& object, const char* key) {
  return object.Get(key).As<Napi::String>().Utf8Value();
}

uint32_t number_of(const Napi::Object& object, const char* key) {
  return object.Get(key).As<Napi::Number>().Uint32Value();
}

Napi::Value thrown(Napi::Env env, const sys::Error& error, const std::string& subject = {}) {
  Failure failure(error);
  failure.path = subject;
  to_js(env, failure).ThrowAsJavaScriptException();
  return env.Undefined();
}

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

std::vector<sys::PortWish> port_wishes(const Napi::Array& list) {
  std::vector<sys::PortWish> wishes;
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const auto each = list.Get(i).As<Napi::Object>();
    sys::PortWish wish;
    const auto addresses = each.Get("addresses").As<Napi::Array>();
    for (uint32_t j = 0; j < addresses.Length(); ++j)
      wish.addresses.push_back(address_from(addresses.Get(j)));
    wish.protocol =
        static_cast<uint8_t>(text_of(each, "protocol") == "udp" ? IPPROTO_UDP : IPPROTO_TCP);
    wish.first_port = static_cast<uint16_t>(number_of(each, "first"));
    wish.last_port = static_cast<uint16_t>(number_of(each, "last"));
    wishes.push_back(std::move(wish));
  }
  return wishes;
}

bool same(const IpAddress& a, const IpAddress& b) {
  return a.family == b.family && memcmp(a.bytes, b.bytes, a.size()) == 0;
}

/// Takes published ports away that fit.
Result<uint32_t> withdraw(const std::function<bool(const sys::PublishedElement&)>& fits) {
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

/// Whatever of it is still published was a container's whose supervisor was killed: what is claimed is nobody else's.
Result<uint32_t> withdraw_claimed(const sys::NetworkClaim& claim,
                                  const std::vector<sys::PortWish>& wishes) {
  return withdraw([&](const sys::PublishedElement& each) {
    if (same(each.port.container, claim.address4) || same(each.port.container, claim.address6))
      return true;
    for (size_t i = 0; i < wishes.size(); ++i) {
      if (wishes[i].protocol != each.port.protocol || claim.ports[i] != each.port.host_port)
        continue;
      for (const IpAddress& address : wishes[i].addresses) {
        if (same(address, each.port.host)) return true;
      }
    }
    return false;
  });
}

Napi::Value claim_call(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto request = info[0].As<Napi::Object>();
  const auto wishes = port_wishes(request.Get("ports").As<Napi::Array>());
  const sys::AddressWish wish = {
      address_from(request.Get("first")), address_from(request.Get("last")),
      address_from(request.Get("gateway")),
      address_from(request.Get("network6"), static_cast<uint8_t>(number_of(request, "prefix6")))};
  sys::ClaimRefusal refusal;
  auto claim = sys::claim_network(text_of(request, "file").c_str(), wish, wishes, refusal);
  if (!claim) {
    Failure failure(claim.error());
    failure.step =
        refusal.what == sys::ClaimRefusal::What::kPort ? std::to_string(refusal.index) : "address";
    to_js(env, failure).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  if (auto cleared = withdraw_claimed(*claim, wishes); !cleared)
    return thrown(env, cleared.error());
  auto result = Napi::Object::New(env);
  result.Set("fd", claim->held.release());
  result.Set("ipv4", to_text(env, claim->address4));
  result.Set("ipv6", to_text(env, claim->address6));
  auto ports = Napi::Array::New(env);
  for (const uint16_t port : claim->ports) ports.Set(ports.Length(), port);
  result.Set("ports", ports);
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
  auto withdrawn = withdraw([&](const sys::PublishedElement& each) { return each.owner == owner; });
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

Napi::Value idle_call(const Napi::CallbackInfo& info) {
  const std::string file = info[0].As<Napi::String>().Utf8Value();
  auto removed = sys::remove_idle_claims(file.c_str());
  if (!removed) return thrown(info.Env(), removed.error(), file);
  return Napi::Boolean::New(info.Env(), *removed);
}

}  // namespace

void register_network(Napi::Object exports) {
  const auto set = [&](const char* name, Napi::Value (*call)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(exports.Env(), call, name));
  };
  set("raiseNetwork", raise_call);
  set("isNetworkUp", is_up_call);
  set("lowerNetwork", lower_call);
  set("hostNetworks", host_call);
  set("claimNetwork", claim_call);
  set("publishedPorts", published_call);
  set("publishPorts", publish_call);
  set("withdrawPorts", withdraw_call);
  set("forgetUdpFlows", forget_call);
  set("removeIdleClaims", idle_call);
}

}  // namespace berth::addon
