// What the ledger holds of a vendor in some days, counted: the days' files and what is not folded
// yet, together. Files are mapped when this is made, so that they may be replaced meanwhile.
// Memory: within one epoch a bit for each set of fields and some 100,000 subjects; where several
// epochs are joined, or subjects are listed, some hundred megabytes, in as many passes as it takes.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "egress/ledger.h"
#include "egress/ledger_day.h"
#include "egress/ledger_format.h"
#include "egress/ledger_manifest.h"
#include "egress/ledger_unfolded.h"
#include "egress/subject_dictionary.h"

namespace bulkhead {

// One epoch's part.
struct EpochWindow {
  uint32_t epoch = 0;
  SubjectDictionary dictionary;
  std::vector<DayFile> days;
  std::vector<std::vector<uint32_t>> day_sets;  // of each, the table's numbers
  LedgerBatches batches;
  UnfoldedSends unfolded;
  uint64_t sends = 0;

  [[nodiscard]] uint32_t ordinals() const {
    return dictionary.size() + static_cast<uint32_t>(unfolded.newcomers.size());
  }
};

class WindowCount {
 public:
  // Maps what the window needs. `batches` are those that are not in `vendors`.
  static Result<WindowCount> Open(FileSystem& fs, const std::string& dir,
                                  const LedgerWindow& window, const LedgerVendors& vendors,
                                  const LedgerBatches& batches);
  // Once, before the others: reads what is not folded.
  Result<void> Resolve();

  Result<Exposure> Count() const;
  Result<void> ForEachSubject(const Ledger::EachSubject& each) const;

 private:
  struct SetTotals {
    uint64_t sends = 0;
    int32_t first_day = 0, last_day = 0;
  };
  Result<void> OpenEpoch(FileSystem& fs, const std::string& dir, const LedgerWindow& window,
                         const LedgerEpoch& files, EpochWindow* epoch);
  void AddSends(EpochWindow* epoch, uint32_t set, int32_t day, uint64_t sends);

  FieldSetTable table_;
  std::vector<SetTotals> totals_;   // by the table's numbers
  std::deque<EpochWindow> epochs_;  // that have sends in the window, ascending
};

}  // namespace bulkhead
