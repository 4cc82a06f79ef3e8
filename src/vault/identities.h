// identities.db: the encrypted values, the blind index of addresses, and how far the log has been
// taken. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/crypto.h"
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
  static Result<Identities> Open(const std::string& path, const SecretBytes& blind_index_key);

  // Inside a transaction on database().
  Result<void> Put(const SealedField& field, ProjectId project, const ValueKey& key);
  // Removes what was written under generations up to this one; gives how many values.
  Result<uint64_t> Remove(const SubjectId& subject, int64_t up_to_generation);
  Result<void> SetCursor(uint64_t position);
  Result<void> NoteSkipped(uint64_t position);

  Result<std::optional<uint64_t>> Cursor();
  Result<std::vector<RevealedField>> Read(const SubjectId& subject, const SubjectKey& key);
  Result<uint64_t> CountValuesOf(const SubjectId& subject, int64_t generation);
  // Subjects that may have had the normalised address: the index is short enough to be wrong now
  // and then.
  Result<std::vector<SubjectId>> Candidates(std::string_view normalised_email);
  Result<int64_t> CountValues();
  Result<int64_t> CountSkipped();
  VaultDatabase& database() { return database_; }

 private:
  Identities(VaultDatabase database, const SecretBytes& blind_index_key)
      : database_(std::move(database)), blind_(blind_index_key) {}
  Result<void> MakeCurrent(const SealedField& field, std::string_view value_id);
  VaultDatabase database_;
  KeyedHash blind_;
};

}  // namespace bulkhead
