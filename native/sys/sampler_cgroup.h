// What cgroups account for a whole task.
#pragma once

#include "sys/proc_file.h"
#include "sys/sampler.h"

namespace berth::sys {

/// Fills what the task's cgroups tell; the rest stays unknown. `usage`, unless null: what the same
/// files tell of the task as a whole. memory.stat is dear: it is read once.
void read_cgroups(const SampledTask& task, ProcText& text, TaskRow& row, UsageRow* usage);

}  // namespace berth::sys
