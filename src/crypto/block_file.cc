#include "crypto/block_file.h"

#include <utility>

#include "base/byte_codec.h"

namespace bulkhead {
namespace {

constexpr size_t kKindBytes = 8;
constexpr std::string_view kZeros{"\0\0\0\0\0\0\0", 7};

std::string MakeHead(std::string_view kind, BlockAlgorithm algorithm) {
  std::string head(kind);
  head.push_back(static_cast<char>(algorithm));
  head += kZeros;
  Check(head.size() == kBlockFileHeadBytes, "a kind of file is named by eight bytes");
  return head;
}

}  // namespace

BlockFile::BlockFile(std::string_view kind)
    : BlockFile(kind, FastestBlockAlgorithm(), RandomSecret(kKeyBytes)) {}

BlockFile::BlockFile(std::string_view kind, BlockAlgorithm algorithm, SecretBytes key)
    : head_(MakeHead(kind, algorithm)), cipher_(algorithm, std::move(key)) {}

Result<BlockFile> BlockFile::OfHead(std::string_view kind, std::string_view file,
                                    const SecretBytes& key) {
  if (file.size() < kBlockFileHeadBytes || !file.starts_with(kind) ||
      file.substr(kKindBytes + 1, kZeros.size()) != kZeros) {
    return Error{ErrorCode::kCorruption, "file is cut off, or of another kind or version"};
  }
  const Result<BlockAlgorithm> algorithm = BlockAlgorithmOf(static_cast<uint8_t>(file[kKindBytes]));
  if (!algorithm) return algorithm.error();
  return BlockFile(kind, *algorithm, SecretBytes(key.view()));
}

std::string BlockFile::Label(uint64_t file_bytes) const {
  std::string label = head_;
  ByteWriter(&label).Fixed(file_bytes);
  return label;
}

void BlockFile::Encrypt(uint64_t offset, std::string_view plaintext, uint64_t file_bytes,
                        std::string* out) const {
  cipher_.Encrypt(offset, plaintext, Label(file_bytes), out);
}

Result<void> BlockFile::Decrypt(uint64_t offset, std::string_view box, uint64_t file_bytes,
                                std::span<uint8_t> plaintext) const {
  return cipher_.Decrypt(offset, box, Label(file_bytes), plaintext);
}

}  // namespace bulkhead
