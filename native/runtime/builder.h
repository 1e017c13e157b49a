// berth-init, which brings a process to where a caller takes it over (init/hand_over.h, init/hand_over_exec.h).
#pragma once

#include <sys/types.h>

#include <string>

#include "launch/json.h"
#include "launch/plan_store.h"
#include "sys/fd.h"

namespace berth::runtime {

/// What it gets besides the plan and this process's own stdin, stdout and stderr.
struct BuilderEnds {
  std::string console_socket;  // path; empty: none
  int console = -1;            // instead, a socket that takes the terminal
  uint32_t preserved = 0;      // descriptors from 3 on
  int task = -1;               // pidfd of the first process of a container to send a program into
};

struct Builder {
  pid_t pid = -1;
  sys::Fd leash;  // gives a HandoverReport a message
};

Builder start_building(launch::Plan& plan, const BuilderEnds& ends);

/// Waits for its end.
void collect(const Builder& builder);

/// Compiles the filter of a config.json into the plan; one that was compiled before is taken from the folder `root`.
void compile_filter(const launch::Json& config, const std::string& root,
                    const launch::Faults& faults, launch::PlanStore& store, launch::Plan& plan);

}  // namespace berth::runtime
