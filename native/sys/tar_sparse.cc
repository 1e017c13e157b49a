// Sparse files as GNU tar stores them (GNU tar manual, "Sparse Formats"): the old header, and pax
// 0.0, 0.1 and 1.0.
#include <algorithm>
#include <string>

#include "sys/tar_reader.h"

namespace berth::sys {
namespace {

constexpr size_t kPairSize = 24, kNumberSize = 12;
// Where an old GNU header keeps its first four pairs, the "more follow" flag and the real size.
constexpr size_t kHeaderPairs = 386, kHeaderExtended = 482, kHeaderRealSize = 483,
                 kPairsInHeader = 4;
constexpr size_t kPairsInExtension = 21, kExtensionExtended = 504;

}  // namespace

Result<void> TarReader::apply_old_sparse(const TarBlock& block, TarEntry& entry) {
  const auto* bytes = reinterpret_cast<const char*>(&block);
  const auto real_size = tar_number(bytes + kHeaderRealSize, kNumberSize);
  if (!block.is_gnu() || !real_size || *real_size < 0)
    return refusal_.refuse("BAD_TAR", "a sparse header is malformed");
  entry.sparse = true;
  entry.size = static_cast<uint64_t>(*real_size);

  const auto take_pairs = [&](const char* from, size_t count) -> Result<void> {
    for (size_t i = 0; i < count; ++i, from += kPairSize) {
      if (from[0] == '\0' && from[kNumberSize] == '\0') break;
      const auto offset = tar_number(from, kNumberSize),
                 length = tar_number(from + kNumberSize, kNumberSize);
      if (!offset || !length || *offset < 0 || *length < 0)
        return refusal_.refuse("BAD_TAR", "a sparse map is malformed");
      entry.parts.push_back({static_cast<uint64_t>(*offset), static_cast<uint64_t>(*length)});
    }
    return {};
  };
  BERTH_TRY(take_pairs(bytes + kHeaderPairs, kPairsInHeader));
  bool extended = bytes[kHeaderExtended] != '\0';
  while (extended) {
    if (entry.parts.size() * sizeof(SparsePart) > limits_.pax_bytes) {
      return refusal_.refuse("LIMIT_EXCEEDED", "a sparse map is too large");
    }
    TarBlock extension;
    BERTH_ASSIGN(const bool more, read_block(extension));
    if (!more) return refusal_.refuse("BAD_TAR", "the archive ends inside a sparse map");
    const auto* pairs = reinterpret_cast<const char*>(&extension);
    BERTH_TRY(take_pairs(pairs, kPairsInExtension));
    extended = pairs[kExtensionExtended] != '\0';
  }
  return {};
}

Result<void> TarReader::apply_pax_sparse(TarEntry& entry) {
  const std::string* major = local_.find("GNU.sparse.major");
  const std::string* map = local_.find("GNU.sparse.map");
  const std::string* size = local_.find("GNU.sparse.realsize");
  if (size == nullptr) size = local_.find("GNU.sparse.size");
  if (major == nullptr && map == nullptr && local_.sparse_parts().empty()) return {};
  const auto real_size = size == nullptr ? std::nullopt : pax_number(*size);
  if (!real_size) return refusal_.refuse("BAD_TAR", "a sparse file does not say its size");
  entry.sparse = true;
  entry.size = *real_size;
  if (major != nullptr && *major != "0") {
    const std::string* minor = local_.find("GNU.sparse.minor");
    if (*major != "1" || minor == nullptr || *minor != "0") {
      return refusal_.refuse("BAD_TAR",
                             "sparse files of GNU format " + *major + " are not supported");
    }
    return read_sparse_map(entry);
  }
  if (map == nullptr) {
    entry.parts = local_.sparse_parts();
    return {};
  }
  for (size_t start = 0; start < map->size();) {
    const size_t middle = map->find(',', start);
    if (middle == std::string::npos) return refusal_.refuse("BAD_TAR", "a sparse map is malformed");
    const size_t end = std::min(map->find(',', middle + 1), map->size());
    const auto offset = pax_number(map->substr(start, middle - start));
    const auto length = pax_number(map->substr(middle + 1, end - middle - 1));
    if (!offset || !length) return refusal_.refuse("BAD_TAR", "a sparse map is malformed");
    entry.parts.push_back({*offset, *length});
    start = end + 1;
  }
  return {};
}

/// Format 1.0 puts the map before the data: decimal lines, the number of pairs first, padded to a
/// whole block.
Result<void> TarReader::read_sparse_map(TarEntry& entry) {
  uint64_t expected = 0, read = 0, number = 0, first = 0;
  bool counted = false, any_digit = false;
  while (!counted || read < 2 * expected) {
    if (left_ < kTarBlock) return refusal_.refuse("BAD_TAR", "a sparse map is cut short");
    TarBlock block;
    BERTH_ASSIGN(const bool more, read_block(block));
    if (!more) return refusal_.refuse("BAD_TAR", "the archive ends inside a sparse map");
    left_ -= kTarBlock;
    const auto* text = reinterpret_cast<const char*>(&block);
    for (size_t i = 0; i < kTarBlock && (!counted || read < 2 * expected); ++i) {
      if (text[i] >= '0' && text[i] <= '9' && number < (uint64_t{1} << 59)) {
        number = number * 10 + static_cast<uint64_t>(text[i] - '0');
        any_digit = true;
        continue;
      }
      if (text[i] != '\n' || !any_digit)
        return refusal_.refuse("BAD_TAR", "a sparse map is malformed");
      if (!counted) {
        counted = true;
        expected = number;
        if (expected > limits_.pax_bytes / sizeof(SparsePart)) {
          return refusal_.refuse("LIMIT_EXCEEDED", "a sparse map is too large");
        }
      } else if (read++ % 2 == 0) {
        first = number;
      } else {
        entry.parts.push_back({first, number});
      }
      number = 0;
      any_digit = false;
    }
  }
  return {};
}

/// The map must rise, stay inside the file and cover exactly the stored bytes.
Result<void> TarReader::check_sparse(const TarEntry& entry) {
  uint64_t end = 0, stored = 0;
  for (const SparsePart& part : entry.parts) {
    if (part.offset < end || part.offset > entry.size || part.length > entry.size - part.offset) {
      return refusal_.refuse("BAD_TAR", "a sparse map overlaps itself or leaves its file");
    }
    end = part.offset + part.length;
    stored += part.length;
  }
  if (stored != left_)
    return refusal_.refuse("BAD_TAR", "a sparse map does not fit the data stored");
  return {};
}

}  // namespace berth::sys
