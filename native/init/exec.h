// berth-init in its role as exec: sends one program into a container that runs, watches it, and outlives whoever sent it.
#pragma once

#include "init/supervisor.h"
#include "launch/plan.h"

namespace berth::init {

/// The whole life of that program. `plan` is the container's own with another process; descriptor kTaskPidFd is a pidfd of its first process. Returns this
/// process's exit status: 0 when the program ran.
int exec_into(const launch::Plan& plan, const PlanMemory& memory);

}  // namespace berth::init
