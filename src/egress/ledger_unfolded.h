// Sends that stand in the journal and in no file of their day yet, brought into the form of the
// files: by day and ordinal. What folds them and what counts them with the rest both begin here.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "egress/ledger.h"
#include "egress/ledger_format.h"
#include "egress/subject_dictionary.h"

namespace bulkhead {

using LedgerBatchRef = std::shared_ptr<const LedgerBatch>;
using LedgerBatches = std::vector<LedgerBatchRef>;

// By vendor and epoch.
std::map<std::pair<std::string, uint32_t>, LedgerBatches> GroupBatches(
    const LedgerBatches& batches);

struct UnfoldedEntry {
  uint32_t ordinal = 0;
  uint32_t set = 0;  // of the table
  uint64_t count = 0;
};

struct UnfoldedDay {
  std::vector<UnfoldedEntry> entries;   // by ordinal, then set; each pair once
  std::map<uint32_t, uint64_t> nobody;  // sends by set
};

struct UnfoldedSends {
  std::vector<SubjectId> newcomers;  // sorted; their ordinals follow the dictionary's
  std::map<int32_t, UnfoldedDay> days;
};

// Of one vendor and epoch. Those of `gone`, which is sorted, count as nobody's. kLimit: there are
// more subjects than an epoch can have.
Result<UnfoldedSends> ResolveSends(const SubjectDictionary& dictionary,
                                   const LedgerBatches& batches, std::span<const SubjectId> gone,
                                   FieldSetTable* table);

}  // namespace bulkhead
