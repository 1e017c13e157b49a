#include "addon/unpack_options.h"

namespace berth::addon {

std::string text_of(const Napi::Object& object, const char* key) {
  return object.Get(key).As<Napi::String>().Utf8Value();
}

std::string bytes_of(const Napi::Object& object, const char* key) {
  const auto buffer = object.Get(key).As<Napi::Buffer<char>>();
  return {buffer.Data(), buffer.Length()};
}

uint64_t number_of(const Napi::Object& object, const char* key) {
  return static_cast<uint64_t>(object.Get(key).As<Napi::Number>().Int64Value());
}

sys::BlobLimits blob_limits_of(const Napi::Object& limits) {
  return {number_of(limits, "bytes"), number_of(limits, "ratio"), number_of(limits, "ratioGrace")};
}

sys::TarLimits tar_limits_of(const Napi::Object& limits) {
  return {number_of(limits, "entries"), number_of(limits, "pathLength"),
          number_of(limits, "paxBytes")};
}

Failure failure_of(const sys::Error& error, const sys::Refusal& refusal) {
  Failure failure(error);
  failure.path = refusal.path();
  if (refusal) {
    failure.number = 0;
    failure.syscall.clear();
    failure.code = refusal.code();
    failure.reason = refusal.reason();
  }
  return failure;
}

Napi::Object blob_facts_to_js(Napi::Env env, const sys::BlobFacts& facts) {
  const auto object = Napi::Object::New(env);
  object.Set("compression", Napi::String::New(env, sys::compression_name(facts.compression)));
  object.Set("digest", Napi::String::New(env, facts.digest));
  object.Set("size", Napi::Number::New(env, static_cast<double>(facts.size)));
  object.Set("diffId", Napi::String::New(env, facts.diff_id));
  object.Set("archiveBytes", Napi::Number::New(env, static_cast<double>(facts.archive_bytes)));
  return object;
}

}  // namespace berth::addon
