#include "vault/reveal.h"

#include <utility>

namespace bulkhead {
namespace {

Result<void> CheckRequest(const VaultRequest& request) {
  if (request.actor.empty() || request.purpose.empty()) {
    return Error{ErrorCode::kInvalid, "a vault request needs an actor and a purpose"};
  }
  return {};
}

// The act failed after it was recorded as allowed; its own error matters more than one of this
// record.
void RecordFailure(RevealRecorder& recorder, VaultAct act) {
  act.outcome = "failed";
  (void)recorder.Record(act).has_value();
}

}  // namespace

Result<std::vector<RevealedField>> RecordedReveal(Vault& vault, RevealRecorder& recorder,
                                                  const VaultRequest& request,
                                                  const SubjectId& subject) {
  if (Result<void> checked = CheckRequest(request); !checked) {
    return checked.error();
  }
  const Result<uint64_t> count = vault.CountValues(subject);
  if (!count) {
    return count.error();
  }
  const VaultAct act{request, "reveal", {subject}, *count, "allowed"};
  if (Result<void> recorded = recorder.Record(act); !recorded) {
    return recorded.error();
  }
  Result<std::vector<RevealedField>> fields = vault.Reveal(subject);
  if (!fields) {
    RecordFailure(recorder, act);
  }
  return fields;
}

Result<ErasedSubject> RecordedErase(Vault& vault, RevealRecorder& recorder,
                                    const VaultRequest& request, const SubjectId& subject,
                                    uint64_t log_end) {
  if (Result<void> checked = CheckRequest(request); !checked) {
    return checked.error();
  }
  const Result<uint64_t> count = vault.CountValues(subject);
  if (!count) {
    return count.error();
  }
  VaultAct act{request, "erase", {subject}, *count, "allowed"};
  if (Result<void> recorded = recorder.Record(act); !recorded) {
    return recorded.error();
  }
  Result<ErasedSubject> erased = vault.Erase(subject, log_end);
  if (!erased) {
    RecordFailure(recorder, act);
    return erased;
  }
  // The erasure stands whether or not this second line can be written; the first already says that
  // it was begun.
  act.outcome = "done";
  act.count = erased->values;
  (void)recorder.Record(act).has_value();
  return erased;
}

Result<std::vector<SubjectId>> RecordedFind(Vault& vault, RevealRecorder& recorder,
                                            const VaultRequest& request, std::string_view email) {
  if (Result<void> checked = CheckRequest(request); !checked) {
    return checked.error();
  }
  Result<std::vector<SubjectId>> found = vault.FindByEmail(email);
  if (!found) {
    return found;
  }
  if (Result<void> recorded = recorder.Record({request, "find", *found, found->size(), "allowed"});
      !recorded) {
    return recorded.error();
  }
  return found;
}

}  // namespace bulkhead
