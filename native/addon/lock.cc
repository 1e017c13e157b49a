#include <napi.h>

#include <string>

#include "addon/facilities.h"
#include "addon/job.h"
#include "sys/lock.h"

namespace berth::addon {
namespace {

sys::LockKind kind_of(const Napi::Value& value) {
  return value.As<Napi::String>().Utf8Value() == "shared" ? sys::LockKind::kShared
                                                          : sys::LockKind::kExclusive;
}

Failure about(const sys::Error& error, const std::string& path) {
  Failure failure(error);
  failure.path = path;
  return failure;
}

Napi::Value lock_call(const Napi::CallbackInfo& info) {
  const auto work = [path = info[0].As<Napi::String>().Utf8Value(),
                     kind = kind_of(info[1])]() -> Outcome<int> {
    auto file = sys::lock_file(path.c_str(), kind, true);
    if (!file) return about(file.error(), path);
    return file->release();
  };
  return run_job<int>(info.Env(), work, [](Napi::Env env, int& file) -> Napi::Value {
    return Napi::Number::New(env, file);
  });
}

Napi::Value try_lock_call(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  auto file = sys::lock_file(path.c_str(), kind_of(info[1]), false);
  if (file) return Napi::Number::New(info.Env(), file->release());
  if (file.error().number == EWOULDBLOCK) return Napi::Number::New(info.Env(), -1);
  to_js(info.Env(), about(file.error(), path)).ThrowAsJavaScriptException();
  return info.Env().Undefined();
}

}  // namespace

void register_lock(Napi::Object exports) {
  exports.Set("lockFile", Napi::Function::New(exports.Env(), lock_call, "lockFile"));
  exports.Set("tryLockFile", Napi::Function::New(exports.Env(), try_lock_call, "tryLockFile"));
}

}  // namespace berth::addon
