#include "audit/audit_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "audit/log_files.h"
#include "audit/subject_sets.h"
#include "base/hex.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxGroupEntries = kTileWidth;
constexpr int64_t kMaxTimeMs = 253402300799999;  // the last moment with a year of four digits

// Excludes other processes from the log for the time of one group.
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

// The origin of the log that is there; whether it is true the signatures say.
std::string OriginOf(FileSystem& fs, const std::string& dir, const AuditLogOptions& options) {
  const Result<std::string> bytes = fs.ReadWhole(dir + "/checkpoint");
  const std::string there = bytes ? bytes->substr(0, bytes->find('\n')) : "";
  if (IsNoteName(there)) {
    return there;
  }
  if (!options.origin.empty()) {
    return options.origin;
  }
  const PublicKey key = SigningKey(options.signing_seeds.newest().key).public_key();
  const std::string_view bytes_of_key(reinterpret_cast<const char*>(key.data()), key.size());
  return "bulkhead.audit/" + HexEncode(Sha256(bytes_of_key)).substr(0, 16);
}

std::vector<SigningKey> SigningKeysOf(const KeyRing& seeds) {
  std::vector<SigningKey> keys;
  for (const KeyRing::Entry& seed : seeds.entries()) {
    keys.emplace_back(seed.key);
  }
  return keys;
}

// An entry on its way, owned by the thread that waits for it.
struct Pending {
  AuditRecord record;
  std::vector<SubjectHandle> handles;
  Result<AuditReceipt> result = Error{ErrorCode::kBug, "not written"};
  bool done = false;
};

}  // namespace

class AuditLog::Impl {
 public:
  Impl(FileSystem& fs, std::string dir, AuditLogOptions options)
      : fs_(fs),
        dir_(std::move(dir)),
        options_(std::move(options)),
        signing_keys_(SigningKeysOf(options_.signing_seeds)),
        files_(fs, dir_, OriginOf(fs, dir_, options_), signing_keys_),
        sets_(fs, dir_, &options_.subjects_keys) {}

  Result<void> Start();
  Result<AuditReceipt> Append(const AuditEntry& entry);
  Result<AuditReader> Read() const;
  Result<void> Forget(std::span<const SubjectId> subjects);
  Result<uint64_t> RewrapSets();

  [[nodiscard]] std::string signed_checkpoint() const {
    const std::lock_guard lock(published_mutex_);
    return published_;
  }
  [[nodiscard]] uint64_t size() const {
    const std::lock_guard lock(published_mutex_);
    return published_size_;
  }
  [[nodiscard]] const LogKeys& keys() const { return files_.public_keys(); }
  [[nodiscard]] SubjectSetReader NewSetReader() const {
    return {fs_, dir_, &options_.subjects_keys};
  }
  [[nodiscard]] SubjectHandles& handles() const { return *handles_; }

 private:
  Result<void> CatchUp();
  Result<void> Commit(const std::vector<Pending*>& group);
  Result<void> WriteSubjects(const std::vector<Pending*>& group, uint64_t old_size);
  void NotePublished(uint64_t size);

  FileSystem& fs_;
  const std::string dir_;
  AuditLogOptions options_;
  std::vector<SigningKey> signing_keys_;
  std::unique_ptr<SubjectHandles> handles_;

  std::mutex queue_mutex_;
  std::condition_variable queue_changed_;
  std::vector<Pending*> queue_;
  bool is_committing_ = false;

  // Of whoever commits.
  std::mutex commit_mutex_;
  LogFiles files_;
  SubjectSetWriter sets_;
  LogEnd end_;
  bool must_load_ = true;

  mutable std::mutex published_mutex_;
  std::string published_;
  uint64_t published_size_ = 0;
};

Result<void> AuditLog::Impl::Start() {
  if (Result<void> made = fs_.CreateDirs(dir_); !made) {
    return made;
  }
  const FileLock lock(dir_ + "/lock");
  if (!lock.held()) {
    return Error{ErrorCode::kUnavailable, "cannot lock " + dir_};
  }
  Result<std::unique_ptr<SubjectHandles>> handles =
      SubjectHandles::Open(fs_, dir_ + "/subjects", &options_.subjects_keys);
  if (!handles) {
    return handles.error();
  }
  handles_ = *std::move(handles);
  if (Result<void> rewrapped = handles_->Rewrap(); !rewrapped) {
    return rewrapped;
  }
  return CatchUp();
}

void AuditLog::Impl::NotePublished(uint64_t size) {
  {
    const std::lock_guard lock(published_mutex_);
    published_ = files_.signed_checkpoint();
    published_size_ = size;
  }
  if (options_.published) {
    options_.published(files_.signed_checkpoint());
  }
}

