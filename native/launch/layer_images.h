// Layers that are one file each: mounted on their folders while containers are launched from them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "launch/failure.h"

namespace berth::launch {

/// `DIRECTORY.erofs`, to be mounted on `directory`; as large and of the identity (32 hexadecimal digits) that it was written with.
struct LayerImage {
  std::string directory;
  uint64_t bytes = 0;
  std::string identity;
};

/// Mounts those that are not. Whoever takes idle ones off does so while nobody launches: the caller holds the root's launch lock.
std::optional<Failure> mount_layers(const std::vector<LayerImage>& images);

}  // namespace berth::launch
