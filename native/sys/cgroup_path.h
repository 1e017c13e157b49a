// Where a control group of version 2 lies, by the number that the kernel knows it by.
#pragma once

#include <linux/limits.h>

#include <cstdint>

#include "sys/result.h"

namespace berth::sys {

struct CgroupPath {
  /// Absolute, as the hierarchy is mounted.
  char characters[PATH_MAX];
};

/// The directory of the group with this id, in the hierarchy mounted at `hierarchy`. ESTALE: it is gone. Needs CAP_DAC_READ_SEARCH and Linux 5.9
/// (open_by_handle_at(2) on cgroupfs).
Result<CgroupPath> cgroup_path(const char* hierarchy, uint64_t id);

}  // namespace berth::sys
