// A folder that is filled with what came from outside (an archive, a download), everything in it one user's. Names are
// taken apart here and every step is made through a handle: none leads out of the folder, and none goes through a link.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "sys/fd.h"
#include "sys/layer_blob.h"
#include "sys/refusal.h"
#include "sys/tar_reader.h"

namespace berth::sys {

struct PlainLimits {
  BlobLimits blob;
  TarLimits tar;
  uint64_t depth = 0;  // components of a name
  uint64_t bytes = 0;  // of all files, without their holes
};

/// What an archive came to. Devices, fifos and attributes are left out.
struct PlainCounts {
  uint64_t entries = 0, file_bytes = 0, skipped = 0;
};

class PlainTree {
 public:
  PlainTree(Fd root, uid_t uid, gid_t gid, const PlainLimits& limits, Refusal& refusal)
      : root_(std::move(root)), uid_(uid), gid_(gid), limits_(limits), refusal_(refusal) {}

  /// A new file at `name`, open for writing, in the place of whatever file or link was there; folders above it are made. Refuses with
  /// ESCAPE_ATTEMPT, LIMIT_EXCEEDED.
  Result<Fd> create_file(const std::string& name, mode_t mode);
  /// A tar archive, compressed or not. Beside the above refuses with BAD_TAR, BAD_COMPRESSION.
  Result<PlainCounts> extract(int archive);

 private:
  struct Place {
    Fd parent;
    std::string name;
  };

  Result<Place> place_of(const std::string& path);
  Result<Fd> enter(int parent, const std::string& name);
  Result<void> apply(const TarEntry& entry, TarReader& archive);
  Result<void> apply_directory(const TarEntry& entry);
  Result<void> apply_file(const TarEntry& entry, TarReader& archive);
  Result<void> apply_link(const TarEntry& entry);
  Result<void> apply_symlink(const TarEntry& entry);
  /// Takes a file or link away, so that something else can stand there.
  Result<void> clear(const Place& place);

  Fd root_;
  const uid_t uid_;
  const gid_t gid_;
  const PlainLimits limits_;
  Refusal& refusal_;
  PlainCounts counts_;
};

}  // namespace berth::sys
