// What a layer changes of the ones below it, name by name.
#pragma once

#include "sys/tree_walk.h"

namespace berth::sys {

struct TreeChange {
  char kind;         // 'A': added, 'C': changed, 'D': deleted
  std::string path;  // from the root: `/etc/motd`
};

/// In the order of a walk; a directory counts as changed when something in it is.
Result<std::vector<TreeChange>> tree_changes(const TreeWalk& walk, Refusal& refusal);

}  // namespace berth::sys
