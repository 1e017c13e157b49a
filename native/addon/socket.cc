#include <napi.h>

#include "addon/error.h"
#include "addon/facilities.h"
#include "sys/socket_owner.h"
#include "sys/socket_peer.h"

namespace berth::addon {
namespace {

Napi::Value socket_owner_call(const Napi::CallbackInfo& info) {
  const std::string own = info[0].As<Napi::String>().Utf8Value();
  const std::string other = info[2].As<Napi::String>().Utf8Value();
  const auto port = [&](size_t index) {
    return static_cast<uint16_t>(info[index].As<Napi::Number>().Uint32Value());
  };
  auto owner = sys::socket_owner({own.c_str(), port(1)}, {other.c_str(), port(3)});
  if (!owner) {
    if (owner.error().number == ENOENT) return info.Env().Null();
    to_js(info.Env(), owner.error()).ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  return Napi::Number::New(info.Env(), *owner);
}

Napi::Value socket_peer_call(const Napi::CallbackInfo& info) {
  auto peer = sys::socket_peer(info[0].As<Napi::Number>().Int32Value());
  if (!peer) {
    to_js(info.Env(), peer.error()).ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  return Napi::Number::New(info.Env(), *peer);
}

}  // namespace

void register_socket(Napi::Object exports) {
  exports.Set("socketOwner", Napi::Function::New(exports.Env(), socket_owner_call, "socketOwner"));
  exports.Set("socketPeer", Napi::Function::New(exports.Env(), socket_peer_call, "socketPeer"));
}

}  // namespace berth::addon
