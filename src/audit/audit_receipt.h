// A receipt: one entry of the audit log, with what shows that the log contains it. A third party
// checks it with the log's public key alone. docs/formats/audit-receipt.md draws the text. Pure
// functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "audit/audit_entry.h"
#include "audit/signed_note.h"
#include "base/result.h"

namespace bulkhead {

struct ReceiptParts {
  std::string entry;  // the entry's bytes
  uint64_t index = 0;
  std::vector<TreeHash> proof;
  std::string signed_checkpoint;
};

std::string WriteReceipt(const ReceiptParts& parts);
// kCorruption: not a receipt, or one that is written in another way than WriteReceipt does.
Result<ReceiptParts> ParseReceipt(std::string_view text);

struct VerifiedReceipt {
  AuditRecord record;
  Checkpoint checkpoint;
};
// kDenied: the log did not sign it, or its tree does not contain the entry at that place.
Result<VerifiedReceipt> VerifyReceipt(std::string_view text, const LogKeys& log);

}  // namespace bulkhead
