#include "addon/error.h"

#include <cstring>

namespace berth::addon {

Napi::Error to_js(Napi::Env env, const Failure& failure) {
  std::string code = failure.code;
  if (code.empty()) {
    const char* name = strerrorname_np(failure.number);
    code = name != nullptr ? name : "E" + std::to_string(failure.number);
  }
  std::string message = code;
  if (!failure.syscall.empty()) message += ", " + failure.syscall;
  if (!failure.path.empty()) message += " '" + failure.path + "'";
  if (!failure.reason.empty()) message += ": " + failure.reason;
  if (failure.number != 0) message += std::string(": ") + strerrordesc_np(failure.number);

  Napi::Error error = Napi::Error::New(env, message);
  Napi::Object object = error.Value();
  const auto set = [&](const char* key, const std::string& value) {
    if (!value.empty()) object.Set(key, Napi::String::New(env, value));
  };
  object.Set("name", Napi::String::New(env, "NativeError"));
  set("code", code);
  object.Set("errno", Napi::Number::New(env, failure.number));
  set("syscall", failure.syscall);
  set("path", failure.path);
  set("step", failure.step);
  set("reason", failure.reason);
  set("hint", failure.hint);
  return error;
}

}  // namespace berth::addon
