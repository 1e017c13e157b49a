// What trees take of a disk.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "sys/result.h"

namespace berth::sys {

/// Adds up blocks: of a sparse file what is there, of a file with several names once for all trees that are added to the same object.
class DiskUsage {
 public:
  /// The bytes that the tree takes beside what was added before; a path that is not there takes none. No link is followed and no other file system entered. Somebody may
  /// change the tree meanwhile: what is gone by then is passed over.
  Result<uint64_t> add(const std::string& path);

 private:
  std::set<std::pair<uint64_t, uint64_t>> linked_;
};

}  // namespace berth::sys
