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
std::string_view From(std::string_view bytes, const LogHeader& header, uint64_t position) {
  const uint64_t offset = header.bytes() + (position - header.start);
  return offset < bytes.size() ? bytes.substr(static_cast<size_t>(offset)) : std::string_view();
}

std::optional<LogFrame> WholeRecord(std::string_view rest, uint64_t position, uint32_t version) {
  const std::optional<LogFrame> frame = DecodeLogFrame(rest, position, version);
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
  const Result<std::string> bytes = (*file)->ReadAt(0, kMostLogHeaderBytes);
  if (!bytes) {
    return bytes.error();
  }
  Result<LogHeader> header = DecodeLogHeader(*bytes);
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
  return LogFile{*std::move(header), *size};
}

Result<std::vector<LogFile>> ListLogFiles(FileSystem& fs, const std::string& dir) {
  const Result<std::vector<uint64_t>> starts = ListLogStarts(fs, dir);
  if (!starts) {
    return starts.error();
  }
  std::vector<LogFile> files;
  for (const uint64_t start : *starts) {
    Result<LogFile> file = ReadLogFile(fs, dir, start);
    if (!file) {
      return file.error();
    }
    if (!files.empty()) {
      const LogFile& before = files.back();
      const uint64_t end = file->header.previous_end;
      if (end < before.header.start ||
          end - before.header.start > before.bytes - before.header.bytes()) {
        return Error{ErrorCode::kCorruption,
                     fmt::format("log file {} does not reach position {}, where {} goes on",
                                 LogFileName(before.header.start), end, LogFileName(start))};
      }
    }
    files.push_back(*std::move(file));
  }
  return files;
}

Result<LogTail> ScanLastFile(std::string_view bytes, const LogHeader& header) {
  LogTail tail;
  tail.end = tail.last_group_start = header.start;
  std::string_view rest = From(bytes, header, tail.end);
  while (const std::optional<LogFrame> frame = WholeRecord(rest, tail.end, header.version)) {
    if (frame->group_start != tail.last_group_start && frame->group_start != frame->position) {
      return Damaged(header.start, tail.end);  // of a group that did not begin where it says
    }
    ++tail.records;
    tail.end = frame->next_position();
    tail.last_group_start = frame->group_start;
    rest.remove_prefix(kLogFrameBytes + frame->body_bytes);
  }
  tail.torn_bytes = rest.size();
  if (WasDurable(bytes, header, tail.end)) {
    return Damaged(header.start, tail.end);
  }
  return tail;
}

bool WasDurable(std::string_view bytes, const LogHeader& header, uint64_t position) {
  const std::string_view rest = From(bytes, header, position);
  for (size_t at = rest.find('B', 1); at != std::string_view::npos; at = rest.find('B', at + 1)) {
    const std::optional<LogFrame> frame =
        WholeRecord(rest.substr(at), position + at, header.version);
    if (frame && frame->group_start > position) {
      return true;
    }
  }
  return false;
}

Result<void> CheckRecords(std::string_view bytes, const LogHeader& header, uint64_t end) {
  uint64_t position = header.start;
  while (position < end) {
    const std::optional<LogFrame> frame =
        WholeRecord(From(bytes, header, position), position, header.version);
    if (!frame || frame->next_position() > end) {
      return Damaged(header.start, position);
    }
    position = frame->next_position();
  }
  return {};
}

}  // namespace bulkhead
