// Writes one segment file, column by column, so that a merge holds one column at a time. Call
// order: Persons, Times, Ranks?, Fingerprints?, the event column, the origin column, properties by
// name, Finish. The file is durable after Finish, its name after the directory is synced.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "store/segment_format.h"

namespace bulkhead {

class SegmentWriter {
 public:
  static Result<std::unique_ptr<SegmentWriter>> Create(FileSystem& fs, const std::string& path,
                                                       const SegmentInfo& info);

  Result<void> Persons(std::span<const SubjectId> ids, std::span<const uint32_t> starts);
  Result<void> Times(const TimeView& times);
  Result<void> Ranks(const CodeView& ranks);
  Result<void> Fingerprints(std::span<const uint64_t> fingerprints);
  Result<void> Column(const ColumnData& column);
  Result<uint64_t> Finish();  // the file's size

 private:
  explicit SegmentWriter(const SegmentInfo& info) { footer_.info = info; }
  Result<void> Append(std::string_view bytes);
  Result<FileSection> AppendSection(std::string_view bytes);
  Result<void> AppendBlock(std::string_view bytes, BlockList* list);
  // Encodes `rows` numbers got by at(row), block by block.
  template <typename At>
  Result<void> AppendCodes(uint32_t rows, At at, bool with_events, BlockList* list);

  std::unique_ptr<AppendFile> file_;
  uint64_t size_ = 0;
  SegmentFooter footer_;
  std::shared_ptr<const CodeArray> events_;  // for presence by event
};

// The whole of a segment in memory.
Result<uint64_t> WriteSegment(FileSystem& fs, const std::string& path, const SegmentData& data);

}  // namespace bulkhead
