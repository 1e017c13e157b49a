#include "sys/tar_contents.h"

#include <unistd.h>

#include <algorithm>

namespace berth::sys {
namespace {

Result<void> write_at(int file, std::span<const uint8_t> bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = retry_interrupted(
        [&] { return pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
    if (written < 0) return last_error("pwrite");
    bytes = bytes.subspan(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return {};
}

}  // namespace

Result<void> write_contents(int file, const TarEntry& entry, TarReader& archive) {
  uint64_t offset = 0;
  size_t part = 0;
  uint64_t within = 0;
  for (;;) {
    BERTH_ASSIGN(std::span<const uint8_t> bytes, archive.data());
    if (bytes.empty()) break;
    if (!entry.sparse) {
      BERTH_TRY(write_at(file, bytes, offset));
      offset += bytes.size();
      continue;
    }
    // The reader has checked that the parts cover exactly the stored bytes.
    while (!bytes.empty()) {
      const SparsePart& target = entry.parts[part];
      const auto now = bytes.first(
          static_cast<size_t>(std::min<uint64_t>(bytes.size(), target.length - within)));
      BERTH_TRY(write_at(file, now, target.offset + within));
      bytes = bytes.subspan(now.size());
      within += now.size();
      if (within == target.length) {
        ++part;
        within = 0;
      }
    }
  }
  if (entry.sparse && ftruncate(file, static_cast<off_t>(entry.size)) != 0)
    return last_error("ftruncate");
  return {};
}

}  // namespace berth::sys
