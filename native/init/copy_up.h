// A fresh file system that starts with what the image has at its place.
#pragma once

#include "sys/result.h"

namespace berth::init {

/// Copies folders, files and symbolic links below the directory `from` into the empty directory `to`, with owners and modes; other kinds of files stay
/// behind. ELOOP: deeper than a process has descriptors for.
sys::Result<void> copy_up(int from, int to);

}  // namespace berth::init
