// A zstd stream (RFC 8878) of one or several frames; skippable ones, in which zstd:chunked keeps its index, are passed over. Checksums
// are verified where frames have them.
#pragma once

#include "sys/decompressor.h"

struct ZSTD_DCtx_s;

namespace berth::sys {

class Unzstd : public Decompressor {
 public:
  explicit Unzstd(Refusal& refusal);
  ~Unzstd() override;

  Result<size_t> inflate(std::span<const uint8_t>& input, std::span<uint8_t> output) override;
  Result<void> finish() override;

 private:
  Refusal& refusal_;
  ZSTD_DCtx_s* context_;
  bool between_frames_ = false;
};

}  // namespace berth::sys
