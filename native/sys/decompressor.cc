#include "sys/decompressor.h"

#include <algorithm>
#include <array>

#include "sys/bunzip2.h"
#include "sys/gunzip.h"
#include "sys/unxz.h"
#include "sys/unzstd.h"

namespace berth::sys {
namespace {

struct Kind {
  Compression compression;
  const char* name;
  std::string_view magic;  // how every stream of the kind begins
};

// RFC 1952; RFC 8878, 3.1.1; the .xz file format, 2.1.1.1; bzip2's own "BZh".
constexpr std::array<Kind, 5> kKinds{{
    {Compression::kNone, "none", ""},
    {Compression::kGzip, "gzip", "\x1f\x8b"},
    {Compression::kZstd, "zstd", "\x28\xb5\x2f\xfd"},
    {Compression::kXz, "xz",
     std::string_view("\xfd"
                      "7zXZ\0",
                      6)},
    {Compression::kBzip2, "bzip2", "BZh"},
}};

/// A zstd stream may begin with a skippable frame, 0x184D2A50 to 0x184D2A5F (RFC 8878, 3.1.2).
bool is_skippable_frame(std::span<const uint8_t> start) {
  return start.size() >= 4 && (start[0] & 0xf0) == 0x50 && start[1] == 0x2a && start[2] == 0x4d &&
         start[3] == 0x18;
}

}  // namespace

const char* compression_name(Compression compression) {
  for (const Kind& kind : kKinds) {
    if (kind.compression == compression) return kind.name;
  }
  return "";
}

std::optional<Compression> compression_named(std::string_view name) {
  for (const Kind& kind : kKinds) {
    if (kind.name == name) return kind.compression;
  }
  return std::nullopt;
}

Compression detect_compression(std::span<const uint8_t> start) {
  if (is_skippable_frame(start)) return Compression::kZstd;
  for (const Kind& kind : kKinds) {
    if (kind.magic.empty() || start.size() < kind.magic.size()) continue;
    const bool same = std::equal(kind.magic.begin(), kind.magic.end(), start.begin(),
                                 [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; });
    if (same) return kind.compression;
  }
  return Compression::kNone;
}

std::unique_ptr<Decompressor> make_decompressor(Compression compression, Refusal& refusal) {
  switch (compression) {
    case Compression::kGzip:
      return std::make_unique<Gunzip>(refusal);
    case Compression::kZstd:
      return std::make_unique<Unzstd>(refusal);
    case Compression::kXz:
      return std::make_unique<Unxz>(refusal);
    case Compression::kBzip2:
      return std::make_unique<Bunzip2>(refusal);
    case Compression::kNone:
      break;
  }
  return nullptr;
}

}  // namespace berth::sys