// What is on disk is taken up where another process wrote, or where a write of ours failed.
Result<void> AuditLog::Impl::CatchUp() {
  if (!must_load_) {
    const Result<bool> unchanged = files_.IsUnchanged();
    if (!unchanged) {
      return unchanged.error();
    }
    must_load_ = !*unchanged;
  }
  const Result<bool> same_handles = handles_->IsCurrent();
  if (!same_handles) {
    return same_handles.error();
  }
  if (!*same_handles) {
    if (Result<void> loaded = handles_->Reload(); !loaded) {
      return loaded;
    }
  }
  if (!must_load_) {
    return {};
  }
  sets_.Reset();
  Result<LogEnd> end = files_.Load();
  if (!end) {
    return end.error();
  }
  if (end->size() < end_.size()) {
    return Error{ErrorCode::kCorruption, dir_ + ": the audit log became shorter"};
  }
  end_ = *std::move(end);
  must_load_ = false;
  NotePublished(end_.size());
  return {};
}

Result<void> AuditLog::Impl::WriteSubjects(const std::vector<Pending*>& group, uint64_t old_size) {
  if (Result<void> saved = handles_->Save(); !saved) {
    return saved;
  }
  std::vector<NewSubjectSet> sets;
  for (Pending* pending : group) {
    if (pending->record.set) {
      sets.push_back({pending->record.index, *pending->record.set, std::move(pending->handles)});
    }
  }
  return sets_.Append(sets, old_size);
}

Result<void> AuditLog::Impl::Commit(const std::vector<Pending*>& group) {
  const FileLock lock(dir_ + "/lock");
  if (!lock.held()) {
    return Error{ErrorCode::kUnavailable, "cannot lock " + dir_};
  }
  if (Result<void> caught_up = CatchUp(); !caught_up) {
    return caught_up;
  }
  must_load_ = true;  // unless everything below succeeds
  LogGrowth growth;
  growth.end = end_;
  growth.old_size = end_.size();
  for (Pending* pending : group) {
    AuditRecord& record = pending->record;
    record.index = growth.end.size();
    record.ts_ms = std::clamp(options_.clock->NowMs(), growth.end.last_ts_ms, kMaxTimeMs);
    growth.end.last_ts_ms = record.ts_ms;
    growth.Add(WriteAuditRecord(record));
  }
  if (Result<void> written = WriteSubjects(group, growth.old_size); !written) {
    return written;
  }
  if (Result<void> written = files_.WriteTiles(growth); !written) {
    return written;
  }
  if (Result<void> published = files_.Publish(growth.end); !published) {
    return published;
  }
  must_load_ = false;
  end_ = growth.end;
  files_.DropPartialTiles(growth);
  NotePublished(end_.size());
  return {};
}

Result<AuditReceipt> AuditLog::Impl::Append(const AuditEntry& entry) {
  if (std::optional<std::string> fault = FaultOfEntry(entry)) {
    return Error{ErrorCode::kInvalid, std::move(*fault)};
  }
  Pending pending;
  pending.record.entry = entry;
  if (entry.action != kEraseAction && !entry.subjects.empty()) {
    pending.handles = handles_->Assign(entry.subjects);
    pending.record.set = CommitToSet(&pending.handles);
    pending.record.entry.subjects.clear();
  }
  std::unique_lock lock(queue_mutex_);
  queue_.push_back(&pending);
  while (!pending.done) {
    if (is_committing_) {
      queue_changed_.wait(lock);
      continue;
    }
    // This thread writes for everyone who waits.
    is_committing_ = true;
    const size_t count = std::min(queue_.size(), kMaxGroupEntries);
    const std::vector<Pending*> group(queue_.begin(),
                                      queue_.begin() + static_cast<ptrdiff_t>(count));
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(count));
    lock.unlock();
    Result<void> committed;
    uint64_t tree_size = 0;
    {
      const std::lock_guard commit_lock(commit_mutex_);
      committed = Commit(group);
      tree_size = end_.size();
    }
    lock.lock();
    for (Pending* one : group) {
      one->result =
          committed
              ? Result<AuditReceipt>(AuditReceipt{one->record.index, tree_size, one->record.ts_ms})
              : committed.error();
      one->done = true;
    }
    is_committing_ = false;
    queue_changed_.notify_all();
  }
  return pending.result;
}

Result<AuditReader> AuditLog::Impl::Read() const {
  return AuditReader::OpenAt(FetchFromDirectory(fs_, dir_), keys(), signed_checkpoint());
}

Result<void> AuditLog::Impl::Forget(std::span<const SubjectId> subjects) {
  const std::lock_guard commit_lock(commit_mutex_);
  const FileLock lock(dir_ + "/lock");
  if (!lock.held()) {
    return Error{ErrorCode::kUnavailable, "cannot lock " + dir_};
  }
  const Result<bool> is_current = handles_->IsCurrent();
  if (!is_current) {
    return is_current.error();
  }
  if (!*is_current) {
    if (Result<void> loaded = handles_->Reload(); !loaded) {
      return loaded;
    }
  }
  return handles_->Forget(subjects);
}

