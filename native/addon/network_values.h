// Addresses, texts and failures of the networks' calls, from and to JavaScript.
#pragma once

#include <arpa/inet.h>
#include <napi.h>

#include <functional>
#include <string>

#include "addon/error.h"
#include "sys/interface.h"
#include "sys/nft_table.h"

namespace berth::addon {

/// Text that src/containerizer/network has checked; what is no address has no family.
inline sys::IpAddress address_from(const Napi::Value& value, uint8_t prefix = 0) {
  sys::IpAddress address;
  if (!value.IsString()) return address;
  const std::string text = value.As<Napi::String>().Utf8Value();
  for (const uint8_t family : {sys::IpAddress::kFamily4, sys::IpAddress::kFamily6}) {
    if (inet_pton(family, text.c_str(), address.bytes) != 1) continue;
    address.family = family;
    address.prefix = prefix;
    break;
  }
  return address;
}

inline Napi::Value to_text(Napi::Env env, const sys::IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.family == 0) return env.Null();
  return Napi::String::New(env, inet_ntop(address.family, address.bytes, text, sizeof text));
}

inline std::string text_of(const Napi::Object& object, const char* key) {
  return object.Get(key).As<Napi::String>().Utf8Value();
}

inline uint32_t number_of(const Napi::Object& object, const char* key) {
  return object.Get(key).As<Napi::Number>().Uint32Value();
}

inline Napi::Value thrown(Napi::Env env, const sys::Error& error, const std::string& subject = {}) {
  Failure failure(error);
  failure.path = subject;
  to_js(env, failure).ThrowAsJavaScriptException();
  return env.Undefined();
}

/// Takes published ports away that fit; gives how many there were.
sys::Result<uint32_t> withdraw_ports(const std::function<bool(const sys::PublishedElement&)>& fits);

}  // namespace berth::addon
