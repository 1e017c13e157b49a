// Taking away the cgroups that a root's containers share, with the last of them (src/containerizer/container/cgroup-sweep.ts).
#pragma once

#include "front/recipe.h"

namespace berth::front {

/// Not while a container is being started: its own would lose their place.
void sweep_cgroups(const Roots& roots, const Recipe& recipe);

}  // namespace berth::front
