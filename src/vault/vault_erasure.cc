#include <algorithm>
#include <limits>

#include "vault/vault_impl.h"

namespace bulkhead {
namespace {

constexpr uint64_t kMaxPosition = std::numeric_limits<int64_t>::max() - 1;

}  // namespace

Result<std::vector<ErasedSubject>> Vault::Impl::EraseMany(std::span<const SubjectId> subjects,
                                                          uint64_t log_end) {
  if (log_end > kMaxPosition) {
    return Error{ErrorCode::kInvalid, "vault: a log position beyond the largest"};
  }
  const std::lock_guard lock(mutex_);
  std::vector<ErasedSubject> erased;
  {
    Result<VaultTransaction> transaction = VaultTransaction::Begin(&identities_.database());
    if (!transaction) {
      return transaction.error();
    }
    const Result<std::optional<uint64_t>> cursor = identities_.Cursor();
    if (!cursor) {
      return cursor.error();
    }
    // Another process may have taken more of the log than this one.
    const std::optional<uint64_t> taken = std::max(applied_, *cursor);
    const uint64_t before = std::max(log_end, taken ? *taken + 1 : 0);
    const Result<std::vector<DestroyedKey>> keys = DestroyKeys(subjects, before);
    if (!keys) {
      return keys.error();
    }
    for (size_t i = 0; i < subjects.size(); ++i) {
      const Result<uint64_t> values = identities_.Remove(subjects[i], 0);
      if (!values) {
        return values.error();
      }
      const DestroyedKey& key = (*keys)[i];
      erased.push_back({subjects[i], *values, key.had_key, key.generation, key.erased_before});
    }
    const Result<int64_t> erasures = subject_keys_.Erasures();
    if (!erasures) {
      return erasures.error();
    }
    Result<void> done = identities_.SetErasuresFollowed(*erasures);
    if (done) {
      done = transaction->Commit();
    }
    if (!done) {
      return done.error();
    }
  }
  if (Result<void> finished = Scrub(); !finished) {
    return Error{finished.error().code,
                 "the key is destroyed; its traces in the file go when the vault is opened next (" +
                     finished.error().message + ")"};
  }
  return erased;
}

// Durable when it returns: from here on nothing opens the values.
Result<std::vector<DestroyedKey>> Vault::Impl::DestroyKeys(std::span<const SubjectId> subjects,
                                                           uint64_t before) {
  Result<VaultTransaction> transaction = VaultTransaction::Begin(&subject_keys_.database());
  if (!transaction) {
    return transaction.error();
  }
  std::vector<DestroyedKey> destroyed;
  for (const SubjectId& subject : subjects) {
    const Result<DestroyedKey> key = subject_keys_.Destroy(subject, before);
    if (!key) {
      return key.error();
    }
    destroyed.push_back(*key);
  }
  const Result<void> committed = transaction->Commit();
  return committed ? Result<std::vector<DestroyedKey>>(std::move(destroyed)) : committed.error();
}

Result<uint64_t> Vault::Impl::ApplyTombstones(std::span<const Tombstone> tombstones) {
  const std::lock_guard lock(mutex_);
  uint64_t made = 0;
  {
    Result<VaultTransaction> transaction = VaultTransaction::Begin(&subject_keys_.database());
    if (!transaction) {
      return transaction.error();
    }
    for (const Tombstone& tombstone : tombstones) {
      if (tombstone.erased_before > kMaxPosition) {
        return Error{ErrorCode::kInvalid, "vault: a log position beyond the largest"};
      }
      const Result<std::optional<DestroyedKey>> again =
          subject_keys_.DestroyAgain(tombstone.subject, tombstone.erased_before);
      if (!again) {
        return again.error();
      }
      made += *again ? 1 : 0;
    }
    if (made == 0) {
      return made;
    }
    if (Result<void> committed = transaction->Commit(); !committed) {
      return committed.error();
    }
  }
  const Result<void> finished = FinishErasures();
  return finished ? Result<uint64_t>(made) : finished.error();
}

Result<uint64_t> Vault::Impl::ErasureHorizon() {
  const std::lock_guard lock(mutex_);
  return subject_keys_.LatestErasedBefore();
}

Result<void> Vault::Impl::RemoveVoidValues() {
  const Result<std::vector<std::pair<SubjectId, int64_t>>> erased = subject_keys_.ErasedSubjects();
  if (!erased) {
    return erased.error();
  }
  for (const auto& [subject, generation] : *erased) {
    if (const Result<uint64_t> removed = identities_.Remove(subject, generation); !removed) {
      return removed.error();
    }
  }
  const Result<int64_t> erasures = subject_keys_.Erasures();
  return erasures ? identities_.SetErasuresFollowed(*erasures) : Result<void>(erasures.error());
}

Result<void> Vault::Impl::FinishErasures() {
  {
    Result<VaultTransaction> transaction = VaultTransaction::Begin(&identities_.database());
    if (!transaction) {
      return transaction.error();
    }
    Result<void> done = RemoveVoidValues();
    if (done) {
      done = transaction->Commit();
    }
    if (!done) {
      return done;
    }
  }
  return Scrub();
}

Result<void> Vault::Impl::Scrub() {
  Result<void> done = identities_.database().Checkpoint();
  return done ? subject_keys_.Scrub() : done;
}

}  // namespace bulkhead
