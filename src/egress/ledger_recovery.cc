// Opening: the manifest, the journals behind it, and what a crash left.
#include <algorithm>
#include <set>
#include <utility>

#include "egress/ledger_files.h"
#include "egress/ledger_format.h"
#include "egress/ledger_impl.h"

namespace bulkhead {
namespace {

Result<void> MakeDirectory(FileSystem& fs, const std::string& dir) {
  if (fs.Exists(dir)) return {};
  if (Result<void> made = fs.CreateDirs(dir); !made) return made;
  const size_t slash = dir.rfind('/');
  return fs.SyncDir(slash == std::string::npos ? "." : slash == 0 ? "/" : dir.substr(0, slash));
}

}  // namespace

Result<void> LedgerImpl::Recover() {
  if (Result<void> made = MakeDirectory(fs_, dir_); !made) return made;
  if (Result<void> read = ReadManifest(); !read) return read;
  if (Result<void> checked = CheckNames(); !checked) return checked;
  for (const auto& [name, vendor] : manifest_.vendors) {
    last_sequence_[name] = vendor.last_sequence;
  }
  const Result<JournalRead> last = ReadJournals();
  if (!last) return last.error();
  // The manifest that was read may not be durable yet, and the one before it may need other files.
  if (Result<void> synced = fs_.SyncDir(dir_); !synced) return synced;
  if (Result<void> removed = RemoveStrays(); !removed) return removed;
  if (Result<void> prepared = PrepareJournal(); !prepared) return prepared;
  // What can be read of the last record need not be on the disk: it is written once more. Those
  // before it are, since each was durable before the next was written.
  if (last->records == 0) return StartPrepared(0);
  if (Result<void> written = prepared_->Append(last->last); !written) return written;
  return StartPrepared(last->records - 1);
}

Result<void> LedgerImpl::ReadManifest() {
  const std::string path = dir_ + "/" + std::string(kLedgerManifestName);
  if (!fs_.Exists(path)) {
    const Result<std::vector<std::string>> names = fs_.List(dir_);
    if (!names) return names.error();
    for (const std::string& name : *names) {
      if (IsLedgerFileName(name) && !name.ends_with(".tmp")) {
        return NameLedgerFile(std::string(kLedgerManifestName),
                              {ErrorCode::kCorruption, "missing, while there are other files"});
      }
    }
    return Commit({});
  }
  const Result<std::string> bytes = fs_.ReadWhole(path);
  if (!bytes) return bytes.error();
  Result<LedgerManifest> manifest = DecodeLedgerManifest(*bytes, *keys_);
  if (!manifest) return manifest.error();
  manifest_ = *std::move(manifest);
  next_file_ = manifest_.next_file;
  return {};
}

Result<void> LedgerImpl::CheckNames() const {
  const Result<std::vector<std::string>> names = fs_.List(dir_);
  if (!names) return names.error();
  for (const std::string& name : LedgerFileNames(manifest_)) {
    if (!std::binary_search(names->begin(), names->end(), name)) {
      return NameLedgerFile(name, {ErrorCode::kCorruption, "missing"});
    }
  }
  return {};
}

Result<void> LedgerImpl::RemoveStrays() {
  const Result<std::vector<std::string>> names = fs_.List(dir_);
  if (!names) return names.error();
  const std::vector<std::string> named = LedgerFileNames(manifest_);
  const std::set<std::string> needed(named.begin(), named.end());
  for (const std::string& name : *names) {
    if (IsLedgerFileName(name) && !needed.contains(name)) doomed_.push_back(name);
  }
  return RemoveDoomed();
}

// Answers with what the last one held.
Result<JournalRead> LedgerImpl::ReadJournals() {
  JournalRead read;
  for (const LedgerJournalFile& journal : manifest_.journals) {
    read = {};
    if (Result<void> done = ReadJournal(journal, &read); !done) {
      return NameLedgerFile(LedgerFileName(LedgerFileKind::kJournal, journal.number), done.error());
    }
  }
  return read;
}

Result<void> LedgerImpl::ReadJournal(const LedgerJournalFile& journal, JournalRead* read) {
  const Result<std::unique_ptr<MappedFile>> map =
      fs_.Map(dir_ + "/" + LedgerFileName(LedgerFileKind::kJournal, journal.number));
  if (!map) return map.error();
  Result<JournalRead> done = ReadLedgerJournal(
      (*map)->bytes(), *journal.key, journal.records, [&](std::string_view payload) {
        Result<LedgerBatch> batch = DecodeLedgerBatch(payload);
        if (!batch) return Result<void>(batch.error());
        if (batch->sequence <= last_sequence_[batch->vendor]) {
          return Result<void>(Error{ErrorCode::kCorruption, "a batch that had been recorded"});
        }
        TakeBatch(std::make_shared<const LedgerBatch>(*std::move(batch)));
        return Result<void>();
      });
  if (!done) return done.error();
  *read = *std::move(done);
  closed_bytes_[journal.number] = (*map)->bytes().size();
  return {};
}

}  // namespace bulkhead
