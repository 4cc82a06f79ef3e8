// The text that says what the ledger holds of a vendor (docs/formats/ledger.md has its form).
#pragma once

#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/result.h"
#include "egress/ledger_manifest.h"
#include "egress/ledger_unfolded.h"

namespace bulkhead {

struct LedgerStatement {
  std::string_view vendor;
  const LedgerVendor& files;
  const LedgerBatches& unfolded;  // of this vendor alone
};

// Reads every file of the vendor. kCorruption: one is not what was written.
Result<std::string> StatementText(FileSystem& fs, const std::string& dir,
                                  const LedgerStatement& statement);

}  // namespace bulkhead
