// The SHA-256 functions that let a hashing state be copied are deprecated in OpenSSL 3 and have no
// equal there: the EVP ones allocate and look the algorithm up, which costs more than the hashing
// of an identifier does.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/crypto.h"

#include <openssl/sha.h>
#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/hex.h"
#include "crypto/secret_memory.h"

namespace bulkhead {
namespace {

static_assert(kKeyBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
static_assert(kAeadOverheadBytes == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES +
                                        crypto_aead_xchacha20poly1305_ietf_ABYTES);
static_assert(kSealOverheadBytes == crypto_box_SEALBYTES);
static_assert(SHA256_DIGEST_LENGTH == 32 && SHA256_CBLOCK == 64);

constexpr size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}
uint8_t* Bytes(std::string* text) { return reinterpret_cast<uint8_t*>(text->data()); }

void StartWithPad(const SecretBytes& key, uint8_t pad, SHA256_CTX* state) {
  uint8_t block[SHA256_CBLOCK];
  std::memset(block, pad, sizeof(block));
  for (size_t i = 0; i < key.size(); ++i) {
    block[i] = static_cast<uint8_t>(block[i] ^ key.data()[i]);
  }
  SHA256_Init(state);
  SHA256_Update(state, block, sizeof(block));
  sodium_memzero(block, sizeof(block));
}

}  // namespace

void InitCrypto() {
  // sodium_init is itself safe to call from several threads, and often.
  Check(sodium_init() >= 0, "libsodium finds no randomness on this machine");
}

SecretBytes::SecretBytes(size_t size)
    : data_(size == 0 ? nullptr : AllocateSecret(size)), size_(size) {}

SecretBytes::SecretBytes(std::string_view bytes) : SecretBytes(bytes.size()) {
  if (!bytes.empty()) {
    std::memcpy(data_, bytes.data(), bytes.size());
  }
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    FreeSecret(data_, size_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

SecretBytes::~SecretBytes() { FreeSecret(data_, size_); }

void Wipe(std::string* text) {
  text->resize(text->capacity());  // what lies behind the end may be left from longer content
  sodium_memzero(text->data(), text->size());
  text->clear();
}

KeyedHash::KeyedHash(const SecretBytes& key32) : states_(2 * sizeof(SHA256_CTX)) {
  Check(key32.size() == kKeyBytes, "a keyed hash needs 32 bytes of key");
  SHA256_CTX state;
  StartWithPad(key32, 0x36, &state);
  std::memcpy(states_.data(), &state, sizeof(state));
  StartWithPad(key32, 0x5C, &state);
  std::memcpy(states_.data() + sizeof(state), &state, sizeof(state));
  sodium_memzero(&state, sizeof(state));
}

void KeyedHash::Digest256(std::string_view text, uint8_t out[32]) const {
  SHA256_CTX state;
  std::memcpy(&state, states_.data(), sizeof(state));
  SHA256_Update(&state, text.data(), text.size());
  uint8_t inner[SHA256_DIGEST_LENGTH];
  SHA256_Final(inner, &state);
  std::memcpy(&state, states_.data() + sizeof(state), sizeof(state));
  SHA256_Update(&state, inner, sizeof(inner));
  SHA256_Final(out, &state);
  sodium_memzero(&state, sizeof(state));  // the digest too may be a key
  sodium_memzero(inner, sizeof(inner));
}

void KeyedHash::Digest128(std::string_view text, uint8_t out[16]) const {
  uint8_t digest[32];
  Digest256(text, digest);
  std::memcpy(out, digest, 16);
}

uint64_t KeyedHash::Digest64(std::string_view text) const {
  uint8_t digest[32];
  Digest256(text, digest);
  uint64_t first = 0;
  std::memcpy(&first, digest, sizeof(first));
  return first;
}

std::array<uint8_t, 32> Sha256(std::string_view text) {
  // Not SHA256(): it looks the algorithm up each time, which takes eight times as long as hashing
  // 64 bytes does.
  SHA256_CTX state;
  SHA256_Init(&state);
  SHA256_Update(&state, text.data(), text.size());
  std::array<uint8_t, 32> digest;
  SHA256_Final(digest.data(), &state);
  return digest;
}

SecretBytes DeriveKey(const SecretBytes& key, std::string_view label) {
  const SecretBytes no_salt(kKeyBytes);
  SecretBytes extracted(kKeyBytes);
  KeyedHash(no_salt).Digest256(key.view(), extracted.data());
  std::string first_block(label);
  first_block.push_back('\x01');
  SecretBytes derived(kKeyBytes);
  KeyedHash(extracted).Digest256(first_block, derived.data());
  return derived;
}

SealKeyPair GenerateSealKeyPair() {
  InitCrypto();
  SealKeyPair pair;
  pair.private_key = SecretBytes(crypto_box_SECRETKEYBYTES);
  crypto_box_keypair(pair.public_key.data(), pair.private_key.data());
  return pair;
}

std::string Seal(std::span<const uint8_t, 32> public_key, std::string_view plaintext) {
  std::string sealed(plaintext.size() + kSealOverheadBytes, '\0');
  const int failed =
      crypto_box_seal(Bytes(&sealed), Bytes(plaintext), plaintext.size(), public_key.data());
  Check(failed == 0, "the vault's public key is not a point that can be sealed to");
  return sealed;
}

Result<SecretBytes> Unseal(std::span<const uint8_t, 32> public_key, const SecretBytes& private_key,
                           std::string_view sealed) {
  Check(private_key.size() == crypto_box_SECRETKEYBYTES, "the private key has 32 bytes");
  if (sealed.size() < kSealOverheadBytes) {
    return Error{ErrorCode::kCorruption, "a sealed box is shorter than its overhead"};
  }
  SecretBytes plaintext(sealed.size() - kSealOverheadBytes);
  if (crypto_box_seal_open(plaintext.data(), Bytes(sealed), sealed.size(), public_key.data(),
                           private_key.data()) != 0) {
    return Error{ErrorCode::kCorruption, "a sealed box does not open with the vault's key"};
  }
  return plaintext;
}

std::string AeadEncrypt(const SecretBytes& key32, std::string_view plaintext,
                        std::string_view associated) {
  Check(key32.size() == kKeyBytes, "encryption needs 32 bytes of key");
  std::string box(kNonceBytes, '\0');
  randombytes_buf(box.data(), kNonceBytes);
  box.resize(plaintext.size() + kAeadOverheadBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(Bytes(&box) + kNonceBytes, nullptr, Bytes(plaintext),
                                             plaintext.size(), Bytes(associated), associated.size(),
                                             nullptr, Bytes(box), key32.data());
  return box;
}

Result<SecretBytes> AeadDecrypt(const SecretBytes& key32, std::string_view box,
                                std::string_view associated) {
  Check(key32.size() == kKeyBytes, "decryption needs 32 bytes of key");
  if (box.size() < kAeadOverheadBytes) {
    return Error{ErrorCode::kCorruption, "an encrypted value is shorter than its overhead"};
  }
  SecretBytes plaintext(box.size() - kAeadOverheadBytes);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          plaintext.data(), nullptr, nullptr, Bytes(box) + kNonceBytes, box.size() - kNonceBytes,
          Bytes(associated), associated.size(), Bytes(box), key32.data()) != 0) {
    return Error{ErrorCode::kCorruption, "an encrypted value does not open: changed, or other key"};
  }
  return plaintext;
}

void RandomBytes(std::span<uint8_t> out) {
  InitCrypto();
  randombytes_buf(out.data(), out.size());
}

SecretBytes RandomSecret(size_t size) {
  SecretBytes secret(size);
  randombytes_buf(secret.data(), size);
  return secret;
}

std::string RandomHex(size_t bytes) {
  const SecretBytes random = RandomSecret(bytes);
  return HexEncode(random.bytes());
}

bool ConstantTimeEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

Result<std::string> HashPassword(std::string_view password) {
  InitCrypto();
  char hash[crypto_pwhash_STRBYTES];
  if (crypto_pwhash_str_alg(hash, password.data(), password.size(),
                            crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return Error{ErrorCode::kUnavailable, "not enough memory to hash a secret"};
  }
  return std::string(hash);
}

bool VerifyPassword(const std::string& hash, std::string_view password) {
  if (hash.size() >= crypto_pwhash_STRBYTES) {
    return false;
  }
  // The function reads a buffer of its full size.
  std::array<char, crypto_pwhash_STRBYTES> text{};
  std::copy(hash.begin(), hash.end(), text.begin());
  return crypto_pwhash_str_verify(text.data(), password.data(), password.size()) == 0;
}

}  // namespace bulkhead
