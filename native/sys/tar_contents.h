// The stored bytes of a tar entry, into a file.
#pragma once

#include "sys/tar_reader.h"

namespace berth::sys {

/// Writes what is left of the current entry of `archive`, from the beginning of `file`. Holes of a sparse entry become holes.
Result<void> write_contents(int file, const TarEntry& entry, TarReader& archive);

}  // namespace berth::sys
