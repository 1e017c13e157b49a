#include <fcntl.h>
#include <napi.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "addon/facilities.h"
#include "addon/job.h"
#include "addon/unpack_options.h"
#include "sys/aci_convert.h"
#include "sys/fd.h"

namespace berth::addon {
namespace {

sys::AciRequest request_of(const Napi::Object& given) {
  const auto limits = given.Get("limits").As<Napi::Object>();
  sys::AciRequest request;
  request.expected.detect = true;
  request.blob_limits = blob_limits_of(limits);
  request.tar_limits = tar_limits_of(limits);
  request.manifest_bytes = number_of(given, "manifestBytes");
  if (!given.Get("kept").IsArray()) return request;
  const auto kept = given.Get("kept").As<Napi::Array>();
  auto& paths = request.kept.emplace();
  for (uint32_t i = 0; i < kept.Length(); ++i)
    paths.push_back(kept.Get(i).As<Napi::String>().Utf8Value());
  return request;
}

Napi::Value facts_to_js(Napi::Env env, sys::AciFacts& facts) {
  const auto object = Napi::Object::New(env);
  object.Set("image", blob_facts_to_js(env, facts.image));
  object.Set("sha512", Napi::String::New(env, facts.sha512));
  object.Set("manifest",
             Napi::Buffer<char>::Copy(env, facts.manifest.data(), facts.manifest.size()));
  object.Set("layer", blob_facts_to_js(env, facts.layer));
  return object;
}

Napi::Value convert_call(const Napi::CallbackInfo& info) {
  const auto given = info[0].As<Napi::Object>();
  const auto work = [input = text_of(given, "input"), output = text_of(given, "output"),
                     request = request_of(given)]() -> Outcome<sys::AciFacts> {
    auto from = sys::adopt(open(input.c_str(), O_RDONLY | O_CLOEXEC), "open");
    if (!from) return Failure(from.error());
    auto to =
        sys::adopt(open(output.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "open");
    if (!to) return Failure(to.error());
    sys::Refusal refusal;
    auto facts = sys::convert_aci(from->get(), to->get(), request, refusal);
    if (facts) return std::move(*facts);
    // Nobody needs half a layer; that it cannot be removed either is not worth more words than the failure itself.
    unlink(output.c_str());
    return failure_of(facts.error(), refusal);
  };
  return run_job<sys::AciFacts>(info.Env(), work, facts_to_js);
}

}  // namespace

void register_aci(Napi::Object exports) {
  exports.Set("convertAci", Napi::Function::New(exports.Env(), convert_call, "convertAci"));
}

}  // namespace berth::addon
