#include "egress/ledger.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "egress/ledger_files.h"
#include "egress/ledger_format.h"
#include "egress/ledger_impl.h"
#include "egress/ledger_statement.h"

namespace bulkhead {

Result<std::unique_ptr<Ledger>> Ledger::Open(FileSystem& fs, const std::string& dir,
                                             const KeyRing& keys, const Options& options) {
  auto ledger = std::make_unique<LedgerImpl>(fs, dir, &keys, options);
  if (Result<void> recovered = ledger->Recover(); !recovered) return recovered.error();
  return std::unique_ptr<Ledger>(std::move(ledger));
}

LedgerImpl::~LedgerImpl() {
  if (journal_ && !journal_failed_) journal_->Close();
}

Result<void> LedgerImpl::Record(const LedgerBatch& batch) {
  if (Result<void> checked = CheckLedgerBatch(batch); !checked) return checked;
  const std::string payload = EncodeLedgerBatch(batch);
  if (payload.size() > kMaxLedgerBatchBytes) {
    return Error{ErrorCode::kInvalid, "ledger: a batch is too large"};
  }
  auto copy = std::make_shared<const LedgerBatch>(batch);
  {
    const std::lock_guard lock(mutex_);
    const auto last = last_sequence_.find(batch.vendor);
    if (last != last_sequence_.end() && batch.sequence <= last->second) return {};
    if (journal_failed_) {
      if (Result<void> begun = BeginJournal(); !begun) return begun;
    }
    if (Result<void> written = journal_->Append(payload); !written) {
      journal_failed_ = true;
      return written;
    }
    TakeBatch(std::move(copy));
  }
  FoldIfDue();
  return {};
}

uint64_t LedgerImpl::LastSequence(std::string_view vendor) const {
  const std::lock_guard lock(mutex_);
  const auto found = last_sequence_.find(vendor);
  return found == last_sequence_.end() ? 0 : found->second;
}

Result<WindowCount> LedgerImpl::OpenWindow(const LedgerWindow& window) const {
  Result<WindowCount> count = [&] {
    const std::lock_guard lock(mutex_);
    return WindowCount::Open(fs_, dir_, window, manifest_.vendors, unfolded_);
  }();
  if (!count) return count;
  if (Result<void> resolved = count->Resolve(); !resolved) return resolved.error();
  return count;
}

Result<Exposure> LedgerImpl::Ask(const LedgerWindow& window) const {
  const Result<WindowCount> count = OpenWindow(window);
  if (!count) return count.error();
  return count->Count();
}

Result<void> LedgerImpl::ForEachSubject(const LedgerWindow& window, const EachSubject& each) const {
  const Result<WindowCount> count = OpenWindow(window);
  if (!count) return count.error();
  return count->ForEachSubject(each);
}

Result<void> LedgerImpl::ScanSubjects(std::string_view vendor, std::optional<uint32_t> epoch,
                                      const EachBlock& each) const {
  std::vector<SubjectDictionary> folded;
  LedgerBatches unfolded;
  {
    const std::lock_guard lock(mutex_);
    const auto found = manifest_.vendors.find(std::string(vendor));
    static const LedgerVendor kNone;
    for (const auto& [number, files] :
         (found == manifest_.vendors.end() ? kNone : found->second).epochs) {
      if (epoch && *epoch != number) continue;
      Result<SubjectDictionary> opened = SubjectDictionary::Open(fs_, dir_, files.subjects);
      if (!opened) return opened.error();
      folded.push_back(*std::move(opened));
    }
    std::ranges::copy_if(unfolded_, std::back_inserter(unfolded), [&](const LedgerBatchRef& one) {
      return one->vendor == vendor && (!epoch || *epoch == one->epoch);
    });
  }
  for (const SubjectDictionary& dictionary : folded) {
    Result<void> scanned = dictionary.Scan(
        [&each](uint32_t /*first*/, std::span<const SubjectId> block) { each(block); });
    if (!scanned) return scanned;
  }
  for (const LedgerBatchRef& batch : unfolded) {
    std::vector<SubjectId> block;
    block.reserve(batch->sends.size());
    for (const LedgerSend& send : batch->sends) block.push_back(send.subject);
    each(block);
  }
  return {};
}

std::vector<std::pair<std::string, uint32_t>> LedgerImpl::Epochs() const {
  const std::lock_guard lock(mutex_);
  std::set<std::pair<std::string, uint32_t>> epochs;
  for (const auto& [name, vendor] : manifest_.vendors) {
    for (const auto& [number, epoch] : vendor.epochs) epochs.emplace(name, number);
  }
  for (const LedgerBatchRef& batch : unfolded_) {
    if (!batch->sends.empty()) epochs.emplace(batch->vendor, batch->epoch);
  }
  return {epochs.begin(), epochs.end()};
}

std::optional<int32_t> LedgerImpl::FirstDay(const std::string& vendor, uint32_t epoch) const {
  const std::lock_guard lock(mutex_);
  std::optional<int32_t> first;
  const auto take = [&first](int32_t day) { first = std::min(first.value_or(day), day); };
  if (const auto known = manifest_.vendors.find(vendor); known != manifest_.vendors.end()) {
    const auto days = known->second.epochs.find(epoch);
    if (days != known->second.epochs.end() && !days->second.days.empty()) {
      take(days->second.days.front().day);
    }
  }
  for (const LedgerBatchRef& batch : unfolded_) {
    const bool of_epoch = batch->vendor == vendor && batch->epoch == epoch;
    if (of_epoch && !batch->sends.empty()) take(batch->day);
  }
  return first;
}

Result<std::string> LedgerImpl::Statement(std::string_view vendor) const {
  const std::lock_guard changing(changing_);  // so that the files stay
  LedgerVendor files;
  LedgerBatches unfolded;
  {
    const std::lock_guard lock(mutex_);
    const auto found = manifest_.vendors.find(std::string(vendor));
    if (found != manifest_.vendors.end()) files = found->second;
    std::copy_if(unfolded_.begin(), unfolded_.end(), std::back_inserter(unfolded),
                 [&](const LedgerBatchRef& batch) { return batch->vendor == vendor; });
  }
  return StatementText(fs_, dir_, {vendor, files, unfolded});
}

LedgerStats LedgerImpl::stats() const {
  const std::lock_guard lock(mutex_);
  LedgerStats stats;
  stats.sends = unfolded_sends_;
  stats.journal_bytes = journal_->bytes();
  for (const LedgerJournalFile& journal : manifest_.journals) {
    const auto closed = closed_bytes_.find(journal.number);
    if (closed != closed_bytes_.end()) stats.journal_bytes += closed->second;
  }
  for (const auto& [name, vendor] : manifest_.vendors) {
    for (const auto& [number, epoch] : vendor.epochs) {
      for (const LedgerSubjectsFile& file : epoch.subjects) stats.file_bytes += file.file->bytes;
      for (const LedgerDayFile& day : epoch.days) {
        stats.file_bytes += day.file->bytes;
        stats.sends += day.sends;
      }
    }
  }
  return stats;
}

}  // namespace bulkhead
