// What every process of a container does last before it becomes the user's program, the first as any that is sent in later.
#pragma once

#include "init/progress.h"
#include "launch/plan.h"

namespace berth::init {

/// Descriptors that a process holds until it is the user's program.
struct ProgramEnds {
  int report = -1;  // a socket: takes a Failure; closes itself when the program runs
  int stdio[3] = {-1, -1, -1};
  const int* v1_tasks = nullptr;  // `tasks` files of its cgroups
  uint32_t v1_count = 0;
};

/// The process dies with its supervisor, also where it is not in a pid namespace of the supervisor's. Each change of credentials clears it (prctl(2)).
sys::Result<void> die_with_supervisor();

/// Puts this process into its v1 cgroups.
sys::Result<void> join_v1_cgroups(const ProgramEnds& ends);

/// In a user namespace whose maps are written.
sys::Result<void> become_root_inside();

/// Terminal, identity, limits, working directory, capabilities, stdio, seccomp, execve, in the current root. `console`: a terminal is /dev/console too. Returns only
/// the failure.
sys::Result<void> become_program(const launch::Plan& plan, ProgramEnds& ends, bool console,
                                 Progress& progress);

}  // namespace berth::init
