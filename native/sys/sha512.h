// SHA-512 of a stream (FIPS 180-4), by nettle: appc's image ids.
#pragma once

#include <nettle/sha2.h>

#include <cstdint>
#include <span>
#include <string>

namespace berth::sys {

class Sha512 {
 public:
  Sha512() { sha512_init(&context_); }
  void update(std::span<const uint8_t> bytes) {
    sha512_update(&context_, bytes.size(), bytes.data());
  }
  /// 128 lower-case hexadecimal digits; the object starts anew.
  std::string hex();

 private:
  sha512_ctx context_;
};

}  // namespace berth::sys
