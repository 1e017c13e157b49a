#include "sys/tar_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace berth::sys {
namespace {

// Holes below this are cheaper as zeros, which every reader understands.
constexpr uint64_t kLeastHoles = 1024 * 1024;
constexpr size_t kReadSize = 256 * 1024;

/// Where a file has data (lseek(2), SEEK_DATA). The last part may be empty: it marks the end of a file that ends in a hole.
Result<std::vector<SparsePart>> parts_of(int file, uint64_t size) {
  std::vector<SparsePart> parts;
  uint64_t at = 0;
  while (at < size) {
    const off_t data = lseek(file, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno != ENXIO) return last_error("lseek");
    if (data < 0 || static_cast<uint64_t>(data) >= size) break;
    const off_t hole = lseek(file, data, SEEK_HOLE);
    if (hole < 0) return last_error("lseek");
    const auto start = static_cast<uint64_t>(data);
    at = std::min(static_cast<uint64_t>(hole), size);
    parts.push_back({start, at - start});
  }
  if (at < size) parts.push_back({size, 0});
  return parts;
}

}  // namespace

Result<Fd> reopen(int descriptors, int handle, int flags) {
  return adopt(openat(descriptors, std::to_string(handle).c_str(), flags | O_RDONLY | O_CLOEXEC),
               "open");
}

TarFile::TarFile() : buffer_(kReadSize) {}

Result<uint64_t> TarFile::add(TarWriter& archive, TarEntry& entry, int file,
                              const struct stat& status) {
  entry.size = static_cast<uint64_t>(status.st_size);
  std::vector<SparsePart> parts{{0, entry.size}};
  if (static_cast<uint64_t>(status.st_blocks) * 512 + kLeastHoles <= entry.size) {
    BERTH_ASSIGN(parts, parts_of(file, entry.size));
    entry.sparse = true;
    entry.parts = parts;
  }
  BERTH_TRY(archive.begin(entry));
  uint64_t stored = 0;
  for (const SparsePart& part : parts) {
    stored += part.length;
    BERTH_TRY(copy(archive, file, part));
  }
  BERTH_TRY(archive.end());
  return stored;
}

Result<void> TarFile::copy(TarWriter& archive, int file, SparsePart part) {
  while (part.length > 0) {
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(part.length, buffer_.size()));
    const ssize_t length = retry_interrupted(
        [&] { return pread(file, buffer_.data(), wanted, static_cast<off_t>(part.offset)); });
    if (length < 0) return last_error("pread");
    auto count = static_cast<size_t>(length);
    if (count == 0) {
      std::fill_n(buffer_.begin(), wanted, uint8_t{0});
      count = wanted;
    }
    BERTH_TRY(archive.data(std::span<const uint8_t>(buffer_).first(count)));
    part.offset += count;
    part.length -= count;
  }
  return {};
}

}  // namespace berth::sys
