// Removing a folder with all that is in it, through descriptors.
#pragma once

#include "sys/result.h"

namespace berth::sys {

/// Removes `name` in `parent`, whatever it is. Never follows a symbolic link and never crosses into another mount (EXDEV): what is mounted there is
/// somebody else's. ENOENT is success. Needs no free disk space. Any depth: levels too deep for the stack and the
/// limit on descriptors are first moved up to the top of the tree.
Result<void> remove_tree(int parent, const char* name);

}  // namespace berth::sys
