#include "sys/sha512.h"

namespace berth::sys {

std::string Sha512::hex() {
  static constexpr char kDigits[] = "0123456789abcdef";
  uint8_t digest[SHA512_DIGEST_SIZE];
  sha512_digest(&context_, sizeof digest, digest);
  std::string text;
  text.reserve(2 * sizeof digest);
  for (const uint8_t byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace berth::sys
