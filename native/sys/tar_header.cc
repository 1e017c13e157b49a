#include "sys/tar_header.h"

#include <cstring>
#include <limits>

namespace berth::sys {

bool TarBlock::all_zero() const {
  static constexpr char kZero[kTarBlock] = {};
  return memcmp(this, kZero, kTarBlock) == 0;
}

bool TarBlock::checksum_holds() const {
  const auto stated = tar_number(checksum, sizeof checksum);
  if (!stated) return false;
  const auto* bytes = reinterpret_cast<const char*>(this);
  int64_t plain = 0, with_sign = 0;
  for (size_t i = 0; i < kTarBlock; ++i) {
    const bool inside = i >= offsetof(TarBlock, checksum) && i < offsetof(TarBlock, type);
    const char byte = inside ? ' ' : bytes[i];
    plain += static_cast<unsigned char>(byte);
    with_sign += static_cast<signed char>(byte);
  }
  return *stated == plain || *stated == with_sign;
}

bool TarBlock::is_gnu() const { return memcmp(magic, "ustar  ", 7) == 0; }

std::string TarBlock::full_name() const {
  std::string base = tar_text(name, sizeof name);
  // GNU headers use the prefix's place for times and sparse maps.
  if (memcmp(magic, "ustar\0", 6) != 0 || prefix[0] == '\0') return base;
  return tar_text(prefix, sizeof prefix) + "/" + base;
}

std::string tar_text(const char* field, size_t size) { return {field, strnlen(field, size)}; }

std::optional<int64_t> tar_number(const char* field, size_t size) {
  const auto first = static_cast<unsigned char>(field[0]);
  if ((first & 0x80) != 0) {
    const bool negative = (first & 0x40) != 0;
    // Everything above the last eight bytes must be mere sign.
    uint64_t value = negative ? ~uint64_t{0} : 0;
    for (size_t i = 0; i < size; ++i) {
      auto byte = static_cast<unsigned char>(field[i]);
      if (i == 0) byte = static_cast<unsigned char>(negative ? byte | 0x80 : byte & 0x7f);
      if (i + 8 < size && byte != (negative ? 0xff : 0x00)) return std::nullopt;
      value = (value << 8) | byte;
    }
    if (((value >> 63) != 0) != negative) return std::nullopt;
    return static_cast<int64_t>(value);
  }
  size_t i = 0;
  while (i < size && (field[i] == ' ' || field[i] == '\0')) ++i;
  int64_t value = 0;
  for (; i < size && field[i] >= '0' && field[i] <= '7'; ++i) {
    if (value > std::numeric_limits<int64_t>::max() >> 3) return std::nullopt;
    value = (value << 3) | (field[i] - '0');
  }
  for (; i < size; ++i) {
    if (field[i] != ' ' && field[i] != '\0') return std::nullopt;
  }
  return value;
}

}  // namespace berth::sys
