// Writes one segment file, encrypted, column by column, so that a merge holds one column at a time.
// Call order: Persons, Times, Ranks?, Fingerprints?, the event column, the origin column,
// properties by name, Finish. The file is durable after Finish, its name after the directory is
// synced.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/block_file.h"
#include "store/segment_format.h"

namespace bulkhead {

class SegmentWriter {
 public:
  static Result<std::unique_ptr<SegmentWriter>> Create(FileSystem& fs, const std::string& path,
                                                       const SegmentInfo& info, BlockFile cipher);

  Result<void> Persons(std::span<const SubjectId> ids, std::span<const uint32_t> starts);
  Result<void> Times(const TimeView& times);
  Result<void> Ranks(const CodeView& ranks);
  Result<void> Fingerprints(const FingerprintArray& fingerprints);
  Result<void> Column(const ColumnData& column);
  Result<SecretBytes> Finish();  // the key that opens the file

 private:
  SegmentWriter(const SegmentInfo& info, BlockFile cipher) : cipher_(std::move(cipher)) {
    footer_.info = info;
  }
  Result<void> Append(std::string_view bytes);
  Result<FileSection> AppendSection(std::string_view bytes);
  Result<void> AppendBlock(std::string_view bytes, BlockList* list);
  // Encodes `rows` numbers got by at(row), block by block.
  template <typename At>
  Result<void> AppendCodes(uint32_t rows, At at, bool with_events, BlockList* list);

  BlockFile cipher_;
  std::unique_ptr<AppendFile> file_;
  uint64_t size_ = 0;
  std::string box_;  // of the block being written
  SegmentFooter footer_;
  std::shared_ptr<const CodeArray> events_;  // for presence by event
};

}  // namespace bulkhead
