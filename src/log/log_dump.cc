#include "log/log_dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "log/log_files.h"
#include "log/log_format.h"

namespace bulkhead {
namespace {

struct DumpedFile {
  LogHeader header;
  uint64_t end = UINT64_MAX;  // where the next file says that this one ends
};

std::string DescribeKeys(const LogHeader& header) {
  if (header.version == 1) {
    return "not encrypted";
  }
  return fmt::format("key of {} for {} readers", header.key_origin, header.boxes.size());
}

void DumpRecords(std::string_view bytes, const DumpedFile& file,
                 const std::function<void(std::string_view)>& line) {
  uint64_t position = file.header.start;
  size_t at = std::min(file.header.bytes(), bytes.size());
  while (at < bytes.size() && position < file.end) {
    const std::string_view rest = bytes.substr(at);
    const std::optional<LogFrame> frame = DecodeLogFrame(rest, position, file.header.version);
    const bool whole = frame && LogRecordIsWhole(*frame, rest);
    if (!whole) {
      const bool damaged = file.end != UINT64_MAX || WasDurable(bytes, file.header, position);
      line(fmt::format("  {:>20}  {}: {} bytes from here on", position,
                       damaged ? "DAMAGED" : "unfinished group, never acknowledged", rest.size()));
      return;
    }
    line(fmt::format("  {:>20}  {:>8} bytes  ok{}", position, frame->body_bytes,
                     frame->group_start == position ? "  group" : ""));
    position = frame->next_position();
    at += kLogFrameBytes + frame->body_bytes;
  }
  if (file.end != UINT64_MAX && position < file.end) {
    line(fmt::format("  {:>20}  DAMAGED: the next file goes on at {}", position, file.end));
  } else if (at < bytes.size()) {
    line(fmt::format("  {:>20}  void: {} bytes", position, bytes.size() - at));
  }
}

}  // namespace

Result<void> DumpLog(FileSystem& fs, const std::string& dir,
                     const std::function<void(std::string_view)>& line) {
  const Result<std::vector<uint64_t>> starts = ListLogStarts(fs, dir);
  if (!starts) {
    return starts.error();
  }
  for (size_t i = 0; i < starts->size(); ++i) {
    const uint64_t start = (*starts)[i];
    DumpedFile file;
    if (i + 1 < starts->size()) {
      const Result<LogFile> next = ReadLogFile(fs, dir, (*starts)[i + 1]);
      file.end = next ? next->header.previous_end : (*starts)[i + 1];
    }
    const Result<std::unique_ptr<MappedFile>> map = fs.Map(LogFilePath(dir, start));
    if (!map) {
      return map.error();
    }
    const std::string_view bytes = (*map)->bytes();
    Result<LogHeader> header = DecodeLogHeader(bytes);
    if (!header) {
      line(fmt::format("{}  {}  {} bytes", LogFileName(start), header.error().message,
                       bytes.size()));
      continue;
    }
    file.header = *std::move(header);
    line(fmt::format("{}  version {}  start {}  previous end {}  {}  {} bytes", LogFileName(start),
                     file.header.version, file.header.start, file.header.previous_end,
                     DescribeKeys(file.header), bytes.size()));
    DumpRecords(bytes, file, line);
  }
  return {};
}

}  // namespace bulkhead
