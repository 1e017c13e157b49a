// What getdents64(2) gives; libc hides it behind readdir(3), which allocates.
#pragma once

#include <cstdint>

namespace berth::sys {

struct DirectoryEntry {
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[1];
};

}  // namespace berth::sys
