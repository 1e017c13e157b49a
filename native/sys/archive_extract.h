// An archive of images (`docker save`, an OCI archive) taken apart: its members as files that are named by number. No name from the
// archive becomes a path, so none can lead anywhere.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sys/layer_blob.h"
#include "sys/refusal.h"
#include "sys/tar_reader.h"

namespace berth::sys {

struct ArchiveMember {
  std::string name, link;  // as the archive has them
  TarType type = TarType::kFile;
  uint64_t size = 0;
  /// Of a file: SHA-256 of its content, hexadecimal. Its content is in the file with the member's own number.
  std::string digest;
};

struct ArchiveLimits {
  BlobLimits blob;
  TarLimits tar;
  uint64_t members = 0;
};

/// Reads `archive` (plain or compressed, a file or a pipe) once and writes the content of its n-th member to `folder`/n. After a failure
/// the folder holds what was written so far.
Result<std::vector<ArchiveMember>> extract_archive(int archive, const std::string& folder,
                                                   const ArchiveLimits& limits, Refusal& refusal);

}  // namespace berth::sys
