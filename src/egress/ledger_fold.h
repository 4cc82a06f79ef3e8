// Folding: the journal's sends go into the files of their days, and erased subjects out of all
// files. Files are only added here; what makes them count is the manifest that its caller writes.
#pragma once

#include <span>
#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "egress/ledger_files.h"
#include "egress/ledger_manifest.h"
#include "egress/ledger_unfolded.h"
#include "model/ids.h"

namespace bulkhead {

struct LedgerChange {
  const LedgerBatches& batches;     // in the order in which they were recorded
  std::span<const SubjectId> gone;  // sorted, each once, none of them nobody
};

// What the ledger consists of after the change. Files that do not change stay the same ones. After
// an error what the writer has begun is to be removed.
Result<LedgerVendors> FoldLedger(FileSystem& fs, const std::string& dir, const LedgerVendors& now,
                                 const LedgerChange& change, LedgerFileWriter* writer);

}  // namespace bulkhead
