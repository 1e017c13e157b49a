// `create`: from a bundle to a first process that waits to be started.
#pragma once

#include <optional>
#include <string>

#include "runtime/record.h"

namespace berth::runtime {

struct CreateRequest {
  std::string root, id, bundle;
  std::string pid_file;        // empty: none
  std::string console_socket;  // empty: none
  /// Instead of `console_socket`, a socket that takes the terminal.
  int console = -1;
  uint32_t preserved = 0;
  bool cgroups = true;
};

struct Created {
  ContainerFolder folder;
  Record record;
  sys::Fd lock;
};

/// On failure nothing of the container is left: no folder, cgroup, process or mount.
Created create(const CreateRequest& request);

}  // namespace berth::runtime
