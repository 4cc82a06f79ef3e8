// Opening and erasing, always recorded first. audit/ is a sibling room: main/ joins the recorder to
// the audit file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/ids.h"
#include "vault/vault.h"

namespace bulkhead {

struct VaultRequest {
  ProjectId project;
  std::string actor;    // who asks; never empty
  std::string purpose;  // why; never empty, and without personal data: it is kept for ever
};

struct VaultAct {
  VaultRequest request;
  std::string action;  // "reveal", "erase", "find"
  std::vector<SubjectId> subjects;
  uint64_t count = 0;  // values concerned
  std::string
      outcome;  // "allowed" before the act; "failed" where it then failed; "done" after an erasure
};

class RevealRecorder {
 public:
  virtual ~RevealRecorder() = default;
  // Durable when it returns; an error means that the act does not happen.
  virtual Result<void> Record(const VaultAct& act) = 0;
};

// Each asks for the record first and releases nothing without it.
Result<std::vector<RevealedField>> RecordedReveal(Vault& vault, RevealRecorder& recorder,
                                                  const VaultRequest& request,
                                                  const SubjectId& subject);
Result<ErasedSubject> RecordedErase(Vault& vault, RevealRecorder& recorder,
                                    const VaultRequest& request, const SubjectId& subject,
                                    uint64_t log_end);
Result<std::vector<SubjectId>> RecordedFind(Vault& vault, RevealRecorder& recorder,
                                            const VaultRequest& request, std::string_view email);

}  // namespace bulkhead
