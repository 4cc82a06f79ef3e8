#include "audit/audit_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "audit/audit_chain.h"

namespace bulkhead {
namespace {

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// Excludes other openings of the same audit file, in this process and in others, for the time of
// one append.
class FileLock {
 public:
  explicit FileLock(const std::string& path)
      : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    // No such directory: a file system in memory, which nobody else has open.
    held_ = fd_ < 0 ? errno == ENOENT : ::flock(fd_, LOCK_EX) == 0;
  }
  ~FileLock() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  [[nodiscard]] bool held() const { return held_; }

 private:
  int fd_;
  bool held_ = false;
};

Error Named(const std::string& path, const Error& error) {
  return Error{error.code, path + ": " + error.message};
}

}  // namespace

Result<AuditState> VerifyAuditFile(FileSystem& fs, const std::string& path) {
  const Result<std::unique_ptr<MappedFile>> file = fs.Map(path);
  if (!file) {
    return file.error();
  }
  AuditState state;
  state.head = ZeroAuditHash();
  const Result<AuditTail> tail = ReadAuditChain((*file)->bytes(), &state);
  if (!tail) {
    return Named(path, tail.error());
  }
  return state;
}

AuditFile::AuditFile(FileSystem& fs, std::string path, const Clock& clock)
    : fs_(fs), path_(std::move(path)), clock_(clock) {
  state_.head = ZeroAuditHash();
}

AuditFile::~AuditFile() = default;

Result<std::unique_ptr<AuditFile>> AuditFile::Open(FileSystem& fs, std::string path,
                                                   const Clock& clock) {
  if (Result<void> created = fs.CreateDirs(DirectoryOf(path)); !created) {
    return created.error();
  }
  std::unique_ptr<AuditFile> audit(new AuditFile(fs, std::move(path), clock));
  const FileLock lock(audit->path_ + ".lock");
  if (!lock.held()) {
    return Error{ErrorCode::kUnavailable, "cannot lock " + audit->path_};
  }
  Result<std::unique_ptr<AppendFile>> file = fs.OpenAppend(audit->path_);
  if (!file) {
    return file.error();
  }
  audit->file_ = std::move(*file);
  if (Result<void> synced = fs.SyncDir(DirectoryOf(audit->path_)); !synced) {
    return synced.error();
  }
  if (Result<void> read = audit->CatchUp(); !read) {
    return read.error();
  }
  return audit;
}

// Reads what was appended since: by another process, or by a write of ours that failed half-way.
Result<void> AuditFile::CatchUp() {
  const Result<std::unique_ptr<ReadFile>> file = fs_.OpenRead(path_);
  if (!file) {
    return file.error();
  }
  const Result<uint64_t> size = (*file)->Size();
  if (!size) {
    return size.error();
  }
  if (*size < size_) {
    return Error{ErrorCode::kCorruption, path_ + " became shorter"};
  }
  if (*size == size_ && torn_.empty()) {
    return {};
  }
  const Result<std::string> bytes = (*file)->ReadAt(size_, static_cast<size_t>(*size - size_));
  if (!bytes) {
    return bytes.error();
  }
  AuditState next = state_;
  Result<AuditTail> tail = ReadAuditChain(*bytes, &next);
  if (!tail) {
    return Named(path_, tail.error());
  }
  state_ = std::move(next);
  size_ += tail->good_bytes;
  torn_ = std::move(tail->torn);
  return {};
}

Result<void> AuditFile::Append(const AuditEntry& entry) {
  if (std::optional<std::string> fault = FaultOfEntry(entry)) {
    return Error{ErrorCode::kInvalid, std::move(*fault)};
  }
  const std::lock_guard guard(mutex_);
  if (failed_) {
    return Error{ErrorCode::kUnavailable, path_ + " could not be synced and must be opened again"};
  }
  const FileLock lock(path_ + ".lock");
  if (!lock.held()) {
    return Error{ErrorCode::kUnavailable, "cannot lock " + path_};
  }
  if (Result<void> read = CatchUp(); !read) {
    return read;
  }
  return WriteLine(entry);
}

Result<void> AuditFile::WriteLine(const AuditEntry& entry) {
  AuditState next = state_;
  std::string bytes;
  if (!torn_.empty()) {
    std::string ended = torn_;
    if (!ended.ends_with('\n')) {
      bytes = kTornMark;
      ended += kTornMark;
    }
    const std::string_view torn(ended.data(), ended.size() - 1);
    bytes += AppendToAuditChain(TornEntry(torn), clock_.NowMs(), &next);
    next.torn_lines += CountLines(ended);
    next.torn_tail_bytes = 0;
  }
  bytes += AppendToAuditChain(entry, clock_.NowMs(), &next);
  if (Result<void> written = file_->Append(bytes); !written) {
    return written;  // what was written is a torn tail, which the next append finds
  }
  if (Result<void> synced = file_->Sync(); !synced) {
    failed_ = true;
    return synced;
  }
  state_ = std::move(next);
  size_ += torn_.size() + bytes.size();
  torn_.clear();
  return {};
}

AuditState AuditFile::state() const {
  const std::lock_guard guard(mutex_);
  return state_;
}

}  // namespace bulkhead
