// SHA-256 of a stream (FIPS 180-4), by nettle, which uses the processor's SHA instructions.
#pragma once

#include <nettle/sha2.h>

#include <cstdint>
#include <span>
#include <string>

namespace berth::sys {

class Sha256 {
 public:
  Sha256() { sha256_init(&context_); }
  void update(std::span<const uint8_t> bytes) {
    sha256_update(&context_, bytes.size(), bytes.data());
  }
  /// The same as an `update` of each, in less time (sha256_pair.cc).
  static void update_both(Sha256& first, std::span<const uint8_t> of_first, Sha256& second,
                          std::span<const uint8_t> of_second);
  /// 64 lower-case hexadecimal digits; the object starts anew.
  std::string hex();

 private:
  /// Takes from `bytes` what completes a block that has begun.
  void complete_block(std::span<const uint8_t>& bytes);

  sha256_ctx context_;
};

}  // namespace berth::sys
