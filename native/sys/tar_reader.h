// A tar archive read once, front to back: ustar, V7, GNU and pax with long names, large numbers,
// extended attributes and every form of sparse file that GNU tar writes. Nothing in it is trusted;
// nothing here touches a file system.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sys/refusal.h"
#include "sys/tar_header.h"
#include "sys/tar_pax.h"

namespace berth::sys {

/// Where the archive's bytes come from.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Up to `at_most` of the next bytes, at least one, valid until the next call; empty at the end.
  virtual Result<std::span<const uint8_t>> take(uint64_t at_most) = 0;
};

enum class TarType { kFile, kHardLink, kSymlink, kDevice, kDirectory, kFifo };

/// Of a device node. Only written: berth makes none.
struct TarDevice {
  bool block = false;
  unsigned major = 0, minor = 0;
};

struct TarEntry {
  std::string name, link;  // as the archive has them
  TarType type = TarType::kFile;
  mode_t mode = 0;  // permission, set-id and sticky bits
  uint64_t uid = 0, gid = 0;
  uint64_t size = 0;  // of the file, holes included
  timespec mtime{};
  std::vector<std::pair<std::string, std::string>> xattrs;
  bool sparse = false;
  TarDevice device;
  std::vector<SparsePart> parts;  // of a sparse file: where its stored bytes go, in rising order
};

struct TarLimits {
  uint64_t entries = 0;      // header blocks of every kind
  uint64_t path_length = 0;  // bytes of a name or a link
  uint64_t pax_bytes =
      0;  // of one extended header, of the standing global records, and of one sparse map
};

class TarReader {
 public:
  TarReader(ByteSource& source, const TarLimits& limits, Refusal& refusal)
      : source_(source), limits_(limits), refusal_(refusal) {}

  /// The next entry, or false after the last. Skips what is left of the one before. Refuses with
  /// BAD_TAR, LIMIT_EXCEEDED.
  Result<bool> next(TarEntry& entry);
  /// The next stored bytes of the current entry; empty when it has no more.
  Result<std::span<const uint8_t>> data();

 private:
  Result<bool> read_block(TarBlock& block);
  Result<bool> read_header(TarBlock& block);
  Result<std::string> read_text(uint64_t size, uint64_t limit, const char* what);
  Result<void> skip_rest();
  Result<bool> describe(const TarBlock& block, TarEntry& entry);
  Result<void> apply_names(const TarBlock& block, TarEntry& entry);
  Result<void> apply_numbers(const TarBlock& block, TarEntry& entry);
  Result<void> apply_xattrs(TarEntry& entry);
  Result<void> apply_xattr(const PaxRecords& records, const std::string& key,
                           const std::string& value, TarEntry& entry);
  Result<void> apply_old_sparse(const TarBlock& block, TarEntry& entry);
  Result<void> apply_pax_sparse(TarEntry& entry);
  Result<void> read_sparse_map(TarEntry& entry);
  Result<void> check_sparse(const TarEntry& entry);
  /// A pax record of this entry, else of the archive; nothing when absent or taken away by an empty
  /// value.
  const std::string* record(const std::string& key) const;

  ByteSource& source_;
  const TarLimits limits_;
  Refusal& refusal_;
  uint64_t left_ = 0, padding_ = 0, headers_ = 0;
  bool ended_ = false;
  std::string long_name_, long_link_;
  PaxRecords local_, global_;
};

}  // namespace berth::sys
