// Why a command ends. Thrown where it is found and told once, in main: a command of berth-runtime does one thing or fails, and descriptors close themselves.
#pragma once

#include <stdexcept>
#include <string>

#include "launch/failure.h"
#include "launch/handover.h"
#include "sys/result.h"

namespace berth::runtime {

class Trouble : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The kernel refused: `what` was being done. Reads `WHAT: CALL: Permission denied`.
[[noreturn]] void fail(const std::string& what, const sys::Error& error);

/// A launch that was refused before there was a process.
[[noreturn]] void fail(const launch::Failure& failure);

/// A launch that a process could not go on with. Callers tell a missing command and one that must not be executed by the words (podman: 127 and 126).
[[noreturn]] void fail(const launch::StepFailure& failure);

/// The value, or a throw.
template <typename T>
T need(sys::Result<T> result, const std::string& what) {
  if (!result) fail(what, result.error());
  return std::move(*result);
}
inline void need(const sys::Result<void>& result, const std::string& what) {
  if (!result) fail(what, result.error());
}

}  // namespace berth::runtime
