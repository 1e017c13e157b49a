#include <fcntl.h>
#include <napi.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "addon/facilities.h"
#include "addon/job.h"
#include "addon/unpack_options.h"
#include "sys/blob_growth.h"
#include "sys/disk_sync.h"
#include "sys/layer_unpack.h"
#include "sys/remove_tree.h"

namespace berth::addon {
namespace {

using Growth = std::shared_ptr<sys::BlobGrowth>;

Napi::Value growth_call(const Napi::CallbackInfo& info) {
  return Napi::External<Growth>::New(info.Env(), new Growth(std::make_shared<sys::BlobGrowth>()),
                                     [](Napi::Env, Growth* growth) { delete growth; });
}

void grow_call(const Napi::CallbackInfo& info) {
  (*info[0].As<Napi::External<Growth>>().Data())
      ->grow_to(static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value()));
}

void end_growth_call(const Napi::CallbackInfo& info) {
  (*info[0].As<Napi::External<Growth>>().Data())->end(info[1].ToBoolean());
}

using Below = std::shared_ptr<sys::LayersBelow>;

Napi::Value below_call(const Napi::CallbackInfo& info) {
  return Napi::External<Below>::New(info.Env(), new Below(std::make_shared<sys::LayersBelow>()),
                                    [](Napi::Env, Below* below) { delete below; });
}

void settle_below_call(const Napi::CallbackInfo& info) {
  (*info[0].As<Napi::External<Below>>().Data())->settle(info[1].ToBoolean());
}

sys::UnpackRequest request_of(const Napi::Object& given) {
  sys::UnpackRequest request;
  request.blob = text_of(given, "blob");
  request.expected.compression =
      sys::compression_named(text_of(given, "compression")).value_or(sys::Compression::kNone);
  request.expected.size = number_of(given, "size");
  request.expected.digest = text_of(given, "digest");
  request.expected.diff_id = text_of(given, "diffId");
  const Napi::Value growth = given.Get("growth");
  if (growth.IsExternal()) request.expected.growth = *growth.As<Napi::External<Growth>>().Data();
  const Napi::Value below = given.Get("below");
  if (below.IsExternal()) request.below = *below.As<Napi::External<Below>>().Data();
  request.target = text_of(given, "target");
  if (const Napi::Value image = given.Get("image"); image.IsObject()) {
    const auto object = image.As<Napi::Object>();
    request.image = text_of(object, "file");
    request.image_identity = bytes_of(object, "identity");
    request.image_memory = number_of(object, "memory");
  }
  request.overlay = text_of(given, "mode") == "overlay";
  request.over_lower = given.Get("overLower").ToBoolean();
  request.copy = text_of(given, "copy");
  const auto lowers = given.Get("lowers").As<Napi::Array>();
  for (uint32_t i = 0; i < lowers.Length(); ++i) {
    request.lowers.push_back(lowers.Get(i).As<Napi::String>().Utf8Value());
  }
  const auto limits = given.Get("limits").As<Napi::Object>();
  request.blob_limits = blob_limits_of(limits);
  request.tar_limits = tar_limits_of(limits);
  request.writer_limits = {number_of(limits, "depth"), number_of(limits, "bytes"),
                           number_of(limits, "ids")};
  request.directory_bytes = number_of(limits, "directoryBytes");
  return request;
}

Napi::Value unpack_call(const Napi::CallbackInfo& info) {
  const auto work = [request =
                         request_of(info[0].As<Napi::Object>())]() -> Outcome<sys::UnpackResult> {
    sys::Refusal refusal;
    auto outcome = sys::unpack_layer(request, refusal);
    if (outcome) return *outcome;
    return failure_of(outcome.error(), refusal);
  };
  return run_job<sys::UnpackResult>(
      info.Env(), work, [](Napi::Env env, sys::UnpackResult& result) -> Napi::Value {
        const auto object = Napi::Object::New(env);
        const auto set = [&](const char* key, uint64_t value) {
          object.Set(key, Napi::Number::New(env, static_cast<double>(value)));
        };
        set("entries", result.counts.entries);
        set("fileBytes", result.counts.file_bytes);
        set("archiveBytes", result.archive_bytes);
        set("whiteouts", result.counts.whiteouts);
        set("devicesSkipped", result.counts.devices_skipped);
        set("xattrsSkipped", result.counts.xattrs_skipped);
        object.Set("rootOpaque", Napi::Boolean::New(env, result.counts.root_opaque));
        return object;
      });
}

Napi::Value remove_call(const Napi::CallbackInfo& info) {
  const auto work = [path = info[0].As<Napi::String>().Utf8Value()]() -> Outcome<bool> {
    if (auto outcome = sys::remove_tree(AT_FDCWD, path.c_str()); !outcome) {
      Failure failure(outcome.error());
      failure.path = path;
      return failure;
    }
    return true;
  };
  return run_job<bool>(info.Env(), work, [](Napi::Env env, bool&) { return env.Undefined(); });
}

std::vector<std::string> texts_of(const Napi::Value& value) {
  const auto given = value.As<Napi::Array>();
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < given.Length(); ++i)
    texts.push_back(given.Get(i).As<Napi::String>().Utf8Value());
  return texts;
}

Napi::Value sync_call(const Napi::CallbackInfo& info) {
  const auto work = [paths = texts_of(info[0])]() -> Outcome<bool> {
    if (auto outcome = sys::sync_files(paths); !outcome) return Failure(outcome.error());
    return true;
  };
  return run_job<bool>(info.Env(), work, [](Napi::Env env, bool&) { return env.Undefined(); });
}

Napi::Value mark_call(const Napi::CallbackInfo& info) {
  const auto work = [folder = info[0].As<Napi::String>().Utf8Value(), files = texts_of(info[1]),
                     mark = info[2].As<Napi::Number>().Uint32Value()]() -> Outcome<bool> {
    if (auto outcome = sys::mark_once_synced(folder, files, mark); !outcome)
      return Failure(outcome.error());
    return true;
  };
  return run_job<bool>(info.Env(), work, [](Napi::Env env, bool&) { return env.Undefined(); });
}

}  // namespace

void register_unpack(Napi::Object exports) {
  exports.Set("blobGrowth", Napi::Function::New(exports.Env(), growth_call, "blobGrowth"));
  exports.Set("growBlob", Napi::Function::New(exports.Env(), grow_call, "growBlob"));
  exports.Set("endBlob", Napi::Function::New(exports.Env(), end_growth_call, "endBlob"));
  exports.Set("layersBelow", Napi::Function::New(exports.Env(), below_call, "layersBelow"));
  exports.Set("settleBelow", Napi::Function::New(exports.Env(), settle_below_call, "settleBelow"));
  exports.Set("unpackLayer", Napi::Function::New(exports.Env(), unpack_call, "unpackLayer"));
  exports.Set("removeTree", Napi::Function::New(exports.Env(), remove_call, "removeTree"));
  exports.Set("syncFiles", Napi::Function::New(exports.Env(), sync_call, "syncFiles"));
  exports.Set("markOnceSynced", Napi::Function::New(exports.Env(), mark_call, "markOnceSynced"));
}

}  // namespace berth::addon
