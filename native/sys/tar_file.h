// The content of an open file, as an entry of an archive.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <vector>

#include "sys/fd.h"
#include "sys/tar_writer.h"

namespace berth::sys {

/// The same file as an O_PATH handle, opened for reading: never what may have taken its name since. `descriptors` is a handle of /proc/self/fd of
/// the host's own procfs, whatever the process sees at /proc.
Result<Fd> reopen(int descriptors, int handle, int flags);

class TarFile {
 public:
  TarFile();

  /// Writes `entry`, whose size and parts it sets, and the content of `file`. Holes are kept. A file that shrinks meanwhile is filled up with zeros, one that
  /// grows is cut. Returns the bytes that were stored.
  Result<uint64_t> add(TarWriter& archive, TarEntry& entry, int file, const struct stat& status);

 private:
  Result<void> copy(TarWriter& archive, int file, SparsePart part);

  std::vector<uint8_t> buffer_;
};

}  // namespace berth::sys
