// ChaCha20-Poly1305 (RFC 8439) for the records of a file: many messages under one key that only
// this file has, each with a number that no other message under the key has (its position). The
// number is the nonce, so that it costs no bytes and no randomness.
//
// OpenSSL's, since it is more than twice as fast as libsodium's on long messages. The working copy
// of the key lies in OpenSSL's own memory, which is wiped when this object is destroyed but is not
// locked: keep such an object no longer than it is needed. One object belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "crypto/crypto.h"

struct evp_cipher_ctx_st;

namespace bulkhead {

class RecordCipher {
 public:
  static constexpr size_t kOverheadBytes = 16;  // the tag, behind the ciphertext

  explicit RecordCipher(const SecretBytes& key32);

  // Writes plaintext.size() + kOverheadBytes to `box`. Messages have less than 2 GiB.
  void Encrypt(uint64_t number, std::string_view plaintext, std::string_view associated, char* box);

  // Writes box.size() - kOverheadBytes to `plaintext`. kCorruption: changed, of another number, of
  // another key or with other associated data; what was written then means nothing.
  Result<void> Decrypt(uint64_t number, std::string_view box, std::string_view associated,
                       char* plaintext);

 private:
  struct Closer {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  void Start(bool encrypt, uint64_t number, std::string_view associated);

  std::unique_ptr<evp_cipher_ctx_st, Closer> context_;
};

}  // namespace bulkhead
