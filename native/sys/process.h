// Naming a process for longer than its pid lives: pid, start time, pidfd.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "sys/fd.h"

namespace berth::sys {

/// When a process started, in clock ticks since boot: field 22 of /proc/PID/stat (proc(5)). With the pid and the boot id it
/// names a process for good. `proc` is a descriptor of a procfs root. ESRCH when there is no such process.
Result<uint64_t> start_time(int proc, pid_t pid);

/// A pidfd of exactly the process that started at `started`. ESRCH when that one is gone, whoever has its pid now.
Result<Fd> open_process(int proc, pid_t pid, uint64_t started);

}  // namespace berth::sys
