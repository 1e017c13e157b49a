// What a container is called now: a rename leaves a link behind in its durable folder (src/containerizer/container/rename.ts).
#pragma once

#include "sys/result.h"
#include "sys/text.h"

namespace berth::init {

using ContainerName = sys::Text<80>;

/// `first`: the name that it was started with, where it was never renamed. `root`: the durable root.
ContainerName current_name(int root, const char* id, const char* first);

/// Gives a name back if it leads to the container `id`: by now it may be another's.
sys::Result<void> release_name(int root, const char* name, const char* id);

}  // namespace berth::init
