#include "metadata/signer.h"

#include <nettle/base64.h>
#include <nettle/memops.h>
#include <sys/random.h>

#include <cstring>

namespace berth::metadata {

sys::Result<void> Signer::make_key() {
  uint8_t key[SHA512_DIGEST_SIZE];
  if (getrandom(key, sizeof key, 0) != sizeof key) return sys::last_error("getrandom");
  hmac_sha512_set_key(&context_, sizeof key, key);
  explicit_bzero(key, sizeof key);
  return {};
}

std::string Signer::sign(std::string_view content) {
  uint8_t digest[SHA512_DIGEST_SIZE];
  hmac_sha512_update(&context_, content.size(), reinterpret_cast<const uint8_t*>(content.data()));
  hmac_sha512_digest(&context_, sizeof digest, digest);
  std::string text(BASE64_ENCODE_RAW_LENGTH(sizeof digest), '\0');
  base64_encode_raw(text.data(), sizeof digest, digest);
  return text;
}

bool Signer::verify(std::string_view content, std::string_view signature) {
  return same_secret(sign(content), signature);
}

bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && memeql_sec(a.data(), b.data(), a.size()) != 0;
}

}  // namespace berth::metadata
