#include "log/log_follower.h"

#include <fmt/format.h>

#include <algorithm>

#include "log/log_format.h"

namespace bulkhead {
namespace {

constexpr uint64_t kReadBytes = 256UL * 1024;

}  // namespace

Result<LogFollower> LogFollower::Open(FileSystem& fs, const std::string& dir,
                                      const SealKeyRing& keys, uint64_t from_position,
                                      std::function<uint64_t()> durable_end) {
  LogFollower follower(fs, dir, keys, from_position);
  follower.durable_end_ = std::move(durable_end);
  if (follower.durable_end_) {
    const uint64_t end = follower.durable_end_();
    if (from_position > end) {
      return Error{ErrorCode::kCorruption,
                   fmt::format("the log ends at {}, before position {}", end, from_position)};
    }
    follower.listed_at_ = end;
  } else {
    follower.listed_at_ = UINT64_MAX;
  }
  const Result<bool> found = follower.FindFile();
  if (!found) {
    return found.error();
  }
  return follower;
}

Result<std::optional<LogRecord>> LogFollower::Next() {
  // Read before the directory is listed: what is durable by now lies in files that the list shows.
  const uint64_t limit = durable_end_ ? durable_end_() : UINT64_MAX;
  while (position_ < limit) {
    if (file_ && position_ < listed_at_ && (!file_end_ || position_ < *file_end_)) {
      return ReadRecord(std::min({limit, listed_at_, file_end_.value_or(UINT64_MAX)}));
    }
    listed_at_ = limit;
    const Result<bool> found = FindFile();
    if (!found) {
      return found.error();
    }
    if (!*found) {
      return std::optional<LogRecord>();
    }
  }
  return std::optional<LogRecord>();
}

// Opens the file that holds position_, or moves position_ on to the next file's start where it lies
// between two. False: no file yet.
Result<bool> LogFollower::FindFile() {
  file_.reset();
  file_end_.reset();
  buffer_.clear();
  const Result<std::vector<uint64_t>> starts = ListLogStarts(*fs_, dir_);
  if (!starts) {
    listed_at_ = 0;
    return starts.error();
  }
  if (starts->empty()) {
    return false;
  }
  // The last file that starts at or before the position, or the one after it if that one says so.
  size_t at = static_cast<size_t>(std::upper_bound(starts->begin(), starts->end(), position_) -
                                  starts->begin());
  at = at > 0 ? at - 1 : 0;
  for (; at + 1 < starts->size(); ++at) {
    const Result<LogFile> next = ReadLogFile(*fs_, dir_, (*starts)[at + 1]);
    if (!next) {
      listed_at_ = 0;
      return next.error();
    }
    if (next->header.previous_end > position_) {
      file_end_ = next->header.previous_end;
      break;
    }
  }
  if (Result<void> opened = OpenFile((*starts)[at]); !opened) {
    file_.reset();
    listed_at_ = 0;
    return opened.error();
  }
  return true;
}

Result<void> LogFollower::OpenFile(uint64_t start) {
  Result<LogFile> file = ReadLogFile(*fs_, dir_, start);
  if (!file) {
    return file.error();
  }
  Result<std::unique_ptr<ReadFile>> opened = fs_->OpenRead(LogFilePath(dir_, start));
  if (!opened) {
    return opened.error();
  }
  if (position_ < start && position_ != 0 && position_ < file->header.previous_end) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("the log begins at {}; position {} was trimmed", start, position_)};
  }
  if (!decryptor_ || file->header != header_) {
    decryptor_.reset();
    Result<LogDecryptor> decryptor = LogDecryptor::Open(file->header, *keys_);
    if (!decryptor) {
      return Error{decryptor.error().code,
                   fmt::format("{}: {}", LogFileName(start), decryptor.error().message)};
    }
    decryptor_ = *std::move(decryptor);
    header_ = std::move(file->header);
  }
  file_ = *std::move(opened);
  position_ = std::max(position_, start);
  return {};
}

Result<std::optional<LogRecord>> LogFollower::ReadRecord(uint64_t limit) {
  const Result<std::string_view> head = Bytes(kLogFrameBytes, limit);
  if (!head) {
    return head.error();
  }
  const std::optional<LogFrame> frame = DecodeLogFrame(*head, position_, header_.version);
  if (!frame) {
    return AtBadRecord();
  }
  const Result<std::string_view> whole = Bytes(kLogFrameBytes + frame->body_bytes, limit);
  if (!whole) {
    return whole.error();
  }
  if (!LogRecordIsWhole(*frame, *whole)) {
    return AtBadRecord();
  }
  Result<std::string> payload = decryptor_->Open(*frame, *whole);
  if (!payload) {
    buffer_.clear();
    return Error{payload.error().code,
                 fmt::format("log file {} at position {}: {}", LogFileName(header_.start),
                             position_, payload.error().message)};
  }
  LogRecord record{position_, frame->next_position(), *std::move(payload)};
  position_ = record.next_position;
  return std::optional<LogRecord>(std::move(record));
}

// The bytes from position_ on; fewer than `size` at the end of the file or before `limit`.
Result<std::string_view> LogFollower::Bytes(uint64_t size, uint64_t limit) {
  const uint64_t skip = position_ - buffer_position_;
  if (buffer_.empty() || position_ < buffer_position_ || skip + size > buffer_.size()) {
    const uint64_t wanted = std::min(std::max(size, kReadBytes), limit - position_);
    Result<std::string> bytes =
        file_->ReadAt(header_.bytes() + (position_ - header_.start), static_cast<size_t>(wanted));
    if (!bytes) {
      return bytes.error();
    }
    buffer_ = std::move(*bytes);
    buffer_position_ = position_;
  }
  const std::string_view view(buffer_);
  return view.substr(static_cast<size_t>(position_ - buffer_position_), static_cast<size_t>(size));
}

Result<std::optional<LogRecord>> LogFollower::AtBadRecord() {
  buffer_.clear();
  bool damaged = durable_end_ || file_end_;
  if (!damaged) {
    // Without a writer: the end of the log, unless this record had been durable.
    const Result<std::unique_ptr<MappedFile>> map = fs_->Map(LogFilePath(dir_, header_.start));
    if (!map) {
      return map.error();
    }
    damaged = WasDurable((*map)->bytes(), header_, position_);
    listed_at_ = 0;
  }
  if (damaged) {
    return Error{ErrorCode::kCorruption, fmt::format("log file {} is damaged at position {}",
                                                     LogFileName(header_.start), position_)};
  }
  return std::optional<LogRecord>();
}

}  // namespace bulkhead
