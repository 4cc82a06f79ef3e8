// Ed25519 signatures (RFC 8032): deterministic, so that the same key signs the same text to the
// same bytes. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "crypto/crypto.h"

namespace bulkhead {

inline constexpr size_t kSignatureBytes = 64;

using PublicKey = std::array<uint8_t, 32>;
using Signature = std::array<uint8_t, kSignatureBytes>;

class SigningKey {
 public:
  explicit SigningKey(const SecretBytes& seed32);

  [[nodiscard]] const PublicKey& public_key() const { return public_key_; }
  [[nodiscard]] Signature Sign(std::string_view message) const;

 private:
  SecretBytes secret_;  // libsodium's form: seed and public key
  PublicKey public_key_{};
};

// False for a signature of any other length, a non-canonical one, and keys of small order.
bool VerifySignature(const PublicKey& key, std::string_view message, std::string_view signature);

}  // namespace bulkhead
