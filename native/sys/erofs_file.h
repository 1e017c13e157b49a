// The file of an EROFS image while it is written: contents of files as they come, one after the other, and between them rooms for
// inodes, which lie together so that a walk through the tree reads few blocks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sys/refusal.h"
#include "sys/tar_reader.h"

namespace berth::sys {

/// Where a file's bytes are: whole blocks from `block` on, then, where there is one, the rest, which goes behind its inode.
struct ErofsContent {
  uint64_t size = 0;
  uint32_t block = 0;
  std::string tail;
  /// Of a file with holes: what lies behind its inode instead, and the form of it.
  std::vector<uint32_t> chunks;
  uint32_t chunk_form = 0;
};

class ErofsFile {
 public:
  /// `file` is new and empty, and stays the caller's.
  ErofsFile(int file, Refusal& refusal);

  /// The stored bytes of the archive's current entry, holes and all. Refuses with NO_IMAGE what has no room in an image.
  Result<ErofsContent> take(const TarEntry& entry, TarReader& archive);
  /// The same of a file of that size.
  Result<ErofsContent> copy(int source, uint64_t size);
  /// One file at a time: its bytes in order, then its end.
  Result<void> append(std::span<const uint8_t> bytes);
  Result<ErofsContent> end_content();
  /// Puts the rest into a block after all; only right after the content's end.
  Result<void> unfold_tail(ErofsContent& content);

  /// Room for an inode of `fixed` bytes and `tail` bytes behind it that must not cross a block; where it begins.
  Result<uint64_t> room(uint64_t fixed, uint64_t tail);
  /// Can there be room for them?
  static bool fits(uint64_t fixed, uint64_t tail);
  Result<void> put(uint64_t at, std::span<const uint8_t> bytes);
  /// Of what is in the file already.
  Result<void> read_back(uint64_t at, std::span<uint8_t> into);
  /// Puts what is still in memory into the file; only `put` and `append` may follow.
  Result<void> flush();
  /// Ends with a whole block; the number of blocks.
  Result<uint32_t> finish();

 private:
  Result<uint64_t> allocate(uint64_t size);
  Result<void> write_at(uint64_t at, std::span<const uint8_t> bytes);
  Result<void> flush_data();
  Result<ErofsContent> take_holes(const TarEntry& entry, TarReader& archive);
  Result<ErofsContent> begin_chunks(uint64_t size);
  Result<void> put_chunks(ErofsContent& content, uint64_t offset, std::span<const uint8_t> bytes);
  Result<uint32_t> block_of(uint64_t at);

  const int file_;
  Refusal& refusal_;
  uint64_t end_;  // behind everything that has a place; between two files a multiple of a block
  std::vector<uint8_t> data_;
  uint64_t begun_;  // where the content began
  uint64_t extent_ = 0, used_ = 0;
  std::vector<uint8_t> inodes_;  // of the room that is being filled
};

}  // namespace berth::sys
