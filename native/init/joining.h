// Entering a container that runs.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "sys/result.h"

namespace berth::init {

/// In which of its namespaces a process differs from this one (CLONE_NEW*): those to join, whatever its description says. ESRCH: it has ended.
sys::Result<uint64_t> foreign_namespaces(int pidfd);

/// Clones this process into `cgroup` (v2; -1: this one's own) and, if it is among `namespaces`, into the pid namespace of the process `task`; the other
/// namespaces are the child's to join. Gives 0 in the child. ESRCH: the container has ended.
sys::Result<long> clone_beside(int task, uint64_t namespaces, int cgroup, int* pidfd);

}  // namespace berth::init
