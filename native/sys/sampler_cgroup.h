// What cgroups account for a whole task.
#pragma once

#include "sys/proc_file.h"
#include "sys/sampler.h"

namespace berth::sys {

/// Fills what the task's cgroups tell; the rest stays unknown.
void read_cgroups(const SampledTask& task, ProcText& text, TaskRow& row);

}  // namespace berth::sys
