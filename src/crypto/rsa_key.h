// RSA signatures (RSASSA-PKCS1-v1_5 with SHA-256, RFC 8017) for what others can verify with no
// other kind: mail. OpenSSL holds the private key, which it wipes when freed. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/crypto.h"

namespace bulkhead {

class RsaKey {
 public:
  static constexpr int kMinBits = 2048;

  // Unencrypted PEM, PKCS#8 or PKCS#1. kInvalid: no RSA key, or one below kMinBits or above 8192.
  static Result<RsaKey> FromPem(const SecretBytes& pem);
  static Result<RsaKey> Generate(int bits = kMinBits);
  // A key of kMinBits in a form of one size, whatever its numbers are: PKCS#1 in DER, then zeros.
  static constexpr size_t kPaddedBytes = 1280;
  // kInvalid: not what ToPadded gives.
  static Result<RsaKey> FromPadded(const SecretBytes& padded);

  RsaKey(RsaKey&&) noexcept;
  RsaKey& operator=(RsaKey&&) noexcept;
  ~RsaKey();

  [[nodiscard]] Result<std::string> Sign(std::string_view message) const;
  // PKCS#8.
  [[nodiscard]] Result<SecretBytes> ToPem() const;
  // kInvalid: a larger key.
  [[nodiscard]] Result<SecretBytes> ToPadded() const;
  // SubjectPublicKeyInfo in DER.
  [[nodiscard]] Result<std::string> PublicKey() const;

 private:
  struct Handle;
  explicit RsaKey(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

// Of a SubjectPublicKeyInfo in DER.
bool VerifyRsaSignature(std::string_view public_key, std::string_view message,
                        std::string_view signature);

}  // namespace bulkhead
