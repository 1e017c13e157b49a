// What a task as a whole has used, without a look at each of its threads.
#pragma once

#include "sys/proc_file.h"
#include "sys/sampler.h"

namespace berth::sys {

/// Fills what read_cgroups has not told of a row; what the kernel does not tell stays unknown. Errors only where /proc itself cannot be read.
Result<void> read_usage(int proc, const SampledTask& task, ProcText& text, UsageRow& row);

}  // namespace berth::sys
