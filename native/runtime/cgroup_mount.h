// What a caller means by a mount of type `cgroup`.
#pragma once

#include "launch/cgroup.h"
#include "launch/plan_store.h"

namespace berth::runtime {

/// Replaces it by what this host's layout has: the v2 hierarchy, or a folder with the container's own directory of each v1 controller in it. Read-only stays
/// read-only.
void expand_cgroup_mounts(const launch::CgroupPlaces& places, launch::PlanStore& store,
                          launch::Plan& plan);

}  // namespace berth::runtime
