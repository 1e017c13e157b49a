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
  /// 64 lower-case hexadecimal digits; the object starts anew.
  std::string hex();

 private:
  sha256_ctx context_;
};

}  // namespace berth::sys
