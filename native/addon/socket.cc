#include <napi.h>
#include <sys/socket.h>

#include <optional>
#include <string>

#include "addon/error.h"
#include "addon/facilities.h"
#include "addon/job.h"
#include "sys/cgroup_path.h"
#include "sys/remote_connection.h"
#include "sys/service_manager.h"
#include "sys/socket_owner.h"
#include "sys/socket_peer.h"

namespace berth::addon {
namespace {

/// Nothing: no process holds such a socket, or a failure that has been thrown.
std::optional<sys::SocketOrigin> origin_of(const Napi::CallbackInfo& info, size_t first) {
  const auto text = [&](size_t index) { return info[index].As<Napi::String>().Utf8Value(); };
  const auto port = [&](size_t index) {
    return static_cast<uint16_t>(info[index].As<Napi::Number>().Uint32Value());
  };
  const std::string own = text(first);
  const std::string other = text(first + 2);
  auto origin =
      sys::socket_origin({own.c_str(), port(first + 1)}, {other.c_str(), port(first + 3)});
  if (origin) return *origin;
  if (origin.error().number != ENOENT) {
    to_js(info.Env(), origin.error()).ThrowAsJavaScriptException();
  }
  return std::nullopt;
}

Napi::Value socket_owner_call(const Napi::CallbackInfo& info) {
  const auto origin = origin_of(info, 0);
  if (!origin) return info.Env().Null();
  return Napi::Number::New(info.Env(), origin->user);
}

Napi::Value socket_cgroup_call(const Napi::CallbackInfo& info) {
  const auto origin = origin_of(info, 1);
  if (!origin || origin->cgroup == 0) return info.Env().Null();
  const std::string hierarchy = info[0].As<Napi::String>().Utf8Value();
  auto path = sys::cgroup_path(hierarchy.c_str(), origin->cgroup);
  if (path) return Napi::String::New(info.Env(), path->characters);
  if (path.error().number != ESTALE) {
    to_js(info.Env(), path.error()).ThrowAsJavaScriptException();
  }
  return info.Env().Null();
}

Napi::Value stream_pair_call(const Napi::CallbackInfo& info) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    to_js(info.Env(), sys::last_error("socketpair")).ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  auto pair = Napi::Array::New(info.Env(), 2);
  for (uint32_t i = 0; i < 2; i++) pair.Set(i, Napi::Number::New(info.Env(), ends[i]));
  return pair;
}

/// connectInNetwork({pid, startTime, user, address, port, milliseconds}): the descriptor.
Napi::Value connect_call(const Napi::CallbackInfo& info) {
  const auto request = info[0].As<Napi::Object>();
  const auto number = [&](const char* name) {
    return request.Get(name).As<Napi::Number>().Int64Value();
  };
  const std::string address = request.Get("address").As<Napi::String>().Utf8Value();
  const sys::RemoteConnection wanted = {
      static_cast<pid_t>(number("pid")),     static_cast<uint64_t>(number("startTime")),
      static_cast<uid_t>(number("user")),    nullptr,
      static_cast<uint16_t>(number("port")), static_cast<int>(number("milliseconds"))};
  const auto work = [wanted, address]() -> Outcome<int> {
    sys::RemoteConnection whole = wanted;
    whole.address = address.c_str();
    auto connection = sys::connect_in_network_of(whole);
    if (!connection) return Failure(connection.error());
    return connection->release();
  };
  return run_job<int>(info.Env(), work, [](Napi::Env env, int& connection) -> Napi::Value {
    return Napi::Number::New(env, connection);
  });
}

Napi::Value socket_peer_call(const Napi::CallbackInfo& info) {
  auto peer = sys::socket_peer(info[0].As<Napi::Number>().Int32Value());
  if (!peer) {
    to_js(info.Env(), peer.error()).ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  return Napi::Number::New(info.Env(), *peer);
}

Napi::Value tell_service_manager_call(const Napi::CallbackInfo& info) {
  const std::string name = info[0].As<Napi::String>().Utf8Value();
  const std::string text = info[1].As<Napi::String>().Utf8Value();
  auto told = sys::tell_service_manager(name.c_str(), text.c_str(), text.size());
  if (!told) to_js(info.Env(), told.error()).ThrowAsJavaScriptException();
  return info.Env().Undefined();
}

}  // namespace

void register_socket(Napi::Object exports) {
  const Napi::Env env = exports.Env();
  exports.Set("socketOwner", Napi::Function::New(env, socket_owner_call, "socketOwner"));
  exports.Set("socketCgroup", Napi::Function::New(env, socket_cgroup_call, "socketCgroup"));
  exports.Set("streamPair", Napi::Function::New(env, stream_pair_call, "streamPair"));
  exports.Set("connectInNetwork", Napi::Function::New(env, connect_call, "connectInNetwork"));
  exports.Set("tellServiceManager",
              Napi::Function::New(env, tell_service_manager_call, "tellServiceManager"));
  exports.Set("socketPeer", Napi::Function::New(env, socket_peer_call, "socketPeer"));
}

}  // namespace berth::addon
