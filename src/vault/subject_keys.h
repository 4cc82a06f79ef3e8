// subject_keys.db: the data key of each subject, wrapped, and the tombstones of those who were
// erased. Its backups should be kept for a shorter time than those of everything else: an old copy
// of it is what erasure has to outlive. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/crypto.h"
#include "model/ids.h"
#include "vault/database.h"

namespace bulkhead {

struct SubjectKey {
  int64_t generation = 0;  // 1, and one more after each erasure
  SecretBytes key;
};

class SubjectKeys {
 public:
  static Result<SubjectKeys> Open(const std::string& path, SecretBytes wrap_key);

  Result<std::optional<SubjectKey>> Find(const SubjectId& subject);
  // A new key of the generation after the last erased one. Inside a transaction on database().
  Result<SubjectKey> Make(const SubjectId& subject);
  // Records below this position are not to bring the subject back; 0 where it was never erased.
  Result<uint64_t> ErasedBefore(const SubjectId& subject);
  // Inside a transaction on database(). True: there was a key. Sets the mark that ScrubPending
  // reads.
  Result<bool> Destroy(const SubjectId& subject, uint64_t erased_before);

  // Whether an erasure has begun whose traces have not all been removed.
  Result<bool> ScrubPending();
  // Removes what the destroyed keys left in the file and in its WAL, then the mark.
  Result<void> Scrub();

  Result<int64_t> CountKeys();
  Result<int64_t> CountTombstones();
  VaultDatabase& database() { return database_; }

 private:
  SubjectKeys(VaultDatabase database, SecretBytes wrap_key)
      : database_(std::move(database)), wrap_key_(std::move(wrap_key)) {}
  VaultDatabase database_;
  SecretBytes wrap_key_;
};

}  // namespace bulkhead
