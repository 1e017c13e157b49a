// Which processes belong to a task.
#pragma once

#include <sys/types.h>

#include <vector>

#include "sys/proc_file.h"
#include "sys/sampler.h"

namespace berth::sys {

/// The pids of a task's processes, each once. Empty when the task has ended. `proc` is a procfs
/// root, opened for reading.
Result<std::vector<pid_t>> members(int proc, const SampledTask& task, ProcText& text);

}  // namespace berth::sys
