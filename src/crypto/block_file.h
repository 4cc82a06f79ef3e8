// The encryption of a file that is written once, block by block (segments, people, the ledger):
// every block is encrypted under the file's own key with its place as the nonce, and bound to the
// file's head; the last one also to the file's whole size. So no block can be changed, moved, left
// out, or taken for one of another file or kind, and a cut file shows. The key stands in the
// manifest (docs/formats/manifest.md, docs/formats/ledger.md).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/block_cipher.h"

namespace bulkhead {

// Eight bytes of kind and version, the algorithm, seven zeros.
inline constexpr size_t kBlockFileHeadBytes = 16;

class BlockFile {
 public:
  // For a file that is about to be written, under a new random key.
  explicit BlockFile(std::string_view kind);
  // The same with what a test decides.
  BlockFile(std::string_view kind, BlockAlgorithm algorithm, SecretBytes key);
  // Of a file that is there; `key` is what the manifest says. kCorruption: the head is not one of
  // that kind.
  static Result<BlockFile> OfHead(std::string_view kind, std::string_view file,
                                  const SecretBytes& key);

  [[nodiscard]] const std::string& head() const { return head_; }
  [[nodiscard]] const SecretBytes& key() const { return cipher_.key(); }

  // Appends the block's bytes as they lie at `offset` of the file: kBlockTagBytes longer.
  // `file_bytes` is the size of the whole file with this block, for the last one; else 0.
  void Encrypt(uint64_t offset, std::string_view plaintext, uint64_t file_bytes,
               std::string* out) const;
  Result<void> Decrypt(uint64_t offset, std::string_view box, uint64_t file_bytes,
                       std::span<uint8_t> plaintext) const;

 private:
  [[nodiscard]] std::string Label(uint64_t file_bytes) const;

  std::string head_;
  BlockCipher cipher_;
};

}  // namespace bulkhead
