#include "sys/disk_usage.h"

#include <napi.h>

#include <string>
#include <vector>

#include "addon/facilities.h"
#include "addon/job.h"

namespace berth::addon {
namespace {

using Sizes = std::vector<uint64_t>;

/// diskUsage(paths): the bytes that each takes beside those before it.
Napi::Value disk_usage_call(const Napi::CallbackInfo& info) {
  std::vector<std::string> paths;
  const auto given = info[0].As<Napi::Array>();
  for (uint32_t i = 0; i < given.Length(); ++i)
    paths.push_back(given.Get(i).As<Napi::String>().Utf8Value());
  const auto work = [paths = std::move(paths)]() -> Outcome<Sizes> {
    sys::DiskUsage usage;
    Sizes sizes;
    for (const std::string& path : paths) {
      auto size = usage.add(path);
      if (!size) {
        Failure failure(size.error());
        failure.path = path;
        return failure;
      }
      sizes.push_back(*size);
    }
    return sizes;
  };
  return run_job<Sizes>(info.Env(), work, [](Napi::Env env, Sizes& sizes) -> Napi::Value {
    auto list = Napi::Array::New(env, sizes.size());
    for (uint32_t i = 0; i < sizes.size(); ++i)
      list.Set(i, Napi::Number::New(env, static_cast<double>(sizes[i])));
    return list;
  });
}

}  // namespace

void register_disk_usage(Napi::Object exports) {
  exports.Set("diskUsage", Napi::Function::New(exports.Env(), disk_usage_call, "diskUsage"));
}

}  // namespace berth::addon
