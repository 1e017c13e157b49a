#include <fcntl.h>
#include <napi.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "addon/facilities.h"
#include "addon/job.h"
#include "addon/unpack_options.h"
#include "sys/archive_extract.h"
#include "sys/blob_transcode.h"
#include "sys/fd.h"

namespace berth::addon {
namespace {

/// What is read: a path, or a descriptor that stays its owner's.
struct Input {
  std::string path;
  int number = -1;

  sys::Result<sys::Fd> open_it() const {
    if (number >= 0) return sys::adopt(fcntl(number, F_DUPFD_CLOEXEC, 0), "fcntl");
    return sys::adopt(open(path.c_str(), O_RDONLY | O_CLOEXEC), "open");
  }
};

Input input_of(const Napi::Object& given) {
  const Napi::Value value = given.Get("input");
  if (value.IsNumber()) return {{}, value.As<Napi::Number>().Int32Value()};
  return {value.As<Napi::String>().Utf8Value()};
}

std::string optional_text_of(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

const char* type_name(sys::TarType type) {
  switch (type) {
    case sys::TarType::kFile:
      return "file";
    case sys::TarType::kHardLink:
      return "link";
    case sys::TarType::kSymlink:
      return "symlink";
    case sys::TarType::kDirectory:
      return "directory";
    default:
      return "other";
  }
}

using Members = std::vector<sys::ArchiveMember>;

Napi::Value to_js(Napi::Env env, Members& members) {
  const auto list = Napi::Array::New(env, members.size());
  for (size_t i = 0; i < members.size(); ++i) {
    const auto& member = members[i];
    const auto object = Napi::Object::New(env);
    object.Set("name", Napi::String::New(env, member.name));
    object.Set("link", Napi::String::New(env, member.link));
    object.Set("type", Napi::String::New(env, type_name(member.type)));
    object.Set("size", Napi::Number::New(env, static_cast<double>(member.size)));
    object.Set("digest", Napi::String::New(env, member.digest));
    list.Set(static_cast<uint32_t>(i), object);
  }
  return list;
}

Napi::Value extract_call(const Napi::CallbackInfo& info) {
  const auto given = info[0].As<Napi::Object>();
  const auto limits = given.Get("limits").As<Napi::Object>();
  const sys::ArchiveLimits archive_limits{blob_limits_of(limits), tar_limits_of(limits),
                                          number_of(given, "members")};
  const auto work = [input = input_of(given), folder = text_of(given, "folder"),
                     archive_limits]() -> Outcome<Members> {
    auto archive = input.open_it();
    if (!archive) return Failure(archive.error());
    sys::Refusal refusal;
    auto members = sys::extract_archive(archive->get(), folder, archive_limits, refusal);
    if (!members) return failure_of(members.error(), refusal);
    return std::move(*members);
  };
  return run_job<Members>(info.Env(), work,
                          [](Napi::Env env, Members& members) { return to_js(env, members); });
}

sys::BlobExpectation expectation_of(const Napi::Object& given) {
  sys::BlobExpectation expected;
  const std::string compression = text_of(given, "compression");
  expected.detect = compression == "detect";
  expected.compression = sys::compression_named(compression).value_or(sys::Compression::kNone);
  expected.digest = optional_text_of(given, "digest");
  expected.diff_id = optional_text_of(given, "diffId");
  if (given.Get("size").IsNumber()) expected.size = number_of(given, "size");
  return expected;
}

Napi::Value transcode_call(const Napi::CallbackInfo& info) {
  const auto given = info[0].As<Napi::Object>();
  // `keep` is none of them.
  const auto wanted = sys::compression_named(text_of(given, "wanted"));
  const auto work = [input = input_of(given), path = text_of(given, "output"),
                     expected = expectation_of(given), wanted,
                     limits = blob_limits_of(
                         given.Get("limits").As<Napi::Object>())]() -> Outcome<sys::BlobFacts> {
    auto from = input.open_it();
    if (!from) return Failure(from.error());
    auto to = sys::adopt(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "open");
    if (!to) return Failure(to.error());
    sys::Refusal refusal;
    auto facts = sys::transcode_blob(from->get(), to->get(), expected, wanted, limits, refusal);
    if (facts) return std::move(*facts);
    // Nobody needs half a blob; that it cannot be removed either is not worth more words than the failure itself.
    unlink(path.c_str());
    return failure_of(facts.error(), refusal);
  };
  return run_job<sys::BlobFacts>(info.Env(), work,
                                 [](Napi::Env env, sys::BlobFacts& facts) -> Napi::Value {
                                   return blob_facts_to_js(env, facts);
                                 });
}

}  // namespace

void register_archive(Napi::Object exports) {
  exports.Set("extractArchive", Napi::Function::New(exports.Env(), extract_call, "extractArchive"));
  exports.Set("transcodeBlob", Napi::Function::New(exports.Env(), transcode_call, "transcodeBlob"));
}

}  // namespace berth::addon
