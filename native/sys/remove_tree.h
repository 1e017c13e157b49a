// Removing a tree that others have filled: any names, any depth, no symbolic link followed, no
// extra space needed.
#pragma once

#include "sys/fd.h"

namespace berth::sys {

/// Removes `name` in `directory`, with all that is below it. Nothing there is no error. Deep levels
/// are first moved up to the tree's top, so descriptors and stack stay bounded. Does not cross into
/// other mounts: EBUSY or EXDEV then.
Result<void> remove_tree(int directory, const char* name);

}  // namespace berth::sys
