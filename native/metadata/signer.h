// HMAC-SHA512 (RFC 2104) by a key that is made here and leaves this process for nobody.
#pragma once

#include <nettle/hmac.h>

#include <string>
#include <string_view>

#include "sys/result.h"

namespace berth::metadata {

class Signer {
 public:
  Signer() = default;
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;

  sys::Result<void> make_key();
  /// In base64 (RFC 4648).
  std::string sign(std::string_view content);
  /// Takes as long for one that is nearly right as for any other.
  bool verify(std::string_view content, std::string_view signature);

 private:
  hmac_sha512_ctx context_ = {};
};

/// Whether two texts are the same, in a time that tells nothing of where they differ.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace berth::metadata
