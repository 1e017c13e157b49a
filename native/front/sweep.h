// Taking away what a root's containers share, with the last of them: cgroups and mounts of layers (src/containerizer/container/shared-sweep.ts).
#pragma once

#include "front/recipe.h"

namespace berth::front {

/// Not while a container is being started: its own would lose their place.
void sweep_shared(const Roots& roots, const Recipe& recipe);

}  // namespace berth::front