// A bundle at a time, so that appends wait for one file only. What is appended meanwhile is under
// the newest key already; the table of subjects is since the start.
Result<uint64_t> AuditLog::Impl::RewrapSets() {
  Result<AuditReader> log = Read();
  if (!log) {
    return log.error();
  }
  uint64_t files = 0;
  for (uint64_t begin = 0; begin < log->size(); begin += kTileWidth) {
    std::map<uint64_t, SubjectSetRoot> roots;
    const auto take = [&](uint64_t index, std::string_view bytes) -> Result<bool> {
      const std::optional<AuditRecord> record = ReadAuditRecord(bytes);
      if (record && record->set) {
        roots.emplace(index, *record->set);
      }
      return true;
    };
    const std::lock_guard commit_lock(commit_mutex_);
    const FileLock lock(dir_ + "/lock");
    if (!lock.held()) {
      return Error{ErrorCode::kUnavailable, "cannot lock " + dir_};
    }
    // The last bundle may have grown since.
    if (begin + kTileWidth > log->size()) {
      log = Read();
    }
    Result<void> read = log ? log->ForEach(begin, begin + kTileWidth, take) : log.error();
    if (!read) {
      return read.error();
    }
    sets_.Reset();
    const Result<bool> written = RewrapSubjectSets(fs_, dir_, options_.subjects_keys, roots);
    if (!written) {
      return written.error();
    }
    files += *written ? 1 : 0;
  }
  return files;
}

AuditLog::AuditLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AuditLog::~AuditLog() = default;

Result<std::unique_ptr<AuditLog>> AuditLog::Open(FileSystem& fs, std::string dir,
                                                 AuditLogOptions options) {
  if (options.signing_seeds.empty() || options.subjects_keys.empty() ||
      (!options.origin.empty() && !IsNoteName(options.origin))) {
    return Error{ErrorCode::kInvalid, "an audit log needs its keys, and a name without spaces"};
  }
  auto impl = std::make_unique<Impl>(fs, std::move(dir), std::move(options));
  if (Result<void> started = impl->Start(); !started) {
    return started.error();
  }
  return std::unique_ptr<AuditLog>(new AuditLog(std::move(impl)));
}

Result<AuditReceipt> AuditLog::Append(const AuditEntry& entry) { return impl_->Append(entry); }
const LogKeys& AuditLog::keys() const { return impl_->keys(); }
std::string AuditLog::signed_checkpoint() const { return impl_->signed_checkpoint(); }
uint64_t AuditLog::size() const { return impl_->size(); }
Result<AuditReader> AuditLog::Read() const { return impl_->Read(); }

Result<void> AuditLog::CheckNotBehind(std::string_view noted_checkpoint) const {
  const Result<Checkpoint> noted = OpenCheckpoint(noted_checkpoint, impl_->keys());
  if (!noted) {
    return noted.error();
  }
  Result<AuditReader> log = impl_->Read();
  if (!log) {
    return log.error();
  }
  if (log->size() < noted->size) {
    return Error{ErrorCode::kCorruption, "the audit log has " + std::to_string(log->size()) +
                                             " entries and had " + std::to_string(noted->size) +
                                             " before: an older copy was put back"};
  }
  const Result<TreeHash> root = log->RootAt(noted->size);
  if (!root) {
    return root.error();
  }
  return *root == noted->root
             ? Result<void>()
             : Error{ErrorCode::kCorruption, "the audit log has another history than before"};
}

Result<SubjectsSeen> AuditLog::ListSubjectsSeen(const SeenQuery& query) const {
  Result<AuditReader> log = impl_->Read();
  if (!log) {
    return log.error();
  }
  SubjectSetReader sets = impl_->NewSetReader();
  return bulkhead::ListSubjectsSeen(*log, sets, impl_->handles(), query);
}

std::vector<SubjectHandle> AuditLog::HandlesOf(std::span<const SubjectId> subjects) {
  return impl_->handles().Assign(subjects);
}

std::vector<std::optional<SubjectHandle>> AuditLog::KnownHandlesOf(
    std::span<const SubjectId> subjects) const {
  return impl_->handles().Find(subjects);
}

Result<std::vector<SubjectHandle>> AuditLog::SetOf(const AuditRecord& record) const {
  if (!record.set) {
    return std::vector<SubjectHandle>{};
  }
  return impl_->NewSetReader().Read(record.index, *record.set);
}

SubjectHandles::Resolved AuditLog::Resolve(std::span<const SubjectHandle> handles) const {
  return impl_->handles().Resolve(handles);
}

Result<uint64_t> AuditLog::RewrapSets() { return impl_->RewrapSets(); }

Result<void> AuditLog::ForgetSubjects(std::span<const SubjectId> subjects) {
  return impl_->Forget(subjects);
}

}  // namespace bulkhead
