#include "store/segment_blocks.h"

#include <algorithm>
#include <cstring>

#include "base/byte_codec.h"
#include "base/crc32c.h"

namespace bulkhead {
namespace {

Error Damaged(const char* what) {
  return Error{ErrorCode::kCorruption, std::string("segment: ") + what};
}

}  // namespace

Result<SegmentBlocks> SegmentBlocks::Open(std::string_view file, const SecretBytes& key) {
  SegmentBlocks blocks;
  blocks.file_ = file;
  if (file.size() < kSegmentHead.size() ||
      file.substr(0, kSegmentHead.size() - 1) != kSegmentHead.substr(0, kSegmentHead.size() - 1)) {
    return Damaged("file is cut off or is no segment");
  }
  const bool plain = file.starts_with(kPlainSegmentHead);
  if (!plain && !file.starts_with(kSegmentHead)) {
    return Damaged("format version is not known to this program");
  }
  if (plain != key.empty()) {
    return Damaged(plain ? "a plain file in an encrypted one's place"
                         : "an encrypted file in a plain one's place");
  }
  if (!plain) {
    Result<BlockFile> cipher = BlockFile::OfHead(kSegmentHead, file, key);
    if (!cipher) return Damaged(cipher.error().message.c_str());
    blocks.cipher_.emplace(*std::move(cipher));
  }
  return blocks;
}

const SecretBytes& SegmentBlocks::key() const {
  static const SecretBytes none;
  return cipher_ ? cipher_->key() : none;
}

Result<SegmentFooter> SegmentBlocks::ReadFooter() const {
  const size_t trailer_bytes = cipher_ ? kSegmentTrailerBytes : kPlainSegmentTrailerBytes;
  const size_t head_bytes = cipher_ ? kBlockFileHeadBytes : kSegmentHead.size();
  if (file_.size() < head_bytes + trailer_bytes || !file_.ends_with(kSegmentTail)) {
    return Damaged("file is cut off or is no segment");
  }
  ByteReader trailer(file_.substr(file_.size() - trailer_bytes));
  const auto size = trailer.Fixed<uint32_t>();
  const size_t before = file_.size() - trailer_bytes;
  if (size > before - head_bytes) {
    return Damaged("footer does not fit the file");
  }
  const std::string_view footer = file_.substr(before - size, size);
  if (!cipher_) {
    if (Crc32c(footer) != trailer.Fixed<uint32_t>()) {
      return Damaged("footer checksum does not match");
    }
    return DecodeFooter(footer, before - size, SegmentForm::kPlain);
  }
  if (size < kBlockTagBytes) {
    return Damaged("footer does not fit the file");
  }
  std::string opened(size - kBlockTagBytes, '\0');
  Result<void> done = cipher_->Decrypt(before - size, footer, file_.size(),
                                       {reinterpret_cast<uint8_t*>(opened.data()), opened.size()});
  if (!done) return Damaged("footer does not open: changed, cut, or another file's key");
  return DecodeFooter(opened, before - size, SegmentForm::kEncrypted);
}

Result<std::string_view> SegmentBlocks::Read(const FileSection& section,
                                             std::string* scratch) const {
  if (!cipher_) {
    return CheckedBytes(file_, section.offset, section.size, section.crc);
  }
  scratch->resize(section.size - std::min<uint64_t>(section.size, kBlockTagBytes));
  Result<void> done =
      ReadInto(section, {reinterpret_cast<uint8_t*>(scratch->data()), scratch->size()});
  if (!done) return done.error();
  return std::string_view(*scratch);
}

Result<std::string_view> SegmentBlocks::Read(const BlockList::Block& block,
                                             std::string* scratch) const {
  return Read(FileSection{.offset = block.offset, .size = block.size, .crc = block.crc}, scratch);
}

Result<void> SegmentBlocks::ReadInto(const FileSection& section, std::span<uint8_t> out) const {
  if (!cipher_) {
    const Result<std::string_view> bytes =
        CheckedBytes(file_, section.offset, section.size, section.crc);
    if (!bytes) return bytes.error();
    Check(bytes->size() == out.size(), "room for a section");
    if (!out.empty()) std::memcpy(out.data(), bytes->data(), out.size());
    return {};
  }
  if (section.offset > file_.size() || section.size > file_.size() - section.offset ||
      section.size < kBlockTagBytes) {
    return Damaged("section outside the file");
  }
  if (!cipher_->Decrypt(section.offset, file_.substr(section.offset, section.size), 0, out)) {
    return Damaged("block does not open: changed, moved, or another file's key");
  }
  return {};
}

}  // namespace bulkhead
