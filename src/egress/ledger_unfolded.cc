#include "egress/ledger_unfolded.h"

#include <algorithm>

namespace bulkhead {
namespace {

struct Send {
  SubjectId subject;
  int32_t day = 0;
  uint32_t set = 0;
};

// Of somebody; the rest is counted in `unfolded` at once.
std::vector<Send> CollectSends(const LedgerBatches& batches, std::span<const SubjectId> gone,
                               FieldSetTable* table, UnfoldedSends* unfolded) {
  std::vector<Send> sends;
  size_t count = 0;
  for (const LedgerBatchRef& batch : batches) count += batch->sends.size();
  sends.reserve(count);
  for (const LedgerBatchRef& batch : batches) {
    std::vector<uint32_t> numbers;
    for (const SentFields& fields : batch->field_sets) numbers.push_back(table->Intern(fields));
    for (const LedgerSend& send : batch->sends) {
      const uint32_t set = numbers[send.fields];
      if (send.subject.IsNobody() || std::binary_search(gone.begin(), gone.end(), send.subject)) {
        ++unfolded->days[batch->day].nobody[set];
      } else {
        sends.push_back({send.subject, batch->day, set});
      }
    }
  }
  return sends;
}

// Equal ones that follow each other become one.
void CountEqual(std::vector<UnfoldedEntry>* entries) {
  std::sort(entries->begin(), entries->end(), [](const UnfoldedEntry& a, const UnfoldedEntry& b) {
    return a.ordinal != b.ordinal ? a.ordinal < b.ordinal : a.set < b.set;
  });
  size_t kept = 0;
  for (const UnfoldedEntry& entry : *entries) {
    if (kept > 0 && (*entries)[kept - 1].ordinal == entry.ordinal &&
        (*entries)[kept - 1].set == entry.set) {
      (*entries)[kept - 1].count += entry.count;
    } else {
      (*entries)[kept++] = entry;
    }
  }
  entries->resize(kept);
}

}  // namespace

std::map<std::pair<std::string, uint32_t>, LedgerBatches> GroupBatches(
    const LedgerBatches& batches) {
  std::map<std::pair<std::string, uint32_t>, LedgerBatches> groups;
  for (const LedgerBatchRef& batch : batches) {
    groups[{batch->vendor, batch->epoch}].push_back(batch);
  }
  return groups;
}

Result<UnfoldedSends> ResolveSends(const SubjectDictionary& dictionary,
                                   const LedgerBatches& batches, std::span<const SubjectId> gone,
                                   FieldSetTable* table) {
  UnfoldedSends unfolded;
  std::vector<Send> sends = CollectSends(batches, gone, table, &unfolded);
  std::sort(sends.begin(), sends.end(),
            [](const Send& a, const Send& b) { return a.subject < b.subject; });
  std::vector<SubjectId> subjects;
  for (const Send& send : sends) {
    if (subjects.empty() || subjects.back() != send.subject) subjects.push_back(send.subject);
  }
  Result<std::vector<uint32_t>> ordinals = dictionary.Find(subjects);
  if (!ordinals) return ordinals.error();
  for (size_t i = 0; i < subjects.size(); ++i) {
    if ((*ordinals)[i] != kNoOrdinal) continue;
    if (unfolded.newcomers.size() >= kMaxLedgerSubjects - dictionary.size()) {
      return Error{ErrorCode::kLimit, "ledger: an epoch has too many subjects"};
    }
    (*ordinals)[i] = dictionary.size() + static_cast<uint32_t>(unfolded.newcomers.size());
    unfolded.newcomers.push_back(subjects[i]);
  }
  size_t subject = 0;
  for (const Send& send : sends) {
    if (subjects[subject] != send.subject) ++subject;
    unfolded.days[send.day].entries.push_back({(*ordinals)[subject], send.set, 1});
  }
  for (auto& [day, of_day] : unfolded.days) CountEqual(&of_day.entries);
  return unfolded;
}

}  // namespace bulkhead
