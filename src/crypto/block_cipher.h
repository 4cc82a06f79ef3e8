// Bulk encryption of files block by block: AES-256-GCM or ChaCha20-Poly1305 through OpenSSL, which
// is three times as fast as libsodium here. A cipher's key belongs to one file that is written
// once, and a block's number (its place in the file) is its nonce: so no nonce comes twice.
// Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/crypto.h"

namespace bulkhead {

inline constexpr size_t kBlockTagBytes = 16;

// Written in the header of what it protects; never another number for these.
enum class BlockAlgorithm : uint8_t { kAes256Gcm = 1, kChaCha20Poly1305 = 2 };

// AES where the processor has instructions for it, else ChaCha20: in software AES is slow and its
// time tells of the key.
BlockAlgorithm FastestBlockAlgorithm();

// kCorruption where the byte names none.
Result<BlockAlgorithm> BlockAlgorithmOf(uint8_t byte);

class BlockCipher {
 public:
  // 32 bytes of key.
  BlockCipher(BlockAlgorithm algorithm, SecretBytes key);

  [[nodiscard]] BlockAlgorithm algorithm() const { return algorithm_; }
  [[nodiscard]] const SecretBytes& key() const { return key_; }

  // Appends the ciphertext and its tag to `out`. A number may be used once with one key.
  void Encrypt(uint64_t number, std::string_view plaintext, std::string_view associated,
               std::string* out) const;

  // `plaintext` has room for exactly box.size() - kBlockTagBytes bytes. kCorruption where box,
  // number, associated data or key is another; the plaintext is then zeros.
  Result<void> Decrypt(uint64_t number, std::string_view box, std::string_view associated,
                       std::span<uint8_t> plaintext) const;

 private:
  BlockAlgorithm algorithm_;
  SecretBytes key_;
};

}  // namespace bulkhead
