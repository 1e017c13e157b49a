// What containers claim of networks: addresses, and ports of the host.
#include <napi.h>

#include "addon/facilities.h"
#include "addon/network_values.h"
#include "sys/network_claim.h"

namespace berth::addon {
namespace {

using sys::IpAddress;
using sys::Result;

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

sys::AddressWish address_wish(const Napi::Object& spec) {
  return {address_from(spec.Get("first")), address_from(spec.Get("last")),
          address_from(spec.Get("gateway")),
          address_from(spec.Get("network6"), static_cast<uint8_t>(number_of(spec, "prefix6")))};
}

Napi::Object own_addresses(Napi::Env env, const sys::OwnAddresses& own) {
  auto one = Napi::Object::New(env);
  one.Set("ipv4", to_text(env, own.address4));
  one.Set("ipv6", to_text(env, own.address6));
  return one;
}

/// Whatever of it is still published was a container's whose supervisor was killed: what is claimed is nobody else's.
Result<uint32_t> withdraw_claimed(const sys::NetworkClaim& claim,
                                  const std::vector<sys::PortWish>& wishes) {
  return withdraw_ports([&](const sys::PublishedElement& each) {
    for (const auto& own : claim.addresses) {
      if (same(each.port.container, own.address4) || same(each.port.container, own.address6))
        return true;
    }
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
  std::vector<sys::AddressWish> addresses;
  const auto list = request.Get("addresses").As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); ++i)
    addresses.push_back(address_wish(list.Get(i).As<Napi::Object>()));
  sys::ClaimRefusal refusal;
  auto claim = sys::claim_network(text_of(request, "file").c_str(), addresses, wishes, refusal);
  if (!claim) {
    Failure failure(claim.error());
    const bool port = refusal.what == sys::ClaimRefusal::What::kPort;
    failure.step = (port ? "port " : "address ") + std::to_string(refusal.index);
    to_js(env, failure).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  if (auto cleared = withdraw_claimed(*claim, wishes); !cleared)
    return thrown(env, cleared.error());
  auto result = Napi::Object::New(env);
  result.Set("fd", claim->held.release());
  auto own = Napi::Array::New(env);
  for (const auto& each : claim->addresses) own.Set(own.Length(), own_addresses(env, each));
  result.Set("addresses", own);
  auto ports = Napi::Array::New(env);
  for (const uint16_t port : claim->ports) ports.Set(ports.Length(), port);
  result.Set("ports", ports);
  return result;
}

/// claimMore(fd, wish): addresses that are held as long as the rest of the claim.
Napi::Value more_call(const Napi::CallbackInfo& info) {
  const int held = info[0].As<Napi::Number>().Int32Value();
  auto own = sys::claim_more(held, address_wish(info[1].As<Napi::Object>()));
  if (!own) return thrown(info.Env(), own.error());
  sys::NetworkClaim claim;
  claim.addresses.push_back(*own);
  if (auto cleared = withdraw_claimed(claim, {}); !cleared)
    return thrown(info.Env(), cleared.error());
  return own_addresses(info.Env(), *own);
}

/// releaseAddresses(fd, ipv4, ipv6)
Napi::Value release_call(const Napi::CallbackInfo& info) {
  const int held = info[0].As<Napi::Number>().Int32Value();
  const auto released =
      sys::release_addresses(held, {address_from(info[1]), address_from(info[2])});
  if (!released) return thrown(info.Env(), released.error());
  return info.Env().Undefined();
}

Napi::Value idle_call(const Napi::CallbackInfo& info) {
  const std::string file = info[0].As<Napi::String>().Utf8Value();
  auto removed = sys::remove_idle_claims(file.c_str());
  if (!removed) return thrown(info.Env(), removed.error(), file);
  return Napi::Boolean::New(info.Env(), *removed);
}

}  // namespace

void register_claims(Napi::Object exports) {
  const auto set = [&](const char* name, Napi::Value (*call)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(exports.Env(), call, name));
  };
  set("claimNetwork", claim_call);
  set("claimMore", more_call);
  set("releaseAddresses", release_call);
  set("removeIdleClaims", idle_call);
}

}  // namespace berth::addon
