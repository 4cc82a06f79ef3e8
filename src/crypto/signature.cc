#include "crypto/signature.h"

#include <sodium.h>

namespace bulkhead {

static_assert(kSignatureBytes == crypto_sign_BYTES);
static_assert(kKeyBytes == crypto_sign_SEEDBYTES);
static_assert(sizeof(PublicKey) == crypto_sign_PUBLICKEYBYTES);

SigningKey::SigningKey(const SecretBytes& seed32) : secret_(crypto_sign_SECRETKEYBYTES) {
  Check(seed32.size() == kKeyBytes, "a signing key needs 32 bytes of seed");
  InitCrypto();
  crypto_sign_seed_keypair(public_key_.data(), secret_.data(), seed32.data());
}

Signature SigningKey::Sign(std::string_view message) const {
  Signature signature;
  crypto_sign_detached(signature.data(), nullptr, reinterpret_cast<const uint8_t*>(message.data()),
                       message.size(), secret_.data());
  return signature;
}

bool VerifySignature(const PublicKey& key, std::string_view message, std::string_view signature) {
  InitCrypto();
  return signature.size() == kSignatureBytes &&
         crypto_sign_verify_detached(reinterpret_cast<const uint8_t*>(signature.data()),
                                     reinterpret_cast<const uint8_t*>(message.data()),
                                     message.size(), key.data()) == 0;
}

}  // namespace bulkhead
