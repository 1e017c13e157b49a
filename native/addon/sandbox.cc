#include <fcntl.h>
#include <napi.h>

#include <string>

#include "addon/facilities.h"
#include "addon/job.h"
#include "addon/unpack_options.h"
#include "sys/plain_tree.h"
#include "sys/rooted_path.h"

namespace berth::addon {
namespace {

struct Owner {
  uid_t uid;
  gid_t gid;
};

Owner owner_of(const Napi::Object& given) {
  return {static_cast<uid_t>(number_of(given, "uid")), static_cast<gid_t>(number_of(given, "gid"))};
}

sys::PlainLimits limits_of(const Napi::Object& limits) {
  return {blob_limits_of(limits), tar_limits_of(limits), number_of(limits, "depth"),
          number_of(limits, "bytes")};
}

sys::Result<sys::Fd> open_folder(const std::string& path) {
  return sys::adopt(open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), "open");
}

Napi::Value refused(const Napi::CallbackInfo& info, const Failure& failure) {
  to_js(info.Env(), failure).ThrowAsJavaScriptException();
  return info.Env().Undefined();
}

/// openInFolder(folder, path): an O_PATH handle.
Napi::Value open_in_folder_call(const Napi::CallbackInfo& info) {
  auto folder = open_folder(info[0].As<Napi::String>().Utf8Value());
  if (!folder) return refused(info, folder.error());
  auto handle =
      sys::open_in_root(folder->get(), info[1].As<Napi::String>().Utf8Value().c_str(), O_PATH);
  if (!handle) return refused(info, handle.error());
  return Napi::Number::New(info.Env(), handle->release());
}

/// createInFolder({folder, name, mode, uid, gid, depth}): a new file, open for writing.
Napi::Value create_in_folder_call(const Napi::CallbackInfo& info) {
  const auto given = info[0].As<Napi::Object>();
  auto folder = open_folder(text_of(given, "folder"));
  if (!folder) return refused(info, folder.error());
  sys::Refusal refusal;
  const Owner owner = owner_of(given);
  sys::PlainLimits limits;
  limits.depth = number_of(given, "depth");
  sys::PlainTree tree(std::move(*folder), owner.uid, owner.gid, limits, refusal);
  auto file =
      tree.create_file(text_of(given, "name"), static_cast<mode_t>(number_of(given, "mode")));
  if (!file) return refused(info, failure_of(file.error(), refusal));
  return Napi::Number::New(info.Env(), file->release());
}

Napi::Value extract_call(const Napi::CallbackInfo& info) {
  const auto given = info[0].As<Napi::Object>();
  const auto work =
      [archive = text_of(given, "archive"), folder = text_of(given, "folder"),
       owner = owner_of(given),
       limits = limits_of(given.Get("limits").As<Napi::Object>())]() -> Outcome<sys::PlainCounts> {
    auto from = sys::adopt(open(archive.c_str(), O_RDONLY | O_CLOEXEC), "open");
    if (!from) return Failure(from.error());
    auto into = open_folder(folder);
    if (!into) return Failure(into.error());
    sys::Refusal refusal;
    sys::PlainTree tree(std::move(*into), owner.uid, owner.gid, limits, refusal);
    auto counts = tree.extract(from->get());
    if (!counts) return failure_of(counts.error(), refusal);
    return *counts;
  };
  return run_job<sys::PlainCounts>(
      info.Env(), work, [](Napi::Env env, sys::PlainCounts& counts) -> Napi::Value {
        const auto object = Napi::Object::New(env);
        const auto set = [&](const char* key, uint64_t value) {
          object.Set(key, Napi::Number::New(env, static_cast<double>(value)));
        };
        set("entries", counts.entries);
        set("fileBytes", counts.file_bytes);
        set("skipped", counts.skipped);
        return object;
      });
}

}  // namespace

void register_sandbox(Napi::Object exports) {
  const auto set = [&](const char* name, Napi::Value (*call)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(exports.Env(), call, name));
  };
  set("openInFolder", open_in_folder_call);
  set("createInFolder", create_in_folder_call);
  set("extractInFolder", extract_call);
}

}  // namespace berth::addon
