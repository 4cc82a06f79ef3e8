#include "log/log_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "crypto/crypto.h"
#include "log/log_format.h"

namespace bulkhead {
namespace {

constexpr std::string_view kTemporaryEnd = ".log.tmp";
constexpr size_t kMostBufferKept = size_t{16} << 20;

// Whatever the file system calls it, for those who append it is the operator's disk.
Error DiskFailed(const Error& error) {
  return error.code == ErrorCode::kCorruption ? error
                                              : Error{ErrorCode::kUnavailable, error.message};
}

}  // namespace

Result<std::unique_ptr<LogWriter>> LogWriter::Open(FileSystem& fs, const std::string& dir,
                                                   std::vector<LogReaderKey> readers,
                                                   LogWriterOptions options) {
  std::unique_ptr<LogWriter> writer(new LogWriter(fs, dir, std::move(options)));
  if (Result<void> set = writer->SetReaders(std::move(readers)); !set) {
    return set.error();
  }
  if (Result<void> recovered = writer->Recover(); !recovered) {
    return recovered.error();
  }
  writer->thread_ = std::thread([raw = writer.get()] { raw->Run(); });
  return writer;
}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  queued_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

// --- Opening ---

// Where it is there already, the writer may have no right to what is around it; whoever made it has
// then made its name durable.
Result<void> LogWriter::MakeDirectory() {
  const bool existed = fs_.Exists(dir_);
  if (Result<void> made = existed ? Result<void>() : fs_.CreateDirs(dir_); !made) {
    return made;
  }
  const size_t slash = dir_.rfind('/');
  Result<void> synced = fs_.SyncDir(slash == std::string::npos ? "."
                                    : slash == 0               ? "/"
                                                               : dir_.substr(0, slash));
  return existed ? Result<void>() : synced;
}

Result<void> LogWriter::Recover() {
  if (Result<void> made = MakeDirectory(); !made) {
    return made;
  }
  if (Result<void> removed = RemoveTemporaries(); !removed) {
    return removed;
  }
  Result<std::vector<LogFile>> files = ListLogFiles(fs_, dir_);
  if (!files) {
    return files.error();
  }
  files_ = std::move(*files);
  next_start_ = std::max(kFirstLogPosition, options_.at_least_position);
  if (!files_.empty()) {
    if (Result<void> recovered = RecoverLastFile(); !recovered) {
      return recovered;
    }
  }
  // Always a new file: the key of the old one is gone.
  if (Result<void> begun = BeginFile(); !begun) {
    return begun;
  }
  durable_end_ = file_end_;
  return {};
}

Result<void> LogWriter::RemoveTemporaries() {
  const Result<std::vector<std::string>> names = fs_.List(dir_);
  if (!names) {
    return names.error();
  }
  for (const std::string& name : *names) {
    if (name.ends_with(kTemporaryEnd)) {
      if (Result<void> removed = fs_.Remove(dir_ + "/" + name); !removed) {
        return removed;
      }
    }
  }
  return {};
}

// Sets file_start_, file_end_ and next_start_ for the file that is begun next.
Result<void> LogWriter::RecoverLastFile() {
  const LogHeader& last = files_.back().header;
  Result<std::unique_ptr<MappedFile>> map = fs_.Map(LogFilePath(dir_, last.start));
  if (!map) {
    return map.error();
  }
  const Result<LogTail> tail = ScanLastFile((*map)->bytes(), last);
  if (!tail) {
    return tail.error();
  }
  recovery_ = {tail->records, tail->torn_bytes};
  next_start_ = std::max(next_start_, tail->end);
  if (tail->records == 0 && next_start_ == last.start) {
    // Nothing was written to it: the new file takes its place and its name.
    file_end_ = last.previous_end;
    files_.pop_back();
    return {};
  }
  file_start_ = tail->last_group_start;
  file_end_ = tail->end;
  return RewriteLastGroup((*map)->bytes(), *tail);
}

// What can be read is not always on the disk: after a failed sync, or when only the process was
// killed. All groups but the last were synced before the next was written, so the last one alone is
// written again, as it is and with its file's sealed key, into a file of its own that replaces it
// (and whatever follows it) as a whole.
Result<void> LogWriter::RewriteLastGroup(std::string_view bytes, const LogTail& tail) {
  LogFile& last = files_.back();
  const uint64_t start = tail.last_group_start;
  const uint64_t kept = last.header.bytes() + (start - last.header.start);
  LogHeader header = last.header;
  if (start != header.start) {
    header.start = header.previous_end = start;
  }
  std::string content = EncodeLogHeader(header);
  content += bytes.substr(static_cast<size_t>(kept), static_cast<size_t>(tail.end - start));
  if (Result<void> written = fs_.WriteFileAtomically(LogFilePath(dir_, start), content); !written) {
    return written;
  }
  if (start == last.header.start) {
    last.bytes = content.size();
    return {};
  }
  // Void from here on; that the space is given back is a courtesy.
  if (Result<std::unique_ptr<AppendFile>> old =
          fs_.OpenAppend(LogFilePath(dir_, last.header.start));
      old && (*old)->Truncate(kept)) {
    last.bytes = kept;
  }
  files_.push_back({std::move(header), content.size()});
  return {};
}

// --- Appending ---

void LogWriter::Append(std::string payload, Done done) {
  std::optional<Error> refused;
  if (payload.empty() || payload.size() > limits::kMaxLogRecordBytes) {
    refused = Error{ErrorCode::kInvalid,
                    fmt::format("a log record has 1 to {} bytes", limits::kMaxLogRecordBytes)};
  } else {
    const std::lock_guard lock(mutex_);
    if (closing_) {
      refused = Error{ErrorCode::kUnavailable, "the log is closing"};
    } else if (queued_bytes_ + payload.size() > options_.max_queued_bytes) {
      refused = Error{ErrorCode::kLimit, "too much is waiting for the disk"};
      ++counts_.refused;
    } else {
      queued_bytes_ += payload.size();
      queue_.push_back({std::move(payload), std::move(done)});
    }
  }
  if (refused) {
    done(std::move(*refused));
  } else {
    queued_.notify_one();
  }
}

void LogWriter::Roll(Done done) {
  {
    const std::lock_guard lock(mutex_);
    if (!closing_) {
      queue_.push_back({std::string(), std::move(done), true});
      done = nullptr;
    }
  }
  if (done) {
    done(Error{ErrorCode::kUnavailable, "the log is closing"});
  } else {
    queued_.notify_one();
  }
}

void LogWriter::BeginFileFor(Pending* roll) {
  Result<void> begun;
  if (damaged_) {
    begun = *damaged_;
  } else if (file_ == nullptr || file_end_ > file_start_) {
    if (file_) EndFile();
    begun = BeginFile();
  }
  roll->done(begun ? Result<uint64_t>(file_start_) : DiskFailed(begun.error()));
}

void LogWriter::Run() {
  for (;;) {
    std::vector<Pending> group = TakeGroup();
    if (group.empty()) {
      return;
    }
    if (group.front().roll) {
      BeginFileFor(&group.front());
    } else {
      WriteGroup(&group);
    }
  }
}

// Empty: closing, and nothing is left.
std::vector<LogWriter::Pending> LogWriter::TakeGroup() {
  std::unique_lock lock(mutex_);
  queued_.wait(lock, [&] { return !queue_.empty() || closing_; });
  std::vector<Pending> group;
  size_t bytes = 0;
  while (!queue_.empty() && (group.empty() || !(group.front().roll || queue_.front().roll)) &&
         (group.empty() || bytes + queue_.front().payload.size() <= options_.max_group_bytes)) {
    bytes += queue_.front().payload.size();
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queued_bytes_ -= bytes;
  return group;
}

void LogWriter::WriteGroup(std::vector<Pending>* group) {
  uint64_t bytes = 0;
  for (const Pending& pending : *group) {
    bytes += kLogFrameBytes + kLogBodyOverheadBytes + pending.payload.size();
  }
  if (Result<void> ready = PrepareFor(bytes); !ready) {
    Refuse(group, ready.error());
    return;
  }
  buffer_.clear();
  std::vector<uint64_t> positions;
  positions.reserve(group->size());
  for (Pending& pending : *group) {
    positions.push_back(file_end_ + buffer_.size());
    encryptor_->AppendRecord(pending.payload, positions.back(), file_end_, &buffer_);
    Wipe(&pending.payload);
    std::string().swap(pending.payload);
  }
  encryptor_->EndGroup();
  Result<void> written = file_->Append(buffer_);
  if (written) {
    written = file_->Sync();
  }
  if (buffer_.capacity() > kMostBufferKept) {
    std::string().swap(buffer_);
  }
  if (!written) {
    GiveUpFile(bytes);
    Refuse(group, DiskFailed(written.error()));
    return;
  }
  Publish(file_end_ + bytes, group->size());
  for (size_t i = 0; i < group->size(); ++i) {
    if (options_.pace) {
      options_.pace(durable_end(), [done = std::move((*group)[i].done), position = positions[i]] {
        done(position);
      });
    } else {
      (*group)[i].done(positions[i]);
    }
  }
}

// Afterwards file_ may be written to.
Result<void> LogWriter::PrepareFor(uint64_t bytes) {
  if (damaged_) {
    return *damaged_;
  }
  if (Result<void> room = HasRoomFor(bytes); !room) {
    return room;
  }
  if (file_ && file_end_ > file_start_ &&
      (file_end_ - file_start_ >= options_.file_bytes ||
       encryptor_->group() >= options_.file_groups)) {
    EndFile();
  }
  if (file_) {
    return {};
  }
  if (Result<void> begun = BeginFile(); !begun) {
    return DiskFailed(begun.error());
  }
  return {};
}

Result<void> LogWriter::HasRoomFor(uint64_t bytes) {
  const Result<uint64_t> free_bytes = fs_.FreeBytes(dir_);
  if (!free_bytes) {
    return DiskFailed(free_bytes.error());
  }
  if (*free_bytes < options_.min_free_bytes || *free_bytes - options_.min_free_bytes < bytes) {
    return Error{ErrorCode::kLimit, "the disk of the log is nearly full"};
  }
  if (options_.max_total_bytes > 0 && stats().bytes + bytes > options_.max_total_bytes) {
    return Error{ErrorCode::kLimit, "the log is as large as it may get"};
  }
  return {};
}

// Once this was tried, the old file is never written again: the new one may be there already, and
// says where the old ends.
Result<void> LogWriter::BeginFile() {
  if (verify_old_file_) {
    if (Result<void> intact = VerifyOldFile(); !intact) {
      return intact;
    }
    verify_old_file_ = false;
  }
  std::vector<LogReaderKey> readers;
  {
    const std::lock_guard lock(mutex_);
    readers = readers_;
  }
  LogHeader header;
  header.start = next_start_;
  header.previous_end = file_end_;
  LogEncryptor encryptor = LogEncryptor::Begin(readers, &header);
  const std::string path = LogFilePath(dir_, next_start_);
  const std::string bytes = EncodeLogHeader(header);
  if (Result<void> written = fs_.WriteFileAtomically(path, bytes); !written) {
    return written;
  }
  const Result<LogFile> read_back = ReadLogFile(fs_, dir_, next_start_);
  if (!read_back) {
    return read_back.error();
  }
  Result<std::unique_ptr<AppendFile>> file = fs_.OpenAppend(path);
  if (!file) {
    return file.error();
  }
  const std::lock_guard lock(mutex_);
  files_.push_back({std::move(header), bytes.size()});
  file_ = std::move(*file);
  file_header_bytes_ = bytes.size();
  encryptor_ = std::move(encryptor);
  file_start_ = file_end_ = next_start_;
  return {};
}

Result<void> LogWriter::VerifyOldFile() {
  const Result<std::unique_ptr<MappedFile>> map = fs_.Map(LogFilePath(dir_, file_start_));
  if (!map) {
    return map.error();
  }
  const Result<LogHeader> header = DecodeLogHeader((*map)->bytes());
  Result<void> intact = header && header->start == file_start_
                            ? CheckRecords((*map)->bytes(), *header, file_end_)
                            : Error{ErrorCode::kCorruption,
                                    LogFileName(file_start_) + " has another header than before"};
  if (!intact) {
    damaged_ = intact.error();
  }
  return intact;
}

void LogWriter::EndFile() {
  file_.reset();
  encryptor_.reset();
  next_start_ = file_end_;
}

// What follows the last durable record of this file is unknown. The next file takes over, at
// positions that nothing had.
void LogWriter::GiveUpFile(uint64_t attempted_bytes) {
  if (!file_->Truncate(file_header_bytes_ + (file_end_ - file_start_))) {
    // It does not matter: what follows is void. A full disk would have got its space back.
  }
  EndFile();
  next_start_ += attempted_bytes;
  verify_old_file_ = true;
  const std::lock_guard lock(mutex_);
  ++counts_.failed_groups;
}

void LogWriter::Publish(uint64_t end, size_t records) {
  {
    const std::lock_guard lock(mutex_);
    files_.back().bytes += end - file_end_;
    ++counts_.groups;
    counts_.records += records;
    file_end_ = end;
    durable_end_.store(end, std::memory_order_release);
  }
  advanced_.notify_all();
}

void LogWriter::Refuse(std::vector<Pending>* group, const Error& error) {
  if (error.code == ErrorCode::kLimit) {
    const std::lock_guard lock(mutex_);
    counts_.refused += group->size();
  }
  for (Pending& pending : *group) {
    pending.done(error);
  }
}

// --- Everything else ---

Result<void> LogWriter::SetReaders(std::vector<LogReaderKey> readers) {
  if (Result<void> sound = CheckLogReaders(readers); !sound) {
    return sound;
  }
  const std::lock_guard lock(mutex_);
  readers_ = std::move(readers);
  return {};
}

bool LogWriter::WaitForData(uint64_t position, std::chrono::milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  return advanced_.wait_for(lock, timeout, [&] { return durable_end() > position; });
}

Result<void> LogWriter::TrimBefore(uint64_t position) {
  const std::lock_guard one_at_a_time(trim_mutex_);
  bool removed_any = false;
  for (;;) {
    uint64_t start = 0;
    {
      const std::lock_guard lock(mutex_);
      if (files_.size() < 2 || files_[1].header.previous_end > position) {
        break;
      }
      start = files_.front().header.start;
    }
    // The oldest first: whatever stops this, the rest follows each other.
    const Result<void> removed = fs_.Remove(LogFilePath(dir_, start));
    if (!removed && removed.error().code != ErrorCode::kNotFound) {
      return removed;
    }
    removed_any = true;
    const std::lock_guard lock(mutex_);
    files_.erase(files_.begin());
  }
  return removed_any ? fs_.SyncDir(dir_) : Result<void>();
}

LogStats LogWriter::stats() const {
  const std::lock_guard lock(mutex_);
  LogStats stats = counts_;
  stats.files = files_.size();
  for (const LogFile& file : files_) {
    stats.bytes += file.bytes;
  }
  stats.first_position = files_.front().header.start;
  stats.durable_end = durable_end();
  stats.queued_bytes = queued_bytes_;
  return stats;
}

}  // namespace bulkhead
