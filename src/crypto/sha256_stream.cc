// The functions are deprecated in OpenSSL 3, for what crypto.cc says.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/sha256_stream.h"

#include <openssl/sha.h>

namespace bulkhead {
namespace {

SHA256_CTX* ContextIn(std::array<uint8_t, 112>* state) {
  static_assert(sizeof(SHA256_CTX) <= sizeof(*state) && alignof(SHA256_CTX) <= 8);
  return reinterpret_cast<SHA256_CTX*>(state->data());
}

}  // namespace

Sha256Stream::Sha256Stream() { SHA256_Init(ContextIn(&state_)); }

void Sha256Stream::Add(std::string_view piece) {
  SHA256_Update(ContextIn(&state_), piece.data(), piece.size());
}

std::array<uint8_t, 32> Sha256Stream::Digest() const {
  Sha256Stream copy = *this;
  std::array<uint8_t, 32> digest;
  SHA256_Final(digest.data(), ContextIn(&copy.state_));
  return digest;
}

}  // namespace bulkhead
