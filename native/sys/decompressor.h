// Compressed streams of every kind that layers and archives of images come in, decoded piece by piece.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sys/refusal.h"

namespace berth::sys {

enum class Compression { kNone, kGzip, kZstd, kXz, kBzip2 };

/// `none`, `gzip`, `zstd`, `xz`, `bzip2`.
const char* compression_name(Compression compression);
std::optional<Compression> compression_named(std::string_view name);

/// What the first bytes of a stream say that it is; whatever they do not name is not compressed. Six bytes are enough.
Compression detect_compression(std::span<const uint8_t> start);

class Decompressor {
 public:
  Decompressor() = default;
  virtual ~Decompressor() = default;
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  /// Decodes from the front of `input`, which it shortens, into `output`; returns how many bytes
  /// it wrote. It comes back when either is used up. Refuses with BAD_COMPRESSION.
  virtual Result<size_t> inflate(std::span<const uint8_t>& input, std::span<uint8_t> output) = 0;
  /// After the last input: a stream that stops in its middle is refused with BAD_COMPRESSION.
  virtual Result<void> finish() = 0;
};

/// `compression` is not kNone.
std::unique_ptr<Decompressor> make_decompressor(Compression compression, Refusal& refusal);

}  // namespace berth::sys
