// How a native failure reaches TypeScript: one Error object with code, errno, syscall and, where known, path, step and hint.
#pragma once

#include <napi.h>

#include <string>

#include "sys/result.h"

namespace berth::addon {

/// What failed, for a person and for a program. Empty strings are left out of the object.
struct Failure {
  int number = 0;  // errno; 0 where no system call is to blame, and then `code` says what happened
  std::string code;     // overrides the errno's own name, e.g. "BAD_TAR"
  std::string syscall;  // openat2, mount_setattr, …
  std::string path;
  std::string step;    // what was being done, in words
  std::string reason;  // why content from outside was refused, one clause
  std::string hint;    // how to mend it

  Failure() = default;
  Failure(const sys::Error& error) : number(error.number), syscall(error.call) {}
};

/// The JavaScript Error that src/native/native.ts describes as NativeError.
Napi::Error to_js(Napi::Env env, const Failure& failure);

}  // namespace berth::addon
