// The first process of a container that was asked to have one of its own before the program (`--init`).
#pragma once

#include "sys/result.h"

namespace berth::init {

/// Where this program's arguments lie, so that a first process that stays does not show the host's paths in /proc/1/cmdline.
void remember_arguments(int count, char** arguments);

/// Forks. Returns in the child, which goes on to become the program, in a process group of its own. The parent never returns: it gives up every
/// descriptor, passes signals on to the child, collects whatever is orphaned, and ends as the child does (128 + N for signal N).
sys::Result<void> leave_reaper_behind();

}  // namespace berth::init
