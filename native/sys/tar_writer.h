// A tar archive being written: ustar, with pax records (POSIX.1-2017 pax(1)) where ustar has no room, extended attributes as
// SCHILY.xattr.*, sparse files in GNU's format 1.0. The same entries always give the same bytes.
#pragma once

#include <string>

#include "sys/byte_sink.h"
#include "sys/tar_reader.h"

namespace berth::sys {

class TarWriter {
 public:
  explicit TarWriter(ByteSink& sink) : sink_(sink) {}

  /// The header of an entry. A file's stored bytes follow by `data`: all of them, or its `parts` if it is sparse.
  Result<void> begin(const TarEntry& entry);
  Result<void> data(std::span<const uint8_t> bytes);
  /// After the last of the stored bytes.
  Result<void> end();
  /// The end of the archive.
  Result<void> finish();

 private:
  Result<void> write_text(const std::string& text);

  ByteSink& sink_;
  uint64_t written_ = 0;  // of the current entry
};

}  // namespace berth::sys
