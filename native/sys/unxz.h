// An .xz stream, of one or several streams with padding between them. Checks are verified.
#pragma once

#include <lzma.h>

#include "sys/decompressor.h"

namespace berth::sys {

class Unxz : public Decompressor {
 public:
  explicit Unxz(Refusal& refusal);
  ~Unxz() override;

  Result<size_t> inflate(std::span<const uint8_t>& input, std::span<uint8_t> output) override;
  Result<void> finish() override;

 private:
  Refusal& refusal_;
  lzma_stream stream_ = LZMA_STREAM_INIT;
  lzma_ret started_;
};

}  // namespace berth::sys
