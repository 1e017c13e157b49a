// Capabilities of the calling thread (capabilities(7)). Sets are bit masks: bit N is capability N.
#pragma once

#include <cstdint>

#include "sys/result.h"

namespace berth::sys {

struct CapabilitySets {
  uint64_t effective = 0, permitted = 0, inheritable = 0;
};

Result<CapabilitySets> get_capabilities();
Result<void> set_capabilities(const CapabilitySets& sets);

/// Makes every permitted capability effective again, which a change of the file system uid takes away.
Result<void> raise_effective();

/// Drops from the bounding set all that `keep` lacks. Needs CAP_SETPCAP.
Result<void> limit_bounding(uint64_t keep);

/// Clears the ambient set and raises what `wanted` has; each must be permitted and inheritable.
Result<void> set_ambient(uint64_t wanted);

}  // namespace berth::sys
