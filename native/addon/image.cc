#include <napi.h>

#include "addon/facilities.h"
#include "addon/job.h"
#include "addon/unpack_options.h"
#include "sys/erofs_mount.h"

namespace berth::addon {
namespace {

/// Mounting a file takes a tenth of a millisecond, and is done before a launch can go on.
void mount_call(const Napi::CallbackInfo& info) {
  const auto given = info[0].As<Napi::Object>();
  sys::Refusal refusal;
  const auto mounted =
      sys::mount_image(text_of(given, "file"), text_of(given, "target"), number_of(given, "bytes"),
                       bytes_of(given, "identity"), refusal);
  if (!mounted)
    to_js(info.Env(), failure_of(mounted.error(), refusal)).ThrowAsJavaScriptException();
}

void unmount_call(const Napi::CallbackInfo& info) {
  const auto unmounted = sys::unmount_image(info[0].As<Napi::String>().Utf8Value());
  if (!unmounted) to_js(info.Env(), Failure(unmounted.error())).ThrowAsJavaScriptException();
}

void probe_call(const Napi::CallbackInfo& info) {
  const auto possible = sys::probe_images(info[0].As<Napi::String>().Utf8Value());
  if (!possible) to_js(info.Env(), Failure(possible.error())).ThrowAsJavaScriptException();
}

}  // namespace

void register_image(Napi::Object exports) {
  exports.Set("mountImage", Napi::Function::New(exports.Env(), mount_call, "mountImage"));
  exports.Set("unmountImage", Napi::Function::New(exports.Env(), unmount_call, "unmountImage"));
  exports.Set("probeImages", Napi::Function::New(exports.Env(), probe_call, "probeImages"));
}

}  // namespace berth::addon
