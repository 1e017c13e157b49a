// The part of the container's tree that only a process inside its namespaces can make.
#pragma once

#include "init/progress.h"
#include "launch/plan.h"
#include "sys/fd.h"

namespace berth::init {

/// Called in the container's new mount namespace, with the supervisor's staging folder as working directory: mounts proc, sysfs and their like, masks
/// what must not be seen, writes sysctls. Gives the new root, which is the working directory then; the host's tree can still be seen.
sys::Result<sys::Fd> complete_own_view(const launch::Plan& plan, Progress& progress);

/// Leaves the host's tree behind. Afterwards `/` is the container's root.
sys::Result<void> enter_own_view(const launch::Plan& plan, Progress& progress);

}  // namespace berth::init
