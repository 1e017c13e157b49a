// What is new starts with what the image has at its place.
#pragma once

#include "sys/result.h"

namespace berth::init {

/// Copies all below the directory `from` into the empty directory `to`, with owners, modes, times and extended attributes. Devices stay behind; a file with several names
/// becomes several files. ELOOP: deeper than a process has descriptors for.
sys::Result<void> copy_up(int from, int to);

}  // namespace berth::init
