// What the container's first process does between its birth and the user's program. Read from top to bottom, this is the order of confinement, up to
// the steps that every process of a container takes last (last_steps.h).
#pragma once

#include "init/last_steps.h"
#include "init/namespaces.h"
#include "init/progress.h"
#include "launch/plan.h"

namespace berth::init {

/// Descriptors that the first process holds until its program runs.
struct FirstProcess {
  /// One byte arrives when the id maps are written and the tree stands; end of file: the supervisor died.
  int go = -1;
  ProgramEnds program;
  Timings* timings = nullptr;  // its own list, not the supervisor's
  int start = -1;              // handed over: the socket on which it is told to start its program
  int console = -1;            // handed over, with a terminal: takes its master
  const JoinedFiles* joined = nullptr;  // where the container is not handed over
};

/// Never returns: becomes the user's program or reports why not and exits.
[[noreturn]] void run_first_process(const launch::Plan& plan, FirstProcess ends);

}  // namespace berth::init
