// One 512-byte tar header block: POSIX.1-1988 ustar, GNU and V7 (POSIX.1-2017 pax(1), "ustar
// Interchange Format").
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace berth::sys {

constexpr size_t kTarBlock = 512;

struct TarBlock {
  char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100],
      magic[6], version[2], owner[32], group[32], major[8], minor[8], prefix[155], padding[12];

  bool all_zero() const;
  /// The sum of the block's bytes with the checksum field as spaces; old writers summed signed
  /// characters.
  bool checksum_holds() const;
  /// The name with the ustar prefix before it.
  std::string full_name() const;
  bool is_gnu() const;
};
static_assert(sizeof(TarBlock) == kTarBlock);

/// A field of text: ends at the first NUL or with the field.
std::string tar_text(const char* field, size_t size);

/// A number: octal digits between blanks or NULs, or GNU's base-256 (first bit set, two's
/// complement). Nothing when it is neither, or needs more than 63 bits.
std::optional<int64_t> tar_number(const char* field, size_t size);

}  // namespace berth::sys
