// The cryptography of the product, and the only includer of libsodium and OpenSSL's crypto.
// docs/threat-model.md lists every construction with its key, nonce and associated data. Everything
// here is thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bulkhead {

inline constexpr size_t kKeyBytes = 32;
inline constexpr size_t kAeadOverheadBytes = 24 + 16;  // nonce before, tag behind
inline constexpr size_t kSealOverheadBytes = 48;       // ephemeral public key and tag

// Once per process before anything else here; further calls do nothing.
void InitCrypto();

// Key bytes and opened plaintext: in guarded pages (crypto/secret_memory.h) that is kept out of
// swap and core dumps where the system allows it, wiped when destroyed. Move-only; a moved-from one
// is empty.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(size_t size);  // zeros
  explicit SecretBytes(std::string_view bytes);
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] const uint8_t* data() const { return data_; }
  [[nodiscard]] uint8_t* data() { return data_; }
  [[nodiscard]] std::span<const uint8_t> bytes() const { return {data_, size_}; }
  // Valid while this object lives and is not moved from.
  [[nodiscard]] std::string_view view() const {
    return {reinterpret_cast<const char*>(data_), size_};
  }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// Overwrites the text, then empties it: for secrets that had to pass through a string.
void Wipe(std::string* text);

// HMAC-SHA256 cut to 128 or 64 bits: the same text always gives the same digest, and without the
// key nobody can tell which text a digest is of. The two key-dependent blocks are hashed once here.
class KeyedHash {
 public:
  explicit KeyedHash(const SecretBytes& key32);
  void Digest128(std::string_view text, uint8_t out[16]) const;
  [[nodiscard]] uint64_t Digest64(
      std::string_view text) const;  // the first eight bytes, little-endian
  void Digest256(std::string_view text, uint8_t out[32]) const;

 private:
  SecretBytes states_;  // inner and outer SHA-256 state
};

std::array<uint8_t, 32> Sha256(std::string_view text);

// HKDF-SHA256 (RFC 5869) with an empty salt; one 32-byte key per label.
SecretBytes DeriveKey(const SecretBytes& key, std::string_view label);

// An anonymous sealed box (X25519, XSalsa20-Poly1305): whoever has the public key can make one and
// not open it.
struct SealKeyPair {
  std::array<uint8_t, 32> public_key{};
  SecretBytes private_key;
};
SealKeyPair GenerateSealKeyPair();
std::string Seal(std::span<const uint8_t, 32> public_key, std::string_view plaintext);
Result<SecretBytes> Unseal(std::span<const uint8_t, 32> public_key, const SecretBytes& private_key,
                           std::string_view sealed);

// XChaCha20-Poly1305 with a random 24-byte nonce: the box is nonce, ciphertext, tag. `associated`
// is authenticated and not contained; a box opens only with the same key and the same associated
// data.
std::string AeadEncrypt(const SecretBytes& key32, std::string_view plaintext,
                        std::string_view associated);
Result<SecretBytes> AeadDecrypt(const SecretBytes& key32, std::string_view box,
                                std::string_view associated);

void RandomBytes(std::span<uint8_t> out);
SecretBytes RandomSecret(size_t size);
std::string RandomHex(size_t bytes);

// Time depends on the lengths only.
bool ConstantTimeEqual(std::string_view a, std::string_view b);

// Argon2id with libsodium's interactive parameters, as its own text form with a random salt. Fails
// where memory is short.
Result<std::string> HashPassword(std::string_view password);
bool VerifyPassword(const std::string& hash, std::string_view password);

}  // namespace bulkhead
