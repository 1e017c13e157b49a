// The container's root file system, put together from its image's layers and a directory of its own.
#pragma once

#include "launch/plan.h"
#include "sys/result.h"

namespace berth::init {

/// Where layers and the container's directory are seen in the working directory: the names in the plan are below it.
constexpr const char* kOverlayBase = "base";

/// Where the tree below all layers is seen, if there is one.
constexpr const char* kOverlayTree = "tree";

/// Mounts the overlay at `rootfs` in the working directory. EROFS: the kernel could only mount it read-only. E2BIG: more layers than a kernel before 6.5 takes.
sys::Result<void> mount_overlay(const launch::Rootfs& rootfs);

}  // namespace berth::init
