// Starting berth-init from a big multithreaded process without copying it.
#pragma once

#include <sys/types.h>

#include "sys/fd.h"

namespace berth::sys {

struct SpawnRequest {
  int executable = -1;  // descriptor of the program; execveat(2) with AT_EMPTY_PATH
  const char* const* argv = nullptr;
  const char* const* envp = nullptr;
  /// inherited[i] becomes descriptor i of the new process; -1 leaves that number closed. All others are closed.
  const int* inherited = nullptr;
  int inherited_count = 0;
  /// A cgroup v2 directory to start in (CLONE_INTO_CGROUP, Linux 5.7); -1: the caller's.
  int cgroup = -1;
  /// As process 1 of a new pid namespace: with it the kernel ends everything that it will ever have started (pid_namespaces(7)).
  bool own_pid_namespace = false;
};

struct Spawned {
  pid_t pid = -1;
  Fd pidfd;
};

/// clone3 with CLONE_VM and CLONE_VFORK: the new process borrows this one's memory until it has executed its program, so the cost does not grow with
/// the caller's size (a plain fork from a 100 MB process takes a hundred times as long). The child has no exit signal: collect it with __WALL.
/// Blocks the calling thread until the program runs or has failed to.
Result<Spawned> spawn(const SpawnRequest& request);

}  // namespace berth::sys
