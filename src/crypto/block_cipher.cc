#include "crypto/block_cipher.h"

#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace bulkhead {
namespace {

constexpr size_t kNonceBytes = 12;
constexpr size_t kMaxStep = 1UL << 30;  // OpenSSL counts in int

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

// Looked up once: a look-up costs more than encrypting a small block.
const EVP_CIPHER* CipherOf(BlockAlgorithm algorithm) {
  static EVP_CIPHER* const aes = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  static EVP_CIPHER* const chacha = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  EVP_CIPHER* const cipher = algorithm == BlockAlgorithm::kAes256Gcm ? aes : chacha;
  Check(cipher != nullptr, "OpenSSL lacks a cipher that every build of it has");
  return cipher;
}

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

// Key, nonce and associated data set; for both directions.
Context Begin(const BlockCipher& cipher, uint64_t number, std::string_view associated,
              bool encrypt) {
  uint8_t nonce[kNonceBytes] = {};
  std::memcpy(nonce, &number, sizeof(number));
  Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  Check(context != nullptr, "no memory for a cipher");
  int size = 0;
  Check(EVP_CipherInit_ex2(context.get(), CipherOf(cipher.algorithm()), cipher.key().data(), nonce,
                           encrypt ? 1 : 0, nullptr) == 1,
        "a cipher takes its key");
  Check(EVP_CipherUpdate(context.get(), nullptr, &size, Bytes(associated),
                         static_cast<int>(associated.size())) == 1,
        "a cipher takes associated data");
  return context;
}

void Run(EVP_CIPHER_CTX* context, std::string_view in, uint8_t* out) {
  while (!in.empty()) {
    const size_t step = std::min(in.size(), kMaxStep);
    int size = 0;
    Check(EVP_CipherUpdate(context, out, &size, Bytes(in), static_cast<int>(step)) == 1 &&
              static_cast<size_t>(size) == step,
          "a stream cipher gives what it takes");
    in.remove_prefix(step);
    out += step;
  }
}

}  // namespace

BlockAlgorithm FastestBlockAlgorithm() {
  InitCrypto();
  return crypto_aead_aes256gcm_is_available() != 0 ? BlockAlgorithm::kAes256Gcm
                                                   : BlockAlgorithm::kChaCha20Poly1305;
}

Result<BlockAlgorithm> BlockAlgorithmOf(uint8_t byte) {
  if (byte != static_cast<uint8_t>(BlockAlgorithm::kAes256Gcm) &&
      byte != static_cast<uint8_t>(BlockAlgorithm::kChaCha20Poly1305)) {
    return Error{ErrorCode::kCorruption, "cipher is not known to this program"};
  }
  return static_cast<BlockAlgorithm>(byte);
}

BlockCipher::BlockCipher(BlockAlgorithm algorithm, SecretBytes key)
    : algorithm_(algorithm), key_(std::move(key)) {
  Check(key_.size() == kKeyBytes, "a block cipher needs 32 bytes of key");
}

void BlockCipher::Encrypt(uint64_t number, std::string_view plaintext, std::string_view associated,
                          std::string* out) const {
  const Context context = Begin(*this, number, associated, true);
  const size_t at = out->size();
  out->resize(at + plaintext.size() + kBlockTagBytes);
  auto* const box = reinterpret_cast<uint8_t*>(out->data()) + at;
  Run(context.get(), plaintext, box);
  uint8_t* const tag = box + plaintext.size();
  int size = 0;
  Check(EVP_CipherFinal_ex(context.get(), tag, &size) == 1 && size == 0 &&
            EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kBlockTagBytes, tag) == 1,
        "a cipher gives its tag");
}

Result<void> BlockCipher::Decrypt(uint64_t number, std::string_view box,
                                  std::string_view associated, std::span<uint8_t> plaintext) const {
  if (box.size() < kBlockTagBytes) {
    return Error{ErrorCode::kCorruption, "an encrypted block is shorter than its tag"};
  }
  Check(plaintext.size() == box.size() - kBlockTagBytes, "room for what is decrypted");
  const Context context = Begin(*this, number, associated, false);
  Run(context.get(), box.substr(0, plaintext.size()), plaintext.data());
  uint8_t tag[kBlockTagBytes];
  std::memcpy(tag, box.data() + plaintext.size(), sizeof(tag));
  uint8_t none[1];
  int size = 0;
  if (EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kBlockTagBytes, tag) != 1 ||
      EVP_CipherFinal_ex(context.get(), none, &size) != 1) {
    std::fill(plaintext.begin(), plaintext.end(), uint8_t{0});
    return Error{ErrorCode::kCorruption, "an encrypted block does not open: changed, or other key"};
  }
  return {};
}

}  // namespace bulkhead
