// What lies between berth-init and the caller that a process is handed over to.
#pragma once

#include <sys/types.h>

#include "init/progress.h"
#include "launch/handover.h"
#include "launch/plan.h"

namespace berth::init {

/// So that a program that is not root may reopen its output, by way of /dev/stdout. Pipes only: a caller's files and terminals stay as they are.
void share_pipes(const launch::Plan& plan);

/// What takes more rights on the host than a process of the container may have: its limits, and how ready the kernel is to kill it.
sys::Result<void> limit_from_outside(const launch::Plan& plan, pid_t host_pid, Progress& progress);

/// One message to the caller, on kLeashFd.
sys::Result<void> tell(const launch::HandoverReport& report);

}  // namespace berth::init
