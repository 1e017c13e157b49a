// A bzip2 stream of one or several streams. Checksums are verified.
#pragma once

#include <bzlib.h>

#include "sys/decompressor.h"

namespace berth::sys {

class Bunzip2 : public Decompressor {
 public:
  explicit Bunzip2(Refusal& refusal) : refusal_(refusal) {}
  ~Bunzip2() override;

  Result<size_t> inflate(std::span<const uint8_t>& input, std::span<uint8_t> output) override;
  Result<void> finish() override;

 private:
  Refusal& refusal_;
  bz_stream stream_{};
  bool open_ = false, any_stream_ = false;
};

}  // namespace berth::sys
