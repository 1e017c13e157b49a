// Everything of the container's tree that is attached before its first process gets a mount namespace of its own. The kernel locks those
// mounts for the container: even with CAP_SYS_ADMIN it can neither unmount nor remount them (mount_namespaces(7)).
#pragma once

#include "init/progress.h"
#include "launch/plan.h"

namespace berth::init {

/// Builds the tree at `rootfs` in the working directory, which must be an empty file system of the supervisor's own. `userns` is the container's
/// user namespace with its maps written, or -1 when it shares the host's.
sys::Result<void> build_root_tree(const launch::Plan& plan, int userns, Progress& progress);

/// In the working directory: what masked directories and files are covered with.
constexpr const char* kEmptyDirectory = "empty";
constexpr const char* kNullDevice = "null";

}  // namespace berth::init
