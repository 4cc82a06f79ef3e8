#include "log/log_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "log/log_format.h"

namespace bulkhead {
namespace {

constexpr size_t kNameDigits = 20;
constexpr std::string_view kNameEnd = ".log";

std::optional<uint64_t> StartOf(std::string_view name) {
  uint64_t start = 0;
  if (name.size() != kNameDigits + kNameEnd.size() || !name.ends_with(kNameEnd)) {
    return std::nullopt;
  }
  const auto [end, error] = std::from_chars(name.data(), name.data() + kNameDigits, start);
  if (error != std::errc() || end != name.data() + kNameDigits || start < kFirstLogPosition) {
    return std::nullopt;
  }
  return start;
}

Error Damaged(uint64_t start, uint64_t position) {
  return {ErrorCode::kCorruption,
          fmt::format("log file {} is damaged at position {}", LogFileName(start), position)};
}

// The bytes from the record at `position` on; empty past the end.
std::string_view From(std::string_view bytes, uint64_t start, uint64_t position) {
  const uint64_t offset = kLogHeaderBytes + (position - start);
  return offset < bytes.size() ? bytes.substr(static_cast<size_t>(offset)) : std::string_view();
}

std::optional<LogFrame> WholeRecord(std::string_view rest, uint64_t position) {
  const std::optional<LogFrame> frame = DecodeLogFrame(rest, position);
  return frame && LogRecordIsWhole(*frame, rest) ? frame : std::nullopt;
}

}  // namespace

std::string LogFileName(uint64_t start) { return fmt::format("{:020}{}", start, kNameEnd); }

std::string LogFilePath(const std::string& dir, uint64_t start) {
  return dir + "/" + LogFileName(start);
}

Result<std::vector<uint64_t>> ListLogStarts(FileSystem& fs, const std::string& dir) {
  const Result<std::vector<std::string>> names = fs.List(dir);
  if (!names) {
    return names.error();
  }
  std::vector<uint64_t> starts;
  for (const std::string& name : *names) {
    if (const std::optional<uint64_t> start = StartOf(name)) {
      starts.push_back(*start);
    }
  }
  std::sort(starts.begin(), starts.end());
  return starts;
}

Result<LogFile> ReadLogFile(FileSystem& fs, const std::string& dir, uint64_t start) {
  const Result<std::unique_ptr<ReadFile>> file = fs.OpenRead(LogFilePath(dir, start));
  if (!file) {
    return file.error();
  }
  const Result<std::string> bytes = (*file)->ReadAt(0, kLogHeaderBytes);
  if (!bytes) {
    return bytes.error();
  }
  const Result<LogHeader> header = DecodeLogHeader(*bytes);
  if (!header) {
    return Error{header.error().code,
                 fmt::format("{}: {}", LogFileName(start), header.error().message)};
  }
  if (header->start != start) {
    return Error{ErrorCode::kCorruption,
                 fmt::format("{} holds the header of another file", LogFileName(start))};
  }
  const Result<uint64_t> size = (*file)->Size();
  if (!size) {
    return size.error();
  }
  return LogFile{start, header->previous_end, *size};
}

Result<std::vector<LogFile>> ListLogFiles(FileSystem& fs, const std::string& dir) {
  const Result<std::vector<uint64_t>> starts = ListLogStarts(fs, dir);
  if (!starts) {
    return starts.error();
  }
  std::vector<LogFile> files;
  for (const uint64_t start : *starts) {
    const Result<LogFile> file = ReadLogFile(fs, dir, start);
    if (!file) {
      return file.error();
    }
    if (!files.empty()) {
      const LogFile& before = files.back();
      if (file->previous_end < before.start ||
          file->previous_end - before.start > before.bytes - kLogHeaderBytes) {
        return Error{
            ErrorCode::kCorruption,
            fmt::format("log file {} does not reach position {}, where {} goes on",
                        LogFileName(before.start), file->previous_end, LogFileName(start))};
      }
    }
    files.push_back(*file);
  }
  return files;
}

Result<LogTail> ScanLastFile(std::string_view bytes, uint64_t start) {
  LogTail tail;
  tail.end = tail.last_group_start = start;
  std::string_view rest = From(bytes, start, tail.end);
  while (const std::optional<LogFrame> frame = WholeRecord(rest, tail.end)) {
    if (frame->group_start != tail.last_group_start && frame->group_start != frame->position) {
      return Damaged(start, tail.end);  // of a group that did not begin where it says
    }
    ++tail.records;
    tail.end = frame->next_position();
    tail.last_group_start = frame->group_start;
    rest.remove_prefix(kLogFrameBytes + frame->payload_bytes);
  }
  tail.torn_bytes = rest.size();
  if (WasDurable(bytes, start, tail.end)) {
    return Damaged(start, tail.end);
  }
  return tail;
}

bool WasDurable(std::string_view bytes, uint64_t start, uint64_t position) {
  const std::string_view rest = From(bytes, start, position);
  for (size_t at = rest.find('B', 1); at != std::string_view::npos; at = rest.find('B', at + 1)) {
    const std::optional<LogFrame> frame = WholeRecord(rest.substr(at), position + at);
    if (frame && frame->group_start > position) {
      return true;
    }
  }
  return false;
}

Result<void> CheckRecords(std::string_view bytes, uint64_t start, uint64_t end) {
  uint64_t position = start;
  while (position < end) {
    const std::optional<LogFrame> frame = WholeRecord(From(bytes, start, position), position);
    if (!frame || frame->next_position() > end) {
      return Damaged(start, position);
    }
    position = frame->next_position();
  }
  return {};
}

}  // namespace bulkhead
