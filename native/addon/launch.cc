#include <napi.h>

#include "addon/facilities.h"
#include "addon/job.h"
#include "launch/launcher.h"
#include "sys/id_range.h"

namespace berth::addon {
namespace {

Failure convert(const launch::Failure& failure) {
  Failure converted;
  converted.number = failure.number;
  converted.code = failure.code;
  converted.syscall = failure.syscall;
  converted.path = failure.path;
  converted.step = failure.step;
  converted.hint = failure.hint;
  return converted;
}

Napi::Value launch_call(const Napi::CallbackInfo& info) {
  // Kept for the life of the process: compiled seccomp profiles and the sealed supervisor serve every launch.
  static launch::Launcher launcher;
  const auto options = info[0].As<Napi::Object>();
  const auto text = [&](const char* key) {
    return options.Get(key).As<Napi::String>().Utf8Value();
  };
  const auto number = [&](const char* key) {
    return options.Get(key).As<Napi::Number>().Int32Value();
  };
  launch::LaunchRequest request{text("config"),
                                text("launch"),
                                text("container"),
                                text("supervisor"),
                                number("idRangeFd"),
                                number("heldFd"),
                                {number("stdout"), number("stderr")}};
  const auto work = [request = std::move(request)]() -> Outcome<launch::Launched> {
    auto outcome = launcher.launch(request);
    if (auto* failure = std::get_if<launch::Failure>(&outcome)) return convert(*failure);
    return std::move(std::get<launch::Launched>(outcome));
  };
  return run_job<launch::Launched>(info.Env(), work,
                                   [](Napi::Env env, launch::Launched& launched) -> Napi::Value {
                                     auto result = Napi::Object::New(env);
                                     result.Set("supervisorPid", launched.supervisor);
                                     result.Set("leash", launched.leash.release());
                                     return result;
                                   });
}

Napi::Value claim_id_range_call(const Napi::CallbackInfo& info) {
  const auto options = info[0].As<Napi::Object>();
  const auto number = [&](const char* key) {
    return options.Get(key).As<Napi::Number>().Uint32Value();
  };
  const std::string file = options.Get("file").As<Napi::String>().Utf8Value();
  auto claimed =
      sys::claim_id_range(file.c_str(), number("first"), number("size"), number("count"));
  if (!claimed) {
    Failure failure(claimed.error());
    failure.path = file;
    to_js(info.Env(), failure).ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  auto result = Napi::Object::New(info.Env());
  result.Set("first", claimed->first);
  result.Set("fd", claimed->claim.release());
  return result;
}

Napi::Value update_limits_call(const Napi::CallbackInfo& info) {
  const auto options = info[0].As<Napi::Object>();
  const auto text = [&](const char* key) {
    return options.Get(key).As<Napi::String>().Utf8Value();
  };
  const auto work = [places = text("cgroup"), before = text("before"),
                     after = text("after")]() -> Outcome<std::monostate> {
    auto outcome = launch::update_limits(places, before, after);
    if (auto* failure = std::get_if<launch::Failure>(&outcome)) return convert(*failure);
    return std::monostate();
  };
  return run_job<std::monostate>(
      info.Env(), work,
      [](Napi::Env env, std::monostate&) -> Napi::Value { return env.Undefined(); });
}

}  // namespace

void register_launch(Napi::Object exports) {
  exports.Set("launch", Napi::Function::New(exports.Env(), launch_call, "launch"));
  exports.Set("updateLimits",
              Napi::Function::New(exports.Env(), update_limits_call, "updateLimits"));
  exports.Set("claimIdRange",
              Napi::Function::New(exports.Env(), claim_id_range_call, "claimIdRange"));
}

}  // namespace berth::addon
