#include "crypto/sealed_file.h"

#include "base/byte_codec.h"
#include "crypto/block_cipher.h"

namespace bulkhead {
namespace {

constexpr size_t kMagicBytes = 8;
constexpr size_t kHeadBytes =
    kMagicBytes + 1 + 3 + 4;  // magic, algorithm, zeros, number of the key
constexpr size_t kWrappedBytes = kAeadOverheadBytes + kKeyBytes;
constexpr std::string_view kWrapLabel = "bulkhead file key v1 ";

enum Block : uint8_t { kSecrets = 0, kBody = 1 };

// What the file's key is bound to; the blocks are bound to the head and that key.
std::string WrapLabel(std::string_view head, const SealedKind& kind) {
  return std::string(kWrapLabel).append(head).append(kind.owner);
}

std::string Label(std::string_view head, Block block, uint64_t file_bytes) {
  std::string label(head);
  ByteWriter writer(&label);
  writer.Byte(block);
  writer.Fixed(file_bytes);
  return label;
}

}  // namespace

std::string EncryptFile(const KeyRing& ring, const SealedKind& kind, const SecretBytes& secrets,
                        std::string_view body) {
  Check(kind.magic.size() == kMagicBytes, "a kind of file is named by eight bytes");
  const BlockCipher cipher(FastestBlockAlgorithm(), RandomSecret(kKeyBytes));
  std::string file(kind.magic);
  ByteWriter writer(&file);
  writer.Byte(static_cast<uint8_t>(cipher.algorithm()));
  writer.Raw(std::string_view("\0\0\0", 3));
  writer.Fixed(ring.newest().id);
  const std::string head = file;
  writer.Raw(AeadEncrypt(ring.newest().key, cipher.key().view(), WrapLabel(head, kind)));
  writer.Fixed(static_cast<uint64_t>(secrets.size()));
  const uint64_t file_bytes = file.size() + secrets.size() + body.size() + 2 * kBlockTagBytes;
  cipher.Encrypt(kSecrets, secrets.view(), Label(head, kSecrets, file_bytes), &file);
  cipher.Encrypt(kBody, body, Label(head, kBody, file_bytes), &file);
  return file;
}

Result<SealedFile> DecryptFile(const KeyRing& ring, const SealedKind& kind, std::string_view file) {
  const auto damaged = [](const char* what) { return Error{ErrorCode::kCorruption, what}; };
  if (kind.magic.size() != kMagicBytes || !file.starts_with(kind.magic)) {
    return damaged("file is of another kind or version");
  }
  ByteReader in(file);
  const std::string_view head = in.Raw(kHeadBytes);
  const std::string_view wrapped = in.Raw(kWrappedBytes);
  const auto secret_bytes = in.Fixed<uint64_t>();
  if (!in.ok() || in.remaining() < 2 * kBlockTagBytes ||
      secret_bytes > in.remaining() - 2 * kBlockTagBytes) {
    return damaged("file is cut off");
  }
  ByteReader fields(head.substr(kMagicBytes));
  const Result<BlockAlgorithm> algorithm = BlockAlgorithmOf(fields.Byte());
  if (!algorithm) return algorithm.error();
  if (fields.Raw(3) != std::string_view("\0\0\0", 3)) return damaged("header is malformed");
  SealedFile opened;
  opened.ring_key = fields.Fixed<uint32_t>();
  const Result<const SecretBytes*> ring_key = ring.Find(opened.ring_key);
  if (!ring_key) return ring_key.error();
  Result<SecretBytes> key = AeadDecrypt(**ring_key, wrapped, WrapLabel(head, kind));
  if (!key) return damaged("the file's key does not open: other store key or owner, or changed");
  const BlockCipher cipher(*algorithm, *std::move(key));
  const std::string_view secrets = in.Raw(secret_bytes + kBlockTagBytes);
  const std::string_view body = in.Raw(in.remaining());
  opened.secrets = SecretBytes(secret_bytes);
  Result<void> done = cipher.Decrypt(kSecrets, secrets, Label(head, kSecrets, file.size()),
                                     {opened.secrets.data(), opened.secrets.size()});
  if (!done) return done.error();
  opened.body.resize(body.size() - kBlockTagBytes);
  done = cipher.Decrypt(kBody, body, Label(head, kBody, file.size()),
                        {reinterpret_cast<uint8_t*>(opened.body.data()), opened.body.size()});
  if (!done) return done.error();
  return opened;
}

Result<uint32_t> RingKeyOf(const SealedKind& kind, std::string_view file) {
  if (kind.magic.size() != kMagicBytes || !file.starts_with(kind.magic) ||
      file.size() < kHeadBytes) {
    return Error{ErrorCode::kCorruption, "file is of another kind or version, or cut off"};
  }
  ByteReader number(file.substr(kHeadBytes - 4, 4));
  return number.Fixed<uint32_t>();
}

}  // namespace bulkhead
