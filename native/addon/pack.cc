#include <fcntl.h>
#include <napi.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "addon/facilities.h"
#include "addon/job.h"
#include "addon/unpack_options.h"
#include "sys/blob_sink.h"
#include "sys/fd.h"
#include "sys/file_pack.h"
#include "sys/file_sink.h"
#include "sys/recipe_pack.h"
#include "sys/tree_changes.h"
#include "sys/tree_pack.h"

namespace berth::addon {
namespace {

/// What is written: a new file, or a descriptor that stays its owner's.
struct Output {
  std::string path;
  int number = -1;

  /// After a failure the new file is gone again: nobody needs half of one.
  sys::Result<void> fill(const std::function<sys::Result<void>(int)>& write) const {
    if (number >= 0) return write(number);
    auto file =
        sys::adopt(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "open");
    if (!file) return file.error();
    auto outcome = write(file->get());
    if (!outcome) unlink(path.c_str());
    return outcome;
  }
};

Output output_of(const Napi::Object& given) {
  const Napi::Value value = given.Get("output");
  if (value.IsNumber()) return {{}, value.As<Napi::Number>().Int32Value()};
  return {value.As<Napi::String>().Utf8Value()};
}

std::vector<std::string> texts_of(const Napi::Object& given, const char* key) {
  const auto list = given.Get(key).As<Napi::Array>();
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < list.Length(); ++i)
    texts.push_back(list.Get(i).As<Napi::String>().Utf8Value());
  return texts;
}

sys::TreeWalk walk_of(const Napi::Object& given) {
  return {texts_of(given, "upper"), texts_of(given, "below"), texts_of(given, "hidden"),
          number_of(given, "depth")};
}

struct Packed {
  sys::BlobFacts facts;
  sys::PackCounts counts;
};

Napi::Value pack_tree_call(const Napi::CallbackInfo& info) {
  const auto given = info[0].As<Napi::Object>();
  const auto compression =
      sys::compression_named(text_of(given, "compression")).value_or(sys::Compression::kNone);
  const auto work = [walk = walk_of(given), layer = given.Get("layer").ToBoolean().Value(),
                     output = output_of(given), compression]() -> Outcome<Packed> {
    sys::Refusal refusal;
    Packed packed;
    const auto written = output.fill([&](int file) -> sys::Result<void> {
      sys::BlobSink sink(file, compression);
      BERTH_ASSIGN(packed.counts, sys::pack_tree(walk, layer, sink, refusal));
      BERTH_ASSIGN(packed.facts, sink.finish());
      return {};
    });
    if (!written) return failure_of(written.error(), refusal);
    return packed;
  };
  return run_job<Packed>(info.Env(), work, [](Napi::Env env, Packed& packed) -> Napi::Value {
    const auto object = blob_facts_to_js(env, packed.facts);
    const auto set = [&](const char* key, uint64_t value) {
      object.Set(key, Napi::Number::New(env, static_cast<double>(value)));
    };
    set("entries", packed.counts.entries);
    set("fileBytes", packed.counts.file_bytes);
    set("socketsSkipped", packed.counts.sockets_skipped);
    return object;
  });
}

Napi::Value pack_files_call(const Napi::CallbackInfo& info) {
  const auto given = info[0].As<Napi::Object>();
  const auto members = given.Get("members").As<Napi::Array>();
  std::vector<sys::PackedFile> files;
  for (uint32_t i = 0; i < members.Length(); ++i) {
    const auto member = members.Get(i).As<Napi::Object>();
    const Napi::Value content = member.Get("content");
    sys::PackedFile file{text_of(member, "name"), {}, {}};
    if (content.IsString()) {
      file.content = content.As<Napi::String>().Utf8Value();
    } else {
      file.path = text_of(member, "path");
    }
    files.push_back(std::move(file));
  }
  const auto work = [files = std::move(files), output = output_of(given)]() -> Outcome<bool> {
    const auto written = output.fill([&](int file) {
      sys::FileSink sink(file);
      return sys::pack_files(files, sink);
    });
    if (!written) return Failure(written.error());
    return true;
  };
  return run_job<bool>(info.Env(), work, [](Napi::Env env, bool&) { return env.Undefined(); });
}

std::optional<mode_t> mode_of(const Napi::Object& given, const char* key) {
  const Napi::Value value = given.Get(key);
  if (!value.IsNumber()) return std::nullopt;
  return static_cast<mode_t>(value.As<Napi::Number>().Uint32Value());
}

sys::RecipeEntry recipe_entry_of(const Napi::Object& given) {
  using Kind = sys::RecipeEntry::Kind;
  const std::string kind = text_of(given, "kind");
  sys::RecipeEntry entry;
  entry.kind = kind == "folder" ? Kind::kFolder
               : kind == "link" ? Kind::kLink
               : kind == "text" ? Kind::kText
                                : Kind::kCopy;
  entry.to = text_of(given, "to");
  entry.from = text_of(given, "from");
  entry.uid = number_of(given, "uid");
  entry.gid = number_of(given, "gid");
  entry.mode = mode_of(given, "mode");
  entry.folder_mode = mode_of(given, "folderMode");
  return entry;
}

Napi::Value pack_recipe_call(const Napi::CallbackInfo& info) {
  const auto given = info[0].As<Napi::Object>();
  const auto list = given.Get("entries").As<Napi::Array>();
  std::vector<sys::RecipeEntry> entries;
  for (uint32_t i = 0; i < list.Length(); ++i)
    entries.push_back(recipe_entry_of(list.Get(i).As<Napi::Object>()));
  const auto compression =
      sys::compression_named(text_of(given, "compression")).value_or(sys::Compression::kNone);
  const auto work = [entries = std::move(entries), folder = text_of(given, "folder"),
                     time = given.Get("time").As<Napi::Number>().Int64Value(),
                     output = output_of(given), compression]() -> Outcome<sys::BlobFacts> {
    sys::Refusal refusal;
    sys::BlobFacts facts;
    const auto written = output.fill([&](int file) -> sys::Result<void> {
      BERTH_ASSIGN(const sys::Fd context,
                   sys::adopt(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open"));
      sys::BlobSink sink(file, compression);
      BERTH_TRY(sys::pack_recipe(context.get(), entries, time, sink, refusal));
      BERTH_ASSIGN(facts, sink.finish());
      return {};
    });
    if (!written) return failure_of(written.error(), refusal);
    return facts;
  };
  return run_job<sys::BlobFacts>(info.Env(), work,
                                 [](Napi::Env env, sys::BlobFacts& facts) -> Napi::Value {
                                   return blob_facts_to_js(env, facts);
                                 });
}

Napi::Value changes_call(const Napi::CallbackInfo& info) {
  const auto work = [walk = walk_of(info[0].As<Napi::Object>())]() -> Outcome<std::string> {
    sys::Refusal refusal;
    auto changes = sys::tree_changes(walk, refusal);
    if (!changes) return failure_of(changes.error(), refusal);
    // Names are bytes of any kind but NUL.
    std::string lines;
    for (const auto& change : *changes) {
      lines += change.kind;
      lines += change.path;
      lines += '\0';
    }
    return lines;
  };
  return run_job<std::string>(info.Env(), work, [](Napi::Env env, std::string& lines) {
    return Napi::Buffer<char>::Copy(env, lines.data(), lines.size());
  });
}

}  // namespace

void register_pack(Napi::Object exports) {
  exports.Set("packTree", Napi::Function::New(exports.Env(), pack_tree_call, "packTree"));
  exports.Set("packFiles", Napi::Function::New(exports.Env(), pack_files_call, "packFiles"));
  exports.Set("packRecipe", Napi::Function::New(exports.Env(), pack_recipe_call, "packRecipe"));
  exports.Set("treeChanges", Napi::Function::New(exports.Env(), changes_call, "treeChanges"));
}

}  // namespace berth::addon
