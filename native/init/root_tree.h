// Everything of the container's tree that is attached before its first process gets a mount namespace of its own. The kernel locks those
// mounts for the container: even with CAP_SYS_ADMIN it can neither unmount nor remount them (mount_namespaces(7)).
#pragma once

#include "init/progress.h"
#include "launch/plan.h"
#include "sys/fd.h"

namespace berth::init {

/// The host id that `inside` is seen as outside; 65534 (nobody) when it is not mapped.
uint32_t outside_id(const launch::List<launch::IdMap>& maps, uint32_t inside);

/// What mounts travel to or from, taken while the host's mounts are still seen as they are: a copy made in the supervisor's own mount namespace would be
/// nobody's peer any more (mount_namespaces(7), SHARED SUBTREES).
struct SharedSources {
  static constexpr uint32_t kMost = 64;
  sys::Fd root;
  sys::Fd mounts[kMost];  // by the number of the mount

  sys::Result<void> take(const launch::Plan& plan, Progress& progress);
};

/// Builds the tree at `rootfs` in the working directory, which must be an empty file system of the supervisor's own. `userns` is the container's
/// user namespace with its maps written, or -1 when it shares the host's.
sys::Result<void> build_root_tree(const launch::Plan& plan, int userns, const SharedSources& shared,
                                  Progress& progress);

/// In the working directory: what masked directories and files are covered with.
constexpr const char* kEmptyDirectory = "empty";
constexpr const char* kNullDevice = "null";

}  // namespace berth::init
