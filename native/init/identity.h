// Who the user's program runs as: the numbers of the plan, or a name looked up in the image's own passwd and group files.
#pragma once

#include <sys/types.h>

#include "init/progress.h"
#include "launch/plan.h"
#include "sys/result.h"

namespace berth::init {

struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  gid_t groups[64] = {};
  size_t group_count = 0;
  char home[256] = "/";
};

/// Reads /etc/passwd and /etc/group of the current root. `progress` is told whom it looks for. Errors, all with call "passwd": ENOENT no such user or group, ERANGE an id that is no
/// valid uid_t, E2BIG more than 64 groups. Numbers are never taken for names (CVE-2024-40635). What begins with a slash, as no name does, is a
/// file of the image whose owner, or group, is meant (appc specification, aci.md).
sys::Result<void> find_identity(const launch::Process& process, Identity& identity,
                                Progress& progress);

}  // namespace berth::init
