// Identities: the values that policy seals. Each is encrypted under its subject's own data key,
// which lies in a second file; destroying that key makes the values unreadable in every copy of the
// first. docs/formats/vault.md draws both files. Nothing here records who asked: go through
// vault/reveal.h for everything that opens or destroys.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "model/ids.h"

namespace bulkhead {

struct RevealedField {
  std::string field;  // the property path
  SecretBytes value;
  int64_t first_seen_ms = 0;
  int64_t last_seen_ms = 0;
  bool from_profile = false;
  bool current =
      false;  // the present value of a profile field; others are what was seen before or on events
};

struct VaultCounts {
  uint64_t subjects = 0;  // with a data key
  uint64_t values = 0;
  uint64_t erased = 0;   // tombstones
  uint64_t skipped = 0;  // sealed batches that could not be opened
};

struct ErasedSubject {
  uint64_t values = 0;  // destroyed now
  bool had_key = false;
};

// Thread-safe. Another process may have the same vault open (`bulkhead vault reveal` beside a
// running server).
class Vault {
 public:
  // `dir` is made if absent and holds identities.db and subject_keys.db. Finishes an erasure that a
  // crash cut off.
  static Result<std::unique_ptr<Vault>> Open(FileSystem& fs, const std::string& dir,
                                             VaultKeys keys);
  ~Vault();
  Vault(const Vault&) = delete;
  Vault& operator=(const Vault&) = delete;

  // Takes the sealed fields of the log record at `position` (Batch::sealed; empty is fine and moves
  // the cursor). A position at or before the last one taken changes nothing. kCorruption only where
  // the box or its content does not open: the cursor stays, and Skip() is the way past.
  // kUnavailable where the vault's own files fail: the box is good and must be given again.
  Result<void> Ingest(std::string_view sealed, uint64_t position, ProjectId project = ProjectId{1});
  // Notes that the record at `position` could not be taken and moves on.
  Result<void> Skip(uint64_t position);

  // Position of the last record taken; none before the first. Follow the log from here: it is given
  // again and ignored.
  [[nodiscard]] std::optional<uint64_t> applied_position() const;
  // The same as of the last Flush(): what a power cut cannot take back. The log may be trimmed
  // before it.
  [[nodiscard]] std::optional<uint64_t> durable_position() const;
  Result<void> Flush();

  // Every value kept for the subject, by field, then by when it was first seen. Empty: nothing is
  // known, or erased.
  Result<std::vector<RevealedField>> Reveal(const SubjectId& subject);
  // How many values Reveal would open, without opening any.
  Result<uint64_t> CountValues(const SubjectId& subject);
  // Subjects who have had this address, by the blind index and confirmed by opening.
  Result<std::vector<SubjectId>> FindByEmail(std::string_view email);

  // Destroys the data key and leaves a tombstone: records at positions below `log_end` (and up to
  // those taken) never bring anything back; later ones get a new key. Pass the log's durable end.
  // Durable when it returns.
  Result<ErasedSubject> Erase(const SubjectId& subject, uint64_t log_end = 0);

  Result<VaultCounts> Counts();

 private:
  class Impl;
  explicit Vault(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulkhead
