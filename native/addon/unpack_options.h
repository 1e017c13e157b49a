// What calls about layers and blobs are told in the same form, and how they fail.
#pragma once

#include <napi.h>

#include <string>

#include "addon/error.h"
#include "sys/layer_blob.h"
#include "sys/refusal.h"
#include "sys/tar_reader.h"

namespace berth::addon {

std::string text_of(const Napi::Object& object, const char* key);
/// Of a Buffer.
std::string bytes_of(const Napi::Object& object, const char* key);
uint64_t number_of(const Napi::Object& object, const char* key);

/// From src/native/unpack.ts, UnpackLimits.
sys::BlobLimits blob_limits_of(const Napi::Object& limits);
sys::TarLimits tar_limits_of(const Napi::Object& limits);

/// As src/native/archive.ts has BlobFacts.
Napi::Object blob_facts_to_js(Napi::Env env, const sys::BlobFacts& facts);

/// Content that was refused has no errno: its code, reason and entry are what is told.
Failure failure_of(const sys::Error& error, const sys::Refusal& refusal);

}  // namespace berth::addon
