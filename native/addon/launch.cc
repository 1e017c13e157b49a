#include <napi.h>

#include "addon/facilities.h"
#include "addon/job.h"
#include "addon/leash_watch.h"
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

/// Kept for the life of the process: compiled seccomp profiles and the sealed supervisor serve every launch.
launch::Launcher& launcher() {
  static launch::Launcher only(spare_overlays());
  return only;
}

/// Members of the request that JavaScript hands over.
class Options {
 public:
  explicit Options(const Napi::CallbackInfo& info) : object_(info[0].As<Napi::Object>()) {}
  Options(const Options& above, const char* key)
      : object_(above.object_.Get(key).As<Napi::Object>()) {}
  std::string text(const char* key) const {
    return object_.Get(key).As<Napi::String>().Utf8Value();
  }
  int32_t number(const char* key) const { return object_.Get(key).As<Napi::Number>().Int32Value(); }
  /// Undefined stands for nothing.
  std::optional<int32_t> optional_number(const char* key) const {
    if (object_.Get(key).IsUndefined()) return {};
    return number(key);
  }
  int64_t long_number(const char* key) const {
    return object_.Get(key).As<Napi::Number>().Int64Value();
  }
  bool flag(const char* key) const { return object_.Get(key).As<Napi::Boolean>().Value(); }
  std::vector<std::string> texts(const char* key) const {
    const auto array = object_.Get(key).As<Napi::Array>();
    std::vector<std::string> list;
    for (uint32_t i = 0; i < array.Length(); ++i)
      list.push_back(array.Get(i).As<Napi::String>().Utf8Value());
    return list;
  }
  /// Undefined stands for nothing.
  std::optional<std::string> optional_text(const char* key) const {
    if (object_.Get(key).IsUndefined()) return {};
    return text(key);
  }

 private:
  Napi::Object object_;
};

using Attempt = std::function<std::variant<launch::Launched, launch::Failure>()>;

Napi::Value started_object(Napi::Env env, Start& start) {
  auto result = Napi::Object::New(env);
  result.Set("supervisorPid", start.supervisor);
  result.Set("began", Napi::BigInt::New(env, start.began));
  auto said = Napi::Array::New(env, start.said.size());
  for (uint32_t i = 0; i < start.said.size(); ++i) said.Set(i, start.said[i]);
  result.Set("said", said);
  result.Set("leash", start.leash.release());
  result.Set("rest", start.rest);
  return result;
}

Napi::Value run_launch(Napi::Env env, const Attempt& attempt) {
  const auto work = [attempt]() -> Outcome<Start> {
    auto outcome = attempt();
    if (auto* failure = std::get_if<launch::Failure>(&outcome)) return convert(*failure);
    return await_start(std::move(std::get<launch::Launched>(outcome)));
  };
  return run_job<Start>(env, work, started_object);
}

/// followSupervisor({ leash, supervisorPid, rest }, heard): a number for the two below.
Napi::Value follow_call(const Napi::CallbackInfo& info) {
  const Options given(info);
  return Napi::Number::New(
      info.Env(),
      LeashWatch::shared().follow(info[1].As<Napi::Function>(), sys::Fd(given.number("leash")),
                                  given.number("supervisorPid"), given.text("rest")));
}

Napi::Value tell_call(const Napi::CallbackInfo& info) {
  LeashWatch::shared().say(info[0].As<Napi::Number>().Uint32Value(),
                           info[1].As<Napi::String>().Utf8Value());
  return info.Env().Undefined();
}

Napi::Value leave_call(const Napi::CallbackInfo& info) {
  LeashWatch::shared().leave(info.Env(), info[0].As<Napi::Number>().Uint32Value());
  return info.Env().Undefined();
}

Napi::Value launch_call(const Napi::CallbackInfo& info) {
  const Options given(info);
  launch::LaunchRequest request{
      given.text("config"),
      given.optional_text("seccomp").value_or(""),
      given.optional_text("configEnd").value_or(""),
      given.text("launch"),
      given.text("container"),
      given.text("supervisor"),
      given.number("idRangeFd"),
      given.number("heldFd"),
      given.optional_number("launchFd").value_or(-1),
      {given.number("stdin"), given.number("stdout"), given.number("stderr")}};
  return run_launch(info.Env(),
                    [request = std::move(request)] { return launcher().launch(request); });
}

launch::ProcessChange process_change(const Options& given) {
  return {given.texts("args"),
          given.texts("env"),
          given.optional_text("user"),
          given.optional_text("cwd"),
          given.flag("terminal"),
          static_cast<uint32_t>(given.number("rows")),
          static_cast<uint32_t>(given.number("columns")),
          given.flag("input"),
          given.text("detachKeys")};
}

Napi::Value exec_call(const Napi::CallbackInfo& info) {
  const Options given(info);
  launch::ExecRequest request{
      given.text("config"),
      given.text("launch"),
      process_change(Options(given, "change")),
      given.text("supervisor"),
      given.number("pid"),
      static_cast<uint64_t>(given.long_number("startTime")),
      {given.number("stdin"), given.number("stdout"), given.number("stderr")}};
  return run_launch(info.Env(),
                    [request = std::move(request)] { return launcher().exec(request); });
}

Napi::Value claim_id_range_call(const Napi::CallbackInfo& info) {
  const auto options = info[0].As<Napi::Object>();
  const auto number = [&](const char* key) {
    return options.Get(key).As<Napi::Number>().Uint32Value();
  };
  const auto text = [&](const char* key) {
    return options.Get(key).As<Napi::String>().Utf8Value();
  };
  const std::string file = text("file");
  const uint32_t first = number("first"), size = number("size"), count = number("count");
  auto* const spares = spare_overlays();
  auto spare = spares == nullptr || options.Get("layers").IsUndefined()
                   ? std::nullopt
                   : spares->claim(text("layers"), file.c_str(), first, size, count);
  auto claimed = spare ? sys::Result<sys::IdRange>(std::move(*spare))
                       : sys::claim_id_range(file.c_str(), first, size, count);
  if (!claimed && claimed.error().number == ENOSPC && spares != nullptr && spares->clear())
    claimed = sys::claim_id_range(file.c_str(), first, size, count);
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
  exports.Set("exec", Napi::Function::New(exports.Env(), exec_call, "exec"));
  exports.Set("followSupervisor",
              Napi::Function::New(exports.Env(), follow_call, "followSupervisor"));
  exports.Set("tellSupervisor", Napi::Function::New(exports.Env(), tell_call, "tellSupervisor"));
  exports.Set("leaveSupervisor", Napi::Function::New(exports.Env(), leave_call, "leaveSupervisor"));
  exports.Set("updateLimits",
              Napi::Function::New(exports.Env(), update_limits_call, "updateLimits"));
  exports.Set("claimIdRange",
              Napi::Function::New(exports.Env(), claim_id_range_call, "claimIdRange"));
}

}  // namespace berth::addon
