#include "log/log_dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "log/log_files.h"
#include "log/log_format.h"

namespace bulkhead {
namespace {

struct DumpedFile {
  uint64_t start = 0;
  uint64_t end = UINT64_MAX;  // where the next file says that this one ends
};

void DumpRecords(std::string_view bytes, const DumpedFile& file,
                 const std::function<void(std::string_view)>& line) {
  uint64_t position = file.start;
  size_t at = std::min(kLogHeaderBytes, bytes.size());
  while (at < bytes.size() && position < file.end) {
    const std::string_view rest = bytes.substr(at);
    const std::optional<LogFrame> frame = DecodeLogFrame(rest, position);
    const bool whole = frame && LogRecordIsWhole(*frame, rest);
    if (!whole) {
      const bool damaged = file.end != UINT64_MAX || WasDurable(bytes, file.start, position);
      line(fmt::format("  {:>20}  {}: {} bytes from here on", position,
                       damaged ? "DAMAGED" : "unfinished group, never acknowledged", rest.size()));
      return;
    }
    line(fmt::format("  {:>20}  {:>8} bytes  ok{}", position, frame->payload_bytes,
                     frame->group_start == position ? "  group" : ""));
    position = frame->next_position();
    at += kLogFrameBytes + frame->payload_bytes;
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
    DumpedFile file{(*starts)[i]};
    if (i + 1 < starts->size()) {
      const Result<LogFile> next = ReadLogFile(fs, dir, (*starts)[i + 1]);
      file.end = next ? next->previous_end : (*starts)[i + 1];
    }
    const Result<std::unique_ptr<MappedFile>> map = fs.Map(LogFilePath(dir, file.start));
    if (!map) {
      return map.error();
    }
    const std::string_view bytes = (*map)->bytes();
    const Result<LogHeader> header = DecodeLogHeader(bytes);
    if (header) {
      line(fmt::format("{}  version {}  start {}  previous end {}  {} bytes",
                       LogFileName(file.start), kLogVersion, header->start, header->previous_end,
                       bytes.size()));
    } else {
      line(fmt::format("{}  {}  {} bytes", LogFileName(file.start), header.error().message,
                       bytes.size()));
    }
    DumpRecords(bytes, file, line);
  }
  return {};
}

}  // namespace bulkhead
