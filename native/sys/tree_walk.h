// Layers of a file system, walked from the topmost: what they show together, or what the topmost changes of the others. Somebody may
// change the tree meanwhile: every step is taken by descriptors of what was found, no link is ever followed, and what is gone by then
// is passed over.
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "sys/layer_lowers.h"
#include "sys/refusal.h"

namespace berth::sys {

struct WalkEntry {
  const std::string& path;  // `usr/lib`; empty for the root
  int handle;               // O_PATH, of the thing itself
  const struct stat& status;
  LowerDirectory::Kind below;  // what the layers below have there
};

class TreeVisitor {
 public:
  virtual ~TreeVisitor() = default;
  virtual Result<void> found(const WalkEntry& entry) = 0;
  /// What the layers below have at `path` is not there any more.
  virtual Result<void> removed(const std::string& path) = 0;
};

struct TreeWalk {
  /// Topmost first. `upper`: walked; `below`: what it is compared with, none for a plain walk.
  std::vector<std::string> upper, below;
  /// Empty files and folders at these paths (`/proc`) were made to mount something on, and are passed over where no layer below has them.
  std::vector<std::string> hidden;
  uint64_t depth = 0;  // components of a path
};

/// Visits directories before what is in them, names in the order of their bytes. Refuses with LIMIT_EXCEEDED.
Result<void> walk_tree(const TreeWalk& walk, TreeVisitor& visitor, Refusal& refusal);

}  // namespace berth::sys
