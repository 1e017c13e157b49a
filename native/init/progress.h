// Where the launch stands, so that a failure can say what was being done and to what, and a launch can tell where its time went.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "launch/handover.h"
#include "sys/result.h"

namespace berth::init {

/// When each step began, in nanoseconds of CLOCK_MONOTONIC. In memory that supervisor and first process share.
struct Timings {
  static constexpr uint32_t kMost = 96;
  struct Entry {
    const char* step;  // a literal of this program, so both processes may read it
    uint64_t began;
  };
  uint32_t count = 0;
  Entry entries[kMost];
};

/// Updated before each step. `step` is a word of docs/reference/control-protocol.md; both strings outlive the launch.
struct Progress {
  const char* step = "start";
  const char* subject = "";
  Timings* timings = nullptr;  // null unless asked for

  void at(const char* new_step, const char* new_subject = "");
};

using Failure = launch::StepFailure;

/// Comes first on the report socket, if the container is to be on a network: its network namespace is there. No Failure begins with it, since no errno is 0.
constexpr char kNamespacesMade = '\0';

/// Comes before kAboutToExecute, with a descriptor: the master of the program's terminal.
constexpr char kTerminal = 't';

Failure describe(const Progress& progress, const sys::Error& error);

}  // namespace berth::init
