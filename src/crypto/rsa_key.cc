#include "crypto/rsa_key.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>

namespace bulkhead {
namespace {

constexpr int kMaxBits = 8192;
constexpr size_t kMaxPemBytes = 64UL * 1024;

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* thing) const {
    Free(thing);
  }
};
using Pkey = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;

// Instead of asking at the terminal.
int NoPassword(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) { return -1; }

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

Error Failed(const char* what) { return {ErrorCode::kBug, std::string("OpenSSL: ") + what}; }

}  // namespace

struct RsaKey::Handle {
  Pkey key;
};

RsaKey::RsaKey(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
RsaKey::RsaKey(RsaKey&&) noexcept = default;
RsaKey& RsaKey::operator=(RsaKey&&) noexcept = default;
RsaKey::~RsaKey() = default;

Result<RsaKey> RsaKey::FromPem(const SecretBytes& pem) {
  const Error refused{ErrorCode::kInvalid, "no unencrypted RSA key of 2048 to 8192 bits in PEM"};
  if (pem.size() > kMaxPemBytes) return refused;
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Pkey key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassword, nullptr) : nullptr);
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA ||
      EVP_PKEY_get_bits(key.get()) < kMinBits || EVP_PKEY_get_bits(key.get()) > kMaxBits) {
    return refused;
  }
  return RsaKey(std::make_unique<Handle>(Handle{std::move(key)}));
}

Result<RsaKey> RsaKey::Generate(int bits) {
  Check(bits >= kMinBits && bits <= kMaxBits, "an RSA key of 2048 to 8192 bits");
  Pkey key(EVP_RSA_gen(static_cast<unsigned>(bits)));
  if (!key) return Failed("no key was generated");
  return RsaKey(std::make_unique<Handle>(Handle{std::move(key)}));
}

Result<RsaKey> RsaKey::FromPadded(const SecretBytes& padded) {
  const Error refused{ErrorCode::kInvalid, "no padded RSA key"};
  if (padded.size() != kPaddedBytes) return refused;
  const uint8_t* at = padded.data();
  Pkey key(d2i_PrivateKey(EVP_PKEY_RSA, nullptr, &at, static_cast<long>(padded.size())));
  if (!key || EVP_PKEY_get_bits(key.get()) != kMinBits ||
      std::any_of(at, padded.data() + padded.size(), [](uint8_t byte) { return byte != 0; })) {
    return refused;
  }
  return RsaKey(std::make_unique<Handle>(Handle{std::move(key)}));
}

Result<SecretBytes> RsaKey::ToPadded() const {
  const int size = i2d_PrivateKey(handle_->key.get(), nullptr);
  if (size <= 0) return Failed("the key was not written");
  if (static_cast<size_t>(size) > kPaddedBytes) {
    return Error{ErrorCode::kInvalid, "an RSA key of another size"};
  }
  SecretBytes padded(kPaddedBytes);
  uint8_t* at = padded.data();
  if (i2d_PrivateKey(handle_->key.get(), &at) != size) return Failed("the key was not written");
  return padded;
}

Result<std::string> RsaKey::Sign(std::string_view message) const {
  const Digest digest(EVP_MD_CTX_new());
  std::string signature(static_cast<size_t>(EVP_PKEY_get_size(handle_->key.get())), '\0');
  size_t size = signature.size();
  // PKCS1 v1.5 is OpenSSL's padding where none is named.
  if (!digest ||
      EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, handle_->key.get()) != 1 ||
      EVP_DigestSign(digest.get(), reinterpret_cast<uint8_t*>(signature.data()), &size,
                     Bytes(message), message.size()) != 1) {
    return Failed("the message was not signed");
  }
  signature.resize(size);
  return signature;
}

Result<SecretBytes> RsaKey::ToPem() const {
  const Bio bio(BIO_new(BIO_s_secmem()));
  char* data = nullptr;
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), handle_->key.get(), nullptr, nullptr, 0,
                                            nullptr, nullptr) != 1) {
    return Failed("the key was not written");
  }
  const long size = BIO_get_mem_data(bio.get(), &data);
  return SecretBytes(std::string_view(data, static_cast<size_t>(size)));
}

Result<std::string> RsaKey::PublicKey() const {
  const int size = i2d_PUBKEY(handle_->key.get(), nullptr);
  if (size <= 0) return Failed("the public key was not written");
  std::string der(static_cast<size_t>(size), '\0');
  auto* out = reinterpret_cast<uint8_t*>(der.data());
  if (i2d_PUBKEY(handle_->key.get(), &out) != size) return Failed("the public key was not written");
  return der;
}

bool VerifyRsaSignature(std::string_view public_key, std::string_view message,
                        std::string_view signature) {
  if (public_key.size() > kMaxPemBytes) return false;
  const uint8_t* in = Bytes(public_key);
  const Pkey key(d2i_PUBKEY(nullptr, &in, static_cast<long>(public_key.size())));
  const Digest digest(EVP_MD_CTX_new());
  return key && EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_RSA && digest &&
         EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
         EVP_DigestVerify(digest.get(), Bytes(signature), signature.size(), Bytes(message),
                          message.size()) == 1;
}

}  // namespace bulkhead
