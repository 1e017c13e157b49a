#include <napi.h>

#include "addon/facilities.h"
#include "addon/job.h"
#include "addon/unpack_options.h"
#include "sys/erofs_mount.h"

namespace berth::addon {
namespace {

/// Mounting a file takes a tenth of a millisecond, and is done before a launch can go on.
template <auto act>
void image_call(const Napi::CallbackInfo& info) {
  const auto given = info[0].As<Napi::Object>();
  sys::Refusal refusal;
  const auto done = act(text_of(given, "file"), text_of(given, "target"), number_of(given, "bytes"),
                        text_of(given, "identity"), refusal);
  if (!done) to_js(info.Env(), failure_of(done.error(), refusal)).ThrowAsJavaScriptException();
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
  exports.Set("mountImage",
              Napi::Function::New(exports.Env(), image_call<sys::mount_image>, "mountImage"));
  exports.Set("tryImage",
              Napi::Function::New(exports.Env(), image_call<sys::try_image>, "tryImage"));
  exports.Set("unmountImage", Napi::Function::New(exports.Env(), unmount_call, "unmountImage"));
  exports.Set("probeImages", Napi::Function::New(exports.Env(), probe_call, "probeImages"));
}

}  // namespace berth::addon
