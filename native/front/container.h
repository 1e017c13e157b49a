// Finding a container that runs, as src/containerizer/container/catalogue.ts does.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "front/roots.h"

namespace berth::front {

struct RunningContainer {
  std::string id, name, image;
  std::string folder;  // of its volatile state
  pid_t pid = -1;      // of its first process, and when that started
  uint64_t started = 0;
};

/// The one container that `wanted` names, if it runs and is not paused. Nothing: whatever the JavaScript has to say about that.
std::optional<RunningContainer> find_running(const Roots& roots, const std::string& wanted);

}  // namespace berth::front
