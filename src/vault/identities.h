// identities.db: the encrypted values, the blind index of addresses, and how far the log has been
// taken. Not thread-safe.
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
#include "model/event.h"
#include "model/ids.h"
#include "vault/database.h"
#include "vault/subject_keys.h"
#include "vault/vault.h"

namespace bulkhead {

// One subject's key as values are written with it: the key that encrypts, and one derived from it
// that tells equal values of a field apart from others without opening them. Both end with the data
// key.
class ValueKey {
 public:
  explicit ValueKey(SubjectKey key);
  [[nodiscard]] int64_t generation() const { return key_.generation; }
  [[nodiscard]] const SecretBytes& key() const { return key_.key; }
  [[nodiscard]] std::string ValueId(std::string_view field, std::string_view value) const;

 private:
  SubjectKey key_;
  KeyedHash value_ids_;
};

class Identities {
 public:
  static Result<Identities> Open(FileSystem& fs, const std::string& path,
                                 const SecretBytes& file_key, const KeyRing& blind_index_keys);

  // Inside a transaction on database().
  Result<void> Put(const SealedField& field, ProjectId project, const ValueKey& key);
  // Removes what was written under any generation but this one (0: everything); gives how many
  // values.
  Result<uint64_t> Remove(const SubjectId& subject, int64_t keep_generation);
  Result<void> SetCursor(uint64_t position);
  Result<void> NoteSkipped(uint64_t position);

  Result<std::optional<uint64_t>> Cursor();
  // Opens only what is selected.
  Result<std::vector<RevealedField>> Read(const SubjectId& subject, const SubjectKey& key,
                                          const RevealSelection& selection);
  Result<uint64_t> CountValuesOf(const SubjectId& subject, int64_t generation,
                                 const RevealSelection& selection);
  // Subjects that may have had the normalised address: the index is short enough to be wrong now
  // and then.
  Result<std::vector<SubjectId>> Candidates(std::string_view normalised_email);
  // Subjects behind `after` with a value of that project, in order.
  Result<std::vector<SubjectId>> SubjectsAfter(ProjectId project, const SubjectId& after,
                                               size_t most);
  // The same with the names of what that project sealed; stops at the subject that follows once
  // there are `most` names.
  Result<std::vector<SubjectFields>> FieldsAfter(ProjectId project, const SubjectId& after,
                                                 size_t most);

  // --- Rotation of the blind index key ---
  void UseKeys(const KeyRing& blind_index_keys);
  // Up to `most` subjects with an address under another key than the newest.
  Result<std::vector<SubjectId>> SubjectsToReindex(size_t most);
  // Puts all of the subject's addresses under the newest key. Inside a transaction on database().
  Result<void> Reindex(const SubjectId& subject, const std::vector<RevealedField>& fields);
  Result<uint64_t> CountOldAddresses();

  // Up to which erasure of subject_keys.db this file has followed.
  Result<int64_t> ErasuresFollowed();
  Result<void> SetErasuresFollowed(int64_t erasures);

  Result<int64_t> CountValues();
  Result<int64_t> CountSkipped();
  VaultDatabase& database() { return database_; }

 private:
  struct BlindKey {
    uint32_t id;
    KeyedHash hash;
  };
  struct Row;
  explicit Identities(VaultDatabase database) : database_(std::move(database)) {}
  Result<void> MakeCurrent(const SealedField& field, std::string_view value_id);
  Result<void> PutAddress(const SubjectId& subject, std::string_view normalised_email);
  Result<std::vector<Row>> Rows(const SubjectId& subject, int64_t generation,
                                const RevealSelection& selection);
  static Result<std::vector<SubjectId>> TakeSubjects(SqlRows rows);
  VaultDatabase database_;
  std::vector<BlindKey> blind_keys_;  // oldest first
};

}  // namespace bulkhead
