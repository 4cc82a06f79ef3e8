// Writes an audit log for the tests: make_log DIR ENTRIES [SUBJECTS] appends entries to the log in
// DIR, with the keys of the tests, and prints nothing. Many entries go under one checkpoint and
// nothing is synced, so that a million take seconds.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "audit/audit_log.h"
#include "audit/log_files.h"
#include "base/file_system.h"

namespace {

using namespace bulkhead;  // NOLINT

constexpr uint64_t kEntriesPerCheckpoint = 10'000;
constexpr int64_t kStartMs = 1'764'000'000'000;

// The real file system without its syncs.
class UnsyncedFile final : public AppendFile {
 public:
  explicit UnsyncedFile(std::unique_ptr<AppendFile> real) : real_(std::move(real)) {}
  Result<void> Append(std::string_view bytes) override { return real_->Append(bytes); }
  Result<void> Sync() override { return {}; }
  Result<void> Truncate(uint64_t size) override { return real_->Truncate(size); }

 private:
  std::unique_ptr<AppendFile> real_;
};

class UnsyncedFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path) override {
    Result<std::unique_ptr<AppendFile>> file = real_.OpenAppend(path);
    if (!file) {
      return file;
    }
    return std::unique_ptr<AppendFile>(new UnsyncedFile(*std::move(file)));
  }
  Result<std::unique_ptr<ReadFile>> OpenRead(const std::string& path) override {
    return real_.OpenRead(path);
  }
  Result<std::unique_ptr<MappedFile>> Map(const std::string& path) override {
    return real_.Map(path);
  }
  Result<std::string> ReadWhole(const std::string& path) override { return real_.ReadWhole(path); }
  Result<std::vector<std::string>> List(const std::string& dir) override { return real_.List(dir); }
  Result<void> Remove(const std::string& path) override { return real_.Remove(path); }
  Result<void> Rename(const std::string& from, const std::string& to) override {
    return real_.Rename(from, to);
  }
  Result<void> CreateDirs(const std::string& dir) override { return real_.CreateDirs(dir); }
  Result<void> SyncDir(const std::string& /*dir*/) override { return {}; }
  Result<uint64_t> FreeBytes(const std::string& dir) override { return real_.FreeBytes(dir); }
  bool Exists(const std::string& path) override { return real_.Exists(path); }

 private:
  FileSystem& real_ = RealFileSystem();
};

SecretBytes TestKey(uint8_t byte) {
  SecretBytes key(kKeyBytes);
  key.data()[0] = byte;
  return key;
}

AuditEntry EntryOf(uint64_t number) {
  AuditEntry entry;
  entry.actor = "bulkhead.00" + std::to_string(number % 37) + ".mp-service-account";
  entry.action = number % 5 == 0 ? "export" : "engage";
  entry.project = 1;
  entry.scope = "one person, page 0";
  entry.count = 1;
  entry.outcome = "allowed";
  return entry;
}

// Through the log itself, each entry with subjects.
Result<void> AppendWithSubjects(FileSystem& fs, const std::string& dir, uint64_t count,
                                uint64_t subjects) {
  AuditLogOptions options;
  options.origin = "log.example/audit";
  options.signing_seeds = KeyRing(TestKey(1));
  options.subjects_keys = KeyRing(TestKey(2));
  Result<std::unique_ptr<AuditLog>> log = AuditLog::Open(fs, dir, std::move(options));
  if (!log) {
    return log.error();
  }
  for (uint64_t i = 0; i < count; ++i) {
    AuditEntry entry = EntryOf(i);
    for (uint64_t s = 0; s < subjects; ++s) {
      SubjectId subject;
      subject.bytes[0] = static_cast<uint8_t>(s);
      subject.bytes[1] = static_cast<uint8_t>(i);
      entry.subjects.push_back(subject);
    }
    if (Result<AuditReceipt> receipt = (*log)->Append(entry); !receipt) {
      return receipt.error();
    }
  }
  return {};
}

// Behind the log's face, without subjects.
Result<void> AppendMany(FileSystem& fs, const std::string& dir, uint64_t count) {
  const SigningKey key(TestKey(1));
  LogFiles files(fs, dir, "log.example/audit", {&key, 1});
  Result<LogEnd> end = files.Load();
  if (!end) {
    return end.error();
  }
  while (count > 0) {
    LogGrowth growth;
    growth.old_size = end->size();
    growth.end = *std::move(end);
    for (uint64_t i = 0; i < std::min(count, kEntriesPerCheckpoint); ++i) {
      AuditRecord record;
      record.entry = EntryOf(growth.end.size());
      record.index = growth.end.size();
      record.ts_ms = kStartMs + static_cast<int64_t>(record.index) * 100;
      growth.end.last_ts_ms = record.ts_ms;
      growth.Add(WriteAuditRecord(record));
    }
    count -= growth.end.size() - growth.old_size;
    if (Result<void> written = files.WriteTiles(growth); !written) {
      return written;
    }
    if (Result<void> published = files.Publish(growth.end); !published) {
      return published;
    }
    files.DropPartialTiles(growth);
    end = std::move(growth.end);
  }
  const std::string keys = files.public_keys().front().ToText() + "\n";
  return fs.WriteFileAtomically(dir + "/audit.pub", keys);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    return 2;
  }
  UnsyncedFileSystem fs;
  const uint64_t count = std::strtoull(argv[2], nullptr, 10);
  Result<void> done =
      argc > 3 ? AppendWithSubjects(fs, argv[1], count, std::strtoull(argv[3], nullptr, 10))
               : AppendMany(fs, argv[1], count);
  if (!done) {
    std::fprintf(stderr, "%s\n", done.error().message.c_str());
    return 1;
  }
  return 0;
}
