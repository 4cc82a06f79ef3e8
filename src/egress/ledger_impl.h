// The ledger behind egress/ledger.h; for its own sources alone.
//
// Two locks: `changing_` lets one change of files (fold, erasure) go on at a time and is held for
// as long as it takes; `mutex_` guards the state and is held for a record's fsync, for writing a
// manifest and for mapping files, so that recording goes on while files are folded.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "egress/ledger.h"
#include "egress/ledger_journal.h"
#include "egress/ledger_manifest.h"
#include "egress/ledger_unfolded.h"
#include "egress/ledger_window.h"

namespace bulkhead {

class LedgerImpl final : public Ledger {
 public:
  LedgerImpl(FileSystem& fs, std::string dir, const KeyRing* keys, const Options& options)
      : fs_(fs), dir_(std::move(dir)), options_(options), keys_(keys) {}
  ~LedgerImpl() override;
  LedgerImpl(const LedgerImpl&) = delete;
  LedgerImpl& operator=(const LedgerImpl&) = delete;

  Result<void> Recover();

  Result<void> Record(const LedgerBatch& batch) override;
  [[nodiscard]] uint64_t LastSequence(std::string_view vendor) const override;
  Result<void> Fold() override;
  [[nodiscard]] Result<Exposure> Ask(const LedgerWindow& window) const override;
  [[nodiscard]] Result<void> ForEachSubject(const LedgerWindow& window,
                                            const EachSubject& each) const override;
  [[nodiscard]] Result<void> ScanSubjects(std::string_view vendor, std::optional<uint32_t> epoch,
                                          const EachBlock& each) const override;
  [[nodiscard]] std::vector<std::pair<std::string, uint32_t>> Epochs() const override;
  [[nodiscard]] std::optional<int32_t> FirstDay(const std::string& vendor,
                                                uint32_t epoch) const override;
  Result<void> Forget(std::span<const SubjectId> subjects) override;
  [[nodiscard]] Result<std::string> Statement(std::string_view vendor) const override;
  Result<void> UseKeys(const KeyRing& keys) override;
  [[nodiscard]] LedgerStats stats() const override;

 private:
  // --- ledger_recovery.cc ---
  Result<void> ReadManifest();
  Result<void> CheckNames() const;
  Result<void> RemoveStrays();
  Result<JournalRead> ReadJournals();
  Result<void> ReadJournal(const LedgerJournalFile& journal, JournalRead* read);

  // --- ledger_change.cc ---
  // As their names say; `mutex_` is held.
  void TakeBatch(LedgerBatchRef batch);
  Result<void> PrepareJournal();
  Result<void> StartPrepared(uint64_t records_before);
  Result<void> BeginJournal();
  Result<void> Commit(LedgerManifest next);
  Result<void> RemoveDoomed();

  [[nodiscard]] bool FoldIsDue(uint64_t factor) const;
  void FoldIfDue();
  // `changing_` is held.
  Result<void> Change(std::span<const SubjectId> gone);
  Result<void> CommitFolded(LedgerVendors folded, size_t batches, size_t journals);

  [[nodiscard]] Result<WindowCount> OpenWindow(const LedgerWindow& window) const;

  FileSystem& fs_;
  const std::string dir_;
  const Options options_;
  mutable std::mutex changing_;
  std::atomic<uint64_t> next_file_{1};

  mutable std::mutex mutex_;  // guards what follows
  const KeyRing* keys_;
  LedgerManifest manifest_;                  // the last that was written
  std::unique_ptr<LedgerJournal> journal_;   // the manifest's last
  bool journal_failed_ = false;              // another is to be begun before anything is recorded
  std::unique_ptr<LedgerJournal> prepared_;  // that no manifest was known to name yet
  LedgerBatches unfolded_;                   // of all journals, in order
  uint64_t unfolded_sends_ = 0;
  uint64_t fold_failed_at_ = 0;                // unfolded_sends_ then
  std::map<uint64_t, uint64_t> closed_bytes_;  // of journals that are not written to any more
  std::map<std::string, uint64_t, std::less<>> last_sequence_;
  std::vector<std::string> doomed_;  // names of files that no manifest needs any more
};

}  // namespace bulkhead
