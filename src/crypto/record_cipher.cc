#include "crypto/record_cipher.h"

#include <openssl/evp.h>

#include <array>
#include <climits>

#include "base/check.h"

namespace bulkhead {
namespace {

constexpr size_t kNonceBytes = 12;

const EVP_CIPHER* Cipher() {
  // Looked up once and kept: looking up costs more than encrypting a small record.
  static const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  Check(cipher != nullptr, "OpenSSL has ChaCha20-Poly1305");
  return cipher;
}

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}
uint8_t* Bytes(char* text) { return reinterpret_cast<uint8_t*>(text); }

}  // namespace

void RecordCipher::Closer::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);  // wipes
}

RecordCipher::RecordCipher(const SecretBytes& key32) : context_(EVP_CIPHER_CTX_new()) {
  Check(key32.size() == kKeyBytes, "encryption needs 32 bytes of key");
  const bool ready =
      context_ != nullptr &&
      EVP_CipherInit_ex2(context_.get(), Cipher(), key32.data(), nullptr, 1, nullptr) == 1;
  Check(ready, "OpenSSL has memory for a cipher");
}

void RecordCipher::Start(bool encrypt, uint64_t number, std::string_view associated) {
  std::array<uint8_t, kNonceBytes> nonce{};
  for (size_t i = 0; i < sizeof(number); ++i) {
    nonce[kNonceBytes - sizeof(number) + i] = static_cast<uint8_t>(number >> (8 * i));
  }
  int written = 0;
  const bool started = EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, nonce.data(),
                                          encrypt ? 1 : 0, nullptr) == 1 &&
                       EVP_CipherUpdate(context_.get(), nullptr, &written, Bytes(associated),
                                        static_cast<int>(associated.size())) == 1;
  Check(started, "OpenSSL starts a message");
}

void RecordCipher::Encrypt(uint64_t number, std::string_view plaintext, std::string_view associated,
                           char* box) {
  Check(plaintext.size() <= INT_MAX && associated.size() <= INT_MAX, "messages are below 2 GiB");
  Start(true, number, associated);
  int written = 0;
  int rest = 0;
  const bool done = EVP_CipherUpdate(context_.get(), Bytes(box), &written, Bytes(plaintext),
                                     static_cast<int>(plaintext.size())) == 1 &&
                    EVP_CipherFinal_ex(context_.get(), Bytes(box) + written, &rest) == 1 &&
                    static_cast<size_t>(written + rest) == plaintext.size() &&
                    EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, int{kOverheadBytes},
                                        box + plaintext.size()) == 1;
  Check(done, "OpenSSL encrypts");
}

Result<void> RecordCipher::Decrypt(uint64_t number, std::string_view box,
                                   std::string_view associated, char* plaintext) {
  Check(box.size() <= INT_MAX && associated.size() <= INT_MAX, "messages are below 2 GiB");
  if (box.size() < kOverheadBytes) {
    return Error{ErrorCode::kCorruption, "an encrypted record is shorter than its overhead"};
  }
  Start(false, number, associated);
  const size_t size = box.size() - kOverheadBytes;
  std::array<char, kOverheadBytes> tag{};
  box.substr(size).copy(tag.data(), tag.size());
  int written = 0;
  int rest = 0;
  const bool opened = EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG,
                                          int{kOverheadBytes}, tag.data()) == 1 &&
                      EVP_CipherUpdate(context_.get(), Bytes(plaintext), &written, Bytes(box),
                                       static_cast<int>(size)) == 1 &&
                      EVP_CipherFinal_ex(context_.get(), Bytes(plaintext) + written, &rest) == 1;
  if (!opened) {
    return Error{ErrorCode::kCorruption, "an encrypted record does not open"};
  }
  return {};
}

}  // namespace bulkhead
