#include "store/segment_writer.h"

#include <algorithm>
#include <vector>

#include "base/byte_codec.h"

namespace bulkhead {

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::Create(FileSystem& fs,
                                                             const std::string& path,
                                                             const SegmentInfo& info,
                                                             BlockFile cipher) {
  std::unique_ptr<SegmentWriter> writer(new SegmentWriter(info, std::move(cipher)));
  if (fs.Exists(path)) {  // left over from a write that failed
    if (Result<void> removed = fs.Remove(path); !removed) {
      return removed.error();
    }
  }
  Result<std::unique_ptr<AppendFile>> file = fs.OpenAppend(path);
  if (!file) {
    return file.error();
  }
  writer->file_ = std::move(*file);
  if (Result<void> done = writer->Append(writer->cipher_.head()); !done) {
    return done.error();
  }
  return writer;
}

Result<void> SegmentWriter::Append(std::string_view bytes) {
  size_ += bytes.size();
  return file_->Append(bytes);
}

Result<FileSection> SegmentWriter::AppendSection(std::string_view bytes) {
  box_.clear();
  cipher_.Encrypt(size_, bytes, 0, &box_);
  const FileSection section{.offset = size_, .size = box_.size()};
  if (Result<void> done = Append(box_); !done) {
    return done.error();
  }
  return section;
}

Result<void> SegmentWriter::AppendBlock(std::string_view bytes, BlockList* list) {
  box_.clear();
  cipher_.Encrypt(size_, bytes, 0, &box_);
  list->blocks.push_back({size_, static_cast<uint32_t>(box_.size()), 0});
  return Append(box_);
}

template <typename At>
Result<void> SegmentWriter::AppendCodes(uint32_t rows, At at, bool with_events, BlockList* list) {
  std::vector<uint32_t> codes;
  std::vector<uint32_t> events;
  std::string block;
  for (uint32_t begin = 0; begin < rows; begin += kBlockRows) {
    const uint32_t end = std::min(rows, begin + kBlockRows);
    codes.clear();
    events.clear();
    for (uint32_t row = begin; row < end; ++row) {
      codes.push_back(at(row));
    }
    if (with_events) {
      const CodeView view = events_->view();
      for (uint32_t row = begin; row < end; ++row) {
        events.push_back(view[row]);
      }
    }
    block.clear();
    EncodeCodes(codes, events, &block);
    if (Result<void> done = AppendBlock(block, list); !done) {
      return done;
    }
  }
  return {};
}

Result<void> SegmentWriter::Persons(std::span<const SubjectId> ids,
                                    std::span<const uint32_t> starts) {
  const std::string_view bytes(reinterpret_cast<const char*>(ids.data()), ids.size_bytes());
  Result<FileSection> section = AppendSection(bytes);
  if (!section) {
    return section.error();
  }
  footer_.person_ids = *section;
  return AppendCodes(
      static_cast<uint32_t>(ids.size()),
      [&](uint32_t person) { return starts[person + 1] - starts[person] - 1; }, false,
      &footer_.person_rows);
}

Result<void> SegmentWriter::Times(const TimeView& times) {
  const uint32_t rows = footer_.info.rows;
  const bool narrow = times.offsets() != nullptr || rows == 0;
  footer_.narrow_times = narrow;
  footer_.time_base_ms = times.base_ms();
  footer_.time_unit_ms = times.unit_ms();
  std::vector<uint64_t> offsets;
  std::string block;
  for (uint32_t begin = 0; begin < rows; begin += kBlockRows) {
    offsets.clear();
    for (uint32_t row = begin; row < std::min(rows, begin + kBlockRows); ++row) {
      offsets.push_back(narrow ? times.offsets()[row]
                               : static_cast<uint64_t>(times.times_ms()[row]));
    }
    block.clear();
    EncodeTimes(offsets, narrow, &block);
    if (Result<void> done = AppendBlock(block, &footer_.times); !done) {
      return done;
    }
  }
  return {};
}

Result<void> SegmentWriter::Ranks(const CodeView& ranks) {
  bool all_zero = true;
  for (uint32_t row = 0; row < footer_.info.rows && all_zero; ++row) {
    all_zero = ranks[row] == 0;
  }
  if (all_zero) {
    return {};
  }
  return AppendCodes(
      footer_.info.rows, [&](uint32_t row) { return ranks[row]; }, false, &footer_.ranks);
}

Result<void> SegmentWriter::Fingerprints(const FingerprintArray& fingerprints) {
  if (fingerprints.AllZero()) {
    return {};
  }
  const std::span<const uint8_t> bytes = fingerprints.bytes();
  Result<FileSection> section =
      AppendSection({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!section) {
    return section.error();
  }
  footer_.fingerprints = *section;
  return {};
}

Result<void> SegmentWriter::Column(const ColumnData& column) {
  const uint32_t rows = footer_.info.rows;
  const CodeView codes = column.codes->view();
  ColumnEntry entry;
  entry.name = column.name;
  bool constant = true;
  for (uint32_t row = 0; row < rows; ++row) {
    const uint32_t code = codes[row];
    entry.largest_code = std::max(entry.largest_code, code);
    constant = constant && code == codes[0];
  }
  entry.constant = constant;
  if (footer_.columns.empty()) {
    events_ = column.codes;
  }
  if (column.dictionary->size() > 0) {
    std::string bytes;
    DictionaryFormat::Encode(*column.dictionary, &bytes);
    Result<FileSection> section = AppendSection(bytes);
    if (!section) {
      return section.error();
    }
    entry.dictionary = *section;
  }
  if (!constant) {
    Result<void> done = AppendCodes(
        rows, [&](uint32_t row) { return codes[row]; }, !footer_.columns.empty(), &entry.codes);
    if (!done) {
      return done;
    }
  }
  footer_.columns.push_back(std::move(entry));
  return {};
}

Result<SecretBytes> SegmentWriter::Finish() {
  std::string footer;
  EncodeFooter(footer_, &footer);
  const uint64_t footer_bytes = footer.size() + kBlockTagBytes;
  std::string end;
  cipher_.Encrypt(size_, footer, size_ + footer_bytes + kSegmentTrailerBytes, &end);
  ByteWriter writer(&end);
  writer.Fixed(static_cast<uint32_t>(footer_bytes));
  writer.Raw(kSegmentTail);
  if (Result<void> done = Append(end); !done) {
    return done.error();
  }
  if (Result<void> done = file_->Sync(); !done) {
    return done.error();
  }
  return SecretBytes(cipher_.key().view());
}

}  // namespace bulkhead
