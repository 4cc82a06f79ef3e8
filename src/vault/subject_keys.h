// subject_keys.db: the data key of each subject, wrapped, and the tombstones of those who were
// erased. Its backups should be kept for a shorter time than those of everything else: an old copy
// of it is what erasure has to outlive. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "crypto/crypto.h"
#include "crypto/key_ring.h"
#include "model/ids.h"
#include "vault/database.h"

namespace bulkhead {

struct SubjectKey {
  int64_t generation = 0;  // 1, and one more after each erasure
  SecretBytes key;
};

// What an erasure left behind.
struct DestroyedKey {
  bool had_key = false;
  int64_t generation = 0;      // of the last key that the subject had; 0: never had one
  uint64_t erased_before = 0;  // records below this position bring nothing back
};

class SubjectKeys {
 public:
  static Result<SubjectKeys> Open(FileSystem& fs, const std::string& path,
                                  const SecretBytes& file_key, KeyRing wrap_keys);

  Result<std::optional<SubjectKey>> Find(const SubjectId& subject);
  // A new key of the generation after the last erased one, made for the log record at `made_at`.
  // Inside a transaction on database().
  Result<SubjectKey> Make(const SubjectId& subject, uint64_t made_at);
  // Records below this position are not to bring the subject back; 0 where it was never erased.
  Result<uint64_t> ErasedBefore(const SubjectId& subject);
  // Inside a transaction on database(). Sets the mark that ScrubPending reads.
  Result<DestroyedKey> Destroy(const SubjectId& subject, uint64_t erased_before);
  // The same for an erasure that was made before and that this file, being older, may not know: a
  // key made for a later record stays. Nothing is done (nullopt) where the file knows it.
  Result<std::optional<DestroyedKey>> DestroyAgain(const SubjectId& subject,
                                                   uint64_t erased_before);

  // Whether an erasure or a rewrapping has begun whose traces have not all been removed.
  Result<bool> ScrubPending();
  // Removes what the destroyed keys left in the file and in its WAL, then the mark.
  Result<void> Scrub();

  // --- Rotation of the wrap key ---
  void UseKeys(KeyRing wrap_keys) { wrap_keys_ = std::move(wrap_keys); }
  [[nodiscard]] const KeyRing& wrap_keys() const { return wrap_keys_; }
  // Wraps up to `most` keys again, under the newest wrap key. Inside a transaction on database().
  Result<uint64_t> Rewrap(uint64_t most);
  // Keys that lie under an older wrap key that the ring holds, and under one that it does not hold.
  Result<uint64_t> CountOld();
  Result<uint64_t> CountLost();
  // Turns every key whose wrap key is gone into a tombstone that forbids no record. Inside a
  // transaction on database().
  Result<uint64_t> AbandonLost();

  // Every subject that was ever erased, with the generation of the key that they have since; 0:
  // none. Values of any other generation are void.
  Result<std::vector<std::pair<SubjectId, int64_t>>> ErasedSubjects();
  // Grows with each erasure; identities.db remembers up to which it has followed.
  Result<int64_t> Erasures();
  Result<uint64_t> LatestErasedBefore();
  Result<int64_t> CountKeys();
  Result<int64_t> CountTombstones();
  VaultDatabase& database() { return database_; }

 private:
  SubjectKeys(VaultDatabase database, KeyRing wrap_keys)
      : database_(std::move(database)), wrap_keys_(std::move(wrap_keys)) {}
  Result<SecretBytes> Unwrap(const SubjectId& subject, int64_t generation, int64_t wrap_key,
                             std::string_view wrapped) const;
  Result<uint64_t> RewrapFrom(uint32_t old_id, uint64_t most);
  Result<void> LeaveTombstone(const SubjectId& subject, int64_t generation, uint64_t before);
  VaultDatabase database_;
  KeyRing wrap_keys_;
};

}  // namespace bulkhead
