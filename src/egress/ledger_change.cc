// Everything that changes which files there are: journals, folding, erasure, keys.
#include <algorithm>
#include <set>
#include <utility>

#include "egress/ledger_fold.h"
#include "egress/ledger_format.h"
#include "egress/ledger_impl.h"

namespace bulkhead {
namespace {

// A batch costs memory and bytes of its own, whatever is in it.
constexpr uint64_t kBatchCost = 16;
// Recording does not wait for a fold that is under way before so many times what one begins at.
constexpr uint64_t kMostBehind = 3;

}  // namespace

void LedgerImpl::TakeBatch(LedgerBatchRef batch) {
  last_sequence_[batch->vendor] = batch->sequence;
  unfolded_sends_ += batch->sends.size();
  unfolded_.push_back(std::move(batch));
}

// --- Journals ---

// It may have been named by a manifest whose writing failed half-way, so that it is kept until one
// is written that names it.
Result<void> LedgerImpl::PrepareJournal() {
  if (prepared_) return {};
  const uint64_t number = next_file_++;
  Result<std::unique_ptr<LedgerJournal>> begun = LedgerJournal::Begin(fs_, dir_, number);
  if (!begun) {
    doomed_.push_back(LedgerFileName(LedgerFileKind::kJournal, number));
    return begun.error();
  }
  prepared_ = std::move(*begun);
  return {};
}

// From here on the prepared one is written to, and the one before it ends after so many records.
Result<void> LedgerImpl::StartPrepared(uint64_t records_before) {
  LedgerManifest next = manifest_;
  if (!next.journals.empty() && !next.journals.back().records) {
    next.journals.back().records = records_before;
    if (records_before == 0) next.journals.pop_back();
  }
  next.journals.push_back({prepared_->number(),
                           std::make_shared<const SecretBytes>(prepared_->key().view()),
                           std::nullopt});
  // A manifest that fails half-way may say where the old one ends: nothing is added to it any more.
  journal_failed_ = true;
  if (Result<void> committed = Commit(std::move(next)); !committed) return committed;
  if (journal_ && journal_->records() > 0) closed_bytes_[journal_->number()] = journal_->bytes();
  journal_ = std::move(prepared_);
  journal_failed_ = false;
  return {};
}

Result<void> LedgerImpl::BeginJournal() {
  if (Result<void> prepared = PrepareJournal(); !prepared) return prepared;
  return StartPrepared(journal_->records());
}

// --- The manifest ---

Result<void> LedgerImpl::Commit(LedgerManifest next) {
  next.commits = manifest_.commits + 1;
  next.next_file = next_file_;
  Result<void> written = fs_.WriteFileAtomically(dir_ + "/" + std::string(kLedgerManifestName),
                                                 EncodeLedgerManifest(next, *keys_));
  if (!written) return written;
  const std::vector<std::string> named = LedgerFileNames(next);
  const std::set<std::string> needed(named.begin(), named.end());
  for (std::string& name : LedgerFileNames(manifest_)) {
    if (!needed.contains(name)) doomed_.push_back(std::move(name));
  }
  manifest_ = std::move(next);
  [[maybe_unused]] const Result<void> later = RemoveDoomed();
  return {};
}

Result<void> LedgerImpl::RemoveDoomed() {
  Result<void> all;
  std::erase_if(doomed_, [&](const std::string& name) {
    Result<void> removed = fs_.Remove(dir_ + "/" + name);
    const bool gone = removed || removed.error().code == ErrorCode::kNotFound;
    if (!gone) all = removed;
    return gone;
  });
  return all;
}

Result<void> LedgerImpl::UseKeys(const KeyRing& keys) {
  const std::lock_guard lock(mutex_);
  const KeyRing* const old = std::exchange(keys_, &keys);
  Result<void> committed = Commit(manifest_);
  if (!committed) keys_ = old;
  return committed;
}

// --- Folding and erasure ---

bool LedgerImpl::FoldIsDue(uint64_t factor) const {
  const std::lock_guard lock(mutex_);
  const uint64_t cost = unfolded_sends_ + unfolded_.size() * kBatchCost;
  return cost >= fold_failed_at_ + options_.fold_after_sends * factor;
}

// What fails stays in the journal and is tried again when as much has come once more.
void LedgerImpl::FoldIfDue() {
  if (!FoldIsDue(1)) return;
  std::unique_lock changing(changing_, std::defer_lock);
  if (!FoldIsDue(kMostBehind)) {
    if (!changing.try_lock()) return;
  } else {
    changing.lock();
  }
  if (!FoldIsDue(1)) return;
  if (!Change({})) {
    const std::lock_guard lock(mutex_);
    fold_failed_at_ = unfolded_sends_ + unfolded_.size() * kBatchCost;
  }
}

Result<void> LedgerImpl::Fold() {
  const std::lock_guard changing(changing_);
  return Change({});
}

Result<void> LedgerImpl::Forget(std::span<const SubjectId> subjects) {
  std::vector<SubjectId> gone(subjects.begin(), subjects.end());
  std::sort(gone.begin(), gone.end());
  gone.erase(std::unique(gone.begin(), gone.end()), gone.end());
  std::erase(gone, SubjectId{});
  if (gone.empty()) return {};
  const std::lock_guard changing(changing_);
  if (Result<void> changed = Change(gone); !changed) return changed;
  // Erased means that the old files are not there any more.
  const std::lock_guard lock(mutex_);
  if (Result<void> removed = RemoveDoomed(); !removed) return removed;
  return fs_.SyncDir(dir_);
}

Result<void> LedgerImpl::Change(std::span<const SubjectId> gone) {
  LedgerBatches batches;
  LedgerVendors vendors;
  size_t journals = 0;
  {
    const std::lock_guard lock(mutex_);
    if (unfolded_.empty() && gone.empty()) return {};
    // A failed one may hold a record that was never answered well, and whom it is of.
    if (!unfolded_.empty() || journal_failed_) {
      if (Result<void> begun = BeginJournal(); !begun) return begun;
    }
    batches = unfolded_;
    vendors = manifest_.vendors;
    journals = manifest_.journals.size() - 1;
  }
  LedgerFileWriter writer(fs_, dir_, &next_file_);
  Result<LedgerVendors> folded = FoldLedger(fs_, dir_, vendors, {batches, gone}, &writer);
  if (!folded) {
    for (const std::string& name : writer.names()) {
      [[maybe_unused]] const Result<void> removed = fs_.Remove(dir_ + "/" + name);
    }
    return folded.error();
  }
  if (batches.empty() && writer.names().empty()) return {};
  const std::lock_guard lock(mutex_);
  Result<void> committed = CommitFolded(*std::move(folded), batches.size(), journals);
  if (!committed) {
    // The manifest that failed half-way may name them: they stay until one is written that does
    // not.
    doomed_.insert(doomed_.end(), writer.names().begin(), writer.names().end());
  }
  return committed;
}

Result<void> LedgerImpl::CommitFolded(LedgerVendors folded, size_t batches, size_t journals) {
  LedgerManifest next = manifest_;
  next.vendors = std::move(folded);
  const auto end = next.journals.begin() + static_cast<std::ptrdiff_t>(journals);
  std::vector<uint64_t> closed;
  std::for_each(next.journals.begin(), end,
                [&](const LedgerJournalFile& journal) { closed.push_back(journal.number); });
  next.journals.erase(next.journals.begin(), end);
  if (Result<void> committed = Commit(std::move(next)); !committed) return committed;
  for (const uint64_t number : closed) closed_bytes_.erase(number);
  unfolded_.erase(unfolded_.begin(), unfolded_.begin() + static_cast<std::ptrdiff_t>(batches));
  unfolded_sends_ = fold_failed_at_ = 0;
  for (const LedgerBatchRef& batch : unfolded_) unfolded_sends_ += batch->sends.size();
  return {};
}

}  // namespace bulkhead
