#include <napi.h>

#include <optional>
#include <string>

#include "addon/error.h"
#include "addon/facilities.h"
#include "addon/job.h"
#include "sys/remote_connection.h"
#include "sys/socket_owner.h"

namespace berth::addon {
namespace {

/// Nothing: no process holds such a socket, or a failure that has been thrown.
std::optional<sys::SocketOrigin> origin_of(const Napi::CallbackInfo& info) {
  const std::string own = info[0].As<Napi::String>().Utf8Value();
  const std::string other = info[2].As<Napi::String>().Utf8Value();
  const auto port = [&](size_t index) {
    return static_cast<uint16_t>(info[index].As<Napi::Number>().Uint32Value());
  };
  auto origin = sys::socket_origin({own.c_str(), port(1)}, {other.c_str(), port(3)});
  if (origin) return *origin;
  if (origin.error().number != ENOENT) {
    to_js(info.Env(), origin.error()).ThrowAsJavaScriptException();
  }
  return std::nullopt;
}

Napi::Value socket_owner_call(const Napi::CallbackInfo& info) {
  const auto origin = origin_of(info);
  if (!origin) return info.Env().Null();
  return Napi::Number::New(info.Env(), origin->user);
}

Napi::Value socket_cgroup_call(const Napi::CallbackInfo& info) {
  const auto origin = origin_of(info);
  if (!origin || origin->cgroup == 0) return info.Env().Null();
  return Napi::BigInt::New(info.Env(), origin->cgroup);
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

}  // namespace

void register_socket(Napi::Object exports) {
  const Napi::Env env = exports.Env();
  exports.Set("socketOwner", Napi::Function::New(env, socket_owner_call, "socketOwner"));
  exports.Set("socketCgroup", Napi::Function::New(env, socket_cgroup_call, "socketCgroup"));
  exports.Set("connectInNetwork", Napi::Function::New(env, connect_call, "connectInNetwork"));
}

}  // namespace berth::addon
