#include <utility>

#include "vault/vault_impl.h"

namespace bulkhead {

Result<void> Vault::Impl::UseKeys(VaultKeys keys) {
  if (keys.seal_keys.empty() || keys.subject_wrap_keys.empty() || keys.blind_index_keys.empty()) {
    return Error{ErrorCode::kInvalid, "vault: a ring without a key"};
  }
  const std::lock_guard lock(mutex_);
  seal_keys_ = std::move(keys.seal_keys);
  pseudonyms_ =
      keys.pseudonym_key.empty() ? nullptr : std::make_unique<KeyedHash>(keys.pseudonym_key);
  subject_keys_.UseKeys(std::move(keys.subject_wrap_keys));
  identities_.UseKeys(keys.blind_index_keys);
  return {};
}

Result<RotationProgress> Vault::Impl::RewrapSubjectKeys(uint64_t most) {
  const std::lock_guard lock(mutex_);
  if (Result<void> done = file_key_.Rewrap(subject_keys_.wrap_keys()); !done) {
    return done.error();
  }
  RotationProgress progress;
  {
    Result<VaultTransaction> transaction = VaultTransaction::Begin(&subject_keys_.database());
    if (!transaction) {
      return transaction.error();
    }
    const Result<uint64_t> done = subject_keys_.Rewrap(most);
    const Result<uint64_t> remaining = subject_keys_.CountOld();
    const Result<uint64_t> lost = subject_keys_.CountLost();
    if (!done || !remaining || !lost) {
      return !done ? done.error() : !remaining ? remaining.error() : lost.error();
    }
    progress = {*done, *remaining, *lost};
    if (Result<void> committed = transaction->Commit(); !committed) {
      return committed.error();
    }
  }
  if (progress.remaining > 0) {
    return progress;
  }
  // The mark also stands where an earlier call wrapped the last one and failed before this.
  const Result<bool> pending = subject_keys_.ScrubPending();
  if (!pending) {
    return pending.error();
  }
  const Result<void> scrubbed = *pending ? Scrub() : Result<void>();
  return scrubbed ? Result<RotationProgress>(progress) : scrubbed.error();
}

Result<RotationProgress> Vault::Impl::ReindexAddresses(uint64_t most) {
  const std::lock_guard lock(mutex_);
  Result<VaultTransaction> transaction = VaultTransaction::Begin(&identities_.database());
  if (!transaction) {
    return transaction.error();
  }
  const Result<std::vector<SubjectId>> subjects = identities_.SubjectsToReindex(most);
  if (!subjects) {
    return subjects.error();
  }
  for (const SubjectId& subject : *subjects) {
    const Result<std::vector<RevealedField>> fields = RevealLocked(subject, {});
    if (!fields) {
      return fields.error();
    }
    if (Result<void> done = identities_.Reindex(subject, *fields); !done) {
      return done.error();
    }
  }
  const Result<uint64_t> remaining = identities_.CountOldAddresses();
  if (!remaining) {
    return remaining.error();
  }
  const Result<void> committed = transaction->Commit();
  return committed ? Result<RotationProgress>(RotationProgress{subjects->size(), *remaining, 0})
                   : committed.error();
}

Result<uint64_t> Vault::Impl::AbandonLostKeys() {
  const std::lock_guard lock(mutex_);
  uint64_t abandoned = 0;
  {
    Result<VaultTransaction> transaction = VaultTransaction::Begin(&subject_keys_.database());
    if (!transaction) {
      return transaction.error();
    }
    const Result<uint64_t> lost = subject_keys_.AbandonLost();
    if (!lost) {
      return lost;
    }
    abandoned = *lost;
    if (Result<void> committed = transaction->Commit(); !committed) {
      return committed.error();
    }
  }
  const Result<void> finished = abandoned > 0 ? FinishErasures() : Result<void>();
  return finished ? Result<uint64_t>(abandoned) : finished.error();
}

}  // namespace bulkhead
