#include "store/segment_format.h"

#include <algorithm>

#include "base/byte_codec.h"
#include "base/crc32c.h"
#include "crypto/block_cipher.h"

namespace bulkhead {
namespace {

Error Damaged(const char* what) {
  return Error{ErrorCode::kCorruption, std::string("segment: ") + what};
}

void PutSection(const FileSection& section, ByteWriter* out) {
  out->Varint(section.offset);
  out->Varint(section.size);
}

void PutBlocks(const BlockList& list, ByteWriter* out) {
  out->Varint(list.blocks.size());
  if (!list.blocks.empty()) {
    out->Varint(list.blocks[0].offset);
  }
  for (const BlockList::Block& block : list.blocks) {
    out->Varint(block.size);
  }
}

// Collects the first thing that is wrong, so that the reading itself stays a plain list.
class FooterReader {
 public:
  FooterReader(std::string_view bytes, uint64_t file_size, SegmentForm form)
      : in_(bytes), file_size_(file_size), plain_(form == SegmentForm::kPlain) {}

  FileSection Section() {
    FileSection section;
    section.offset = in_.Varint();
    section.size = in_.Varint();
    section.crc = Checksum();
    RequireInside(section.offset, section.size);
    return section;
  }

  // `count` blocks, or none where `optional`.
  BlockList Blocks(size_t count, bool optional) {
    BlockList list;
    const uint64_t stored = in_.Varint();
    if (stored != count && !(optional && stored == 0)) {
      ok_ = false;
    }
    if (!ok_ || stored == 0 || stored > in_.remaining()) {
      ok_ = ok_ && stored == 0;
      return list;
    }
    uint64_t offset = in_.Varint();
    for (uint64_t i = 0; i < stored && ok_; ++i) {
      const uint64_t size = in_.Varint();
      RequireInside(offset, size);
      if (size > UINT32_MAX) {
        ok_ = false;
      }
      list.blocks.push_back({offset, static_cast<uint32_t>(size), Checksum()});
      offset += size;
    }
    return list;
  }

  void Require(bool condition) { ok_ = ok_ && condition; }
  // The section holds exactly so many bytes.
  void RequireBytes(const FileSection& section, uint64_t bytes) {
    Require(section.size == bytes + (plain_ ? 0 : kBlockTagBytes));
  }
  [[nodiscard]] bool ok() const { return ok_ && in_.ok(); }
  ByteReader& in() { return in_; }

 private:
  uint32_t Checksum() { return plain_ ? in_.Fixed<uint32_t>() : 0; }
  void RequireInside(uint64_t offset, uint64_t size) {
    Require(offset <= file_size_ && size <= file_size_ - offset);
  }
  ByteReader in_;
  uint64_t file_size_;
  bool plain_;
  bool ok_ = true;
};

ColumnEntry ReadColumn(FooterReader* reader, uint64_t rows) {
  ColumnEntry column;
  column.name = std::string(reader->in().String());
  const uint64_t largest = reader->in().Varint();
  reader->Require(largest <= UINT32_MAX);
  column.largest_code = static_cast<uint32_t>(largest);
  column.constant = reader->in().Byte() != 0;
  column.dictionary = reader->Section();
  column.codes = reader->Blocks(column.constant ? 0 : BlocksFor(rows), false);
  return column;
}

}  // namespace

void EncodeFooter(const SegmentFooter& footer, std::string* out) {
  ByteWriter writer(out);
  const SegmentInfo& info = footer.info;
  writer.Varint(info.rows);
  writer.Varint(info.persons);
  writer.Fixed(info.first_ms);
  writer.Fixed(info.last_ms);
  writer.Varint(info.seq_base);
  writer.Varint(info.seq_span);
  writer.Varint(info.links_applied);
  writer.Byte(footer.narrow_times ? 1 : 0);
  writer.Fixed(footer.time_base_ms);
  writer.Fixed(footer.time_unit_ms);
  PutSection(footer.person_ids, &writer);
  PutBlocks(footer.person_rows, &writer);
  PutBlocks(footer.times, &writer);
  PutBlocks(footer.ranks, &writer);
  PutSection(footer.fingerprints, &writer);
  writer.Varint(footer.columns.size());
  for (const ColumnEntry& column : footer.columns) {
    writer.String(column.name);
    writer.Varint(column.largest_code);
    writer.Byte(column.constant ? 1 : 0);
    PutSection(column.dictionary, &writer);
    PutBlocks(column.codes, &writer);
  }
}

Result<SegmentFooter> DecodeFooter(std::string_view bytes, uint64_t file_size, SegmentForm form) {
  FooterReader reader(bytes, file_size, form);
  SegmentFooter footer;
  SegmentInfo& info = footer.info;
  const uint64_t rows = reader.in().Varint();
  const uint64_t persons = reader.in().Varint();
  reader.Require(rows <= kMaxSegmentRows && persons <= rows && (rows == 0) == (persons == 0));
  if (!reader.ok()) {
    return Damaged("impossible number of rows or persons");
  }
  info.rows = static_cast<uint32_t>(rows);
  info.persons = static_cast<uint32_t>(persons);
  info.first_ms = reader.in().Fixed<int64_t>();
  info.last_ms = reader.in().Fixed<int64_t>();
  info.seq_base = reader.in().Varint();
  info.seq_span = reader.in().Varint();
  reader.Require(info.seq_base <= UINT64_MAX / 2 && info.seq_span <= UINT64_MAX / 2);
  info.links_applied = reader.in().Varint();
  footer.narrow_times = reader.in().Byte() != 0;
  footer.time_base_ms = reader.in().Fixed<int64_t>();
  footer.time_unit_ms = reader.in().Fixed<int64_t>();
  reader.Require(footer.time_unit_ms >= 1 && footer.time_unit_ms <= INT32_MAX);
  footer.person_ids = reader.Section();
  reader.RequireBytes(footer.person_ids, persons * sizeof(SubjectId));
  footer.person_rows = reader.Blocks(BlocksFor(persons), false);
  footer.times = reader.Blocks(BlocksFor(rows), false);
  footer.ranks = reader.Blocks(BlocksFor(rows), true);
  footer.fingerprints = reader.Section();
  if (footer.fingerprints.size != 0) {
    reader.RequireBytes(footer.fingerprints, rows * FingerprintArray::kBytes);
  }
  const size_t columns = reader.in().Count();
  for (size_t i = 0; i < columns && reader.ok(); ++i) {
    footer.columns.push_back(ReadColumn(&reader, rows));
    reader.Require(i <= kFirstPropertyColumn ||
                   footer.columns[i - 1].name < footer.columns[i].name);
  }
  if (!reader.ok() || !reader.in().AtEnd() || columns < kFirstPropertyColumn) {
    return Damaged("footer is malformed");
  }
  return footer;
}

Result<std::string_view> CheckedBytes(std::string_view file, uint64_t offset, uint64_t size,
                                      uint32_t crc) {
  if (offset > file.size() || size > file.size() - offset) {
    return Damaged("section outside the file");
  }
  const std::string_view bytes = file.substr(offset, size);
  if (Crc32c(bytes) != crc) {
    return Damaged("checksum does not match");
  }
  return bytes;
}

}  // namespace bulkhead
