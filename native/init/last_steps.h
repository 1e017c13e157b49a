// What every process of a container does last before it becomes the user's program, the first as any that is sent in later.
#pragma once

#include "init/identity.h"
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

/// The process dies with its supervisor, also where it is not in a pid namespace of the supervisor's. Set anew after each change of credentials, which clears
/// it (prctl(2)).
sys::Result<void> die_with_supervisor(const launch::Plan& plan);

/// Puts this process into its v1 cgroups.
sys::Result<void> join_v1_cgroups(const ProgramEnds& ends);

/// In a user namespace whose maps are written.
sys::Result<void> become_root_inside(const launch::Plan& plan);

/// Terminal, identity, limits, working directory, in the current root. `console`: a terminal is /dev/console too.
sys::Result<void> prepare_program(const launch::Plan& plan, ProgramEnds& ends, bool console,
                                  Identity& identity, Progress& progress);

/// Identity, capabilities, stdio, seccomp, execve. Returns only the failure.
sys::Result<void> become_program(const launch::Plan& plan, const ProgramEnds& ends,
                                 const Identity& identity, Progress& progress);

// Its parts, for a program that is started in an order of its own.

/// Everything but the capabilities, all of which stay at hand.
sys::Result<void> take_ids(const launch::Plan& plan, const Identity& identity, Progress& progress);
sys::Result<void> take_capabilities(const launch::Plan& plan, const launch::Capabilities& wanted,
                                    Progress& progress);
sys::Result<void> gain_nothing_more(const launch::Plan& plan);
sys::Result<void> filter_system_calls(const launch::Plan& plan);
/// The program gets its three, those that a caller wants preserved, and nothing else; signals are as a new program expects them.
sys::Result<void> hand_over_stdio(const launch::Plan& plan, const ProgramEnds& ends);

}  // namespace berth::init
