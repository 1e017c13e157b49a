// Ranges of host ids, one for each container with users of its own, claimed across the whole host.
#pragma once

#include <cstdint>

#include "sys/fd.h"

namespace berth::sys {

struct IdRange {
  uint32_t first = 0;
  Fd claim;
};

/// Claims one of `count` ranges of `size` ids that start at `first`: a lock on the byte of the range's number in `file`, which is made if missing and stays
/// empty. The lock belongs to the open file description (fcntl(2), F_OFD_SETLK, Linux 3.15) and dies with the last copy of its descriptor. The search
/// starts at a random place, so that it stays short while few are taken. ENOSPC: all are.
Result<IdRange> claim_id_range(const char* file, uint32_t first, uint32_t size, uint32_t count);

}  // namespace berth::sys
