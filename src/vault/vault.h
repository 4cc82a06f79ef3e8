// Identities: the values that policy seals. Each is encrypted under its subject's own data key,
// which lies in a second file; destroying that key makes the values unreadable in every copy of the
// first. docs/formats/vault.md draws both files. Nothing here records who asked: go through
// vault/reveal.h for everything that opens or destroys.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
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

// Which of a subject's values are opened: nothing else is.
struct RevealSelection {
  std::optional<ProjectId> project;  // values that this project sealed; none: of all projects
  std::vector<std::string> fields;   // empty: every field
  bool history = true;      // false: of each field the present value only, or the one seen last
  bool names_only = false;  // the fields without their values: nothing is opened
};

// The names of what is kept of a subject.
struct SubjectFields {
  SubjectId subject;
  std::vector<std::string> fields;  // in order, each once
};

struct VaultCounts {
  uint64_t subjects = 0;  // with a data key
  uint64_t values = 0;
  uint64_t erased = 0;   // tombstones
  uint64_t skipped = 0;  // sealed batches that could not be opened
};

// What an erasure can be proved by.
struct ErasedSubject {
  SubjectId subject;
  uint64_t values = 0;  // destroyed now
  bool had_key = false;
  int64_t generation = 0;      // of the last key that the subject had; 0: never had one
  uint64_t erased_before = 0;  // log position: no record below it brings anything back
};

// An erasure as another record keeps it (the audit log), to be made again after a restore.
struct Tombstone {
  SubjectId subject;
  uint64_t erased_before = 0;
};

struct SealedRecord {
  std::string_view sealed;  // Batch::sealed; may be empty
  uint64_t position = 0;
  ProjectId project{1};
};

// How far a rotation has come. Call again while `remaining` is not 0; then no file holds anything
// under an older key, and it can be destroyed.
struct RotationProgress {
  uint64_t done = 0;       // in this call
  uint64_t remaining = 0;  // still under an older key
  uint64_t lost = 0;       // under a key that the ring does not hold: AbandonLostKeys()
};

// Thread-safe. Another process may have the same vault open (`bulkhead vault reveal` beside a
// running server).
class Vault {
 public:
  // `dir` is made if absent and holds identities.db, subject_keys.db and file_key. Finishes an
  // erasure that a crash cut off.
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
  // The same for many records in one transaction, in the order of the log: one synced write for all
  // of them. Where a box does not open, those before it are taken and applied_position() tells
  // which it was.
  Result<void> IngestMany(std::span<const SealedRecord> records);
  // Notes that the record at `position` could not be taken and moves on.
  Result<void> Skip(uint64_t position);

  // Position of the last record taken; none before the first. Follow the log from here: it is given
  // again and ignored.
  [[nodiscard]] std::optional<uint64_t> applied_position() const;
  // The same as of the last Flush(): what a power cut cannot take back. The log may be trimmed
  // before it.
  [[nodiscard]] std::optional<uint64_t> durable_position() const;
  Result<void> Flush();

  // The selected values kept for the subject, by field, then by when each was first seen. Empty:
  // nothing is known, or erased.
  Result<std::vector<RevealedField>> Reveal(const SubjectId& subject,
                                            const RevealSelection& selection = {});
  // How many values Reveal would open, without opening any.
  Result<uint64_t> CountValues(const SubjectId& subject, const RevealSelection& selection = {});
  // Subjects of whom that project (none: any) sealed this address, by the blind index and confirmed
  // by opening.
  Result<std::vector<SubjectId>> FindByEmail(std::string_view email,
                                             std::optional<ProjectId> project = std::nullopt);
  // Up to `most` subjects behind `after` (zero: from the first) of whom that project sealed
  // anything, in order.
  Result<std::vector<SubjectId>> SubjectsAfter(ProjectId project, const SubjectId& after,
                                               size_t most);
  // The same with the names of the fields that it sealed; some `most` names in all. Nothing is
  // opened. Empty: there is nobody behind `after`.
  Result<std::vector<SubjectFields>> FieldsAfter(ProjectId project, const SubjectId& after,
                                                 size_t most);
  // The pseudonym of a raw id, as intake makes it. Whoever may call this can test guesses.
  Result<SubjectId> PseudonymOf(std::string_view raw_id) const;

  // Destroys the data key and leaves a tombstone: records at positions below `log_end` (and up to
  // those taken) never bring anything back; later ones get a new key. Pass the log's durable end.
  // Durable when it returns.
  Result<ErasedSubject> Erase(const SubjectId& subject, uint64_t log_end = 0);
  // The same for many at the price of one, all or none of them, in the order given.
  Result<std::vector<ErasedSubject>> EraseMany(std::span<const SubjectId> subjects,
                                               uint64_t log_end);
  // Makes erasures again that these files, being restored from a backup, may not know. Doing it
  // twice changes nothing, and a key made for a later record stays. Call before anything else;
  // gives how many were new.
  Result<uint64_t> ApplyTombstones(std::span<const Tombstone> tombstones);
  // No tombstone reaches behind this log position. The log must go on at or after it, or what is
  // new would be taken for what was erased: give it to LogWriterOptions::at_least_position.
  Result<uint64_t> ErasureHorizon();

  // --- Rotation. What is old is read with the ring's older keys, what is new is written with its
  // newest. ---
  // The rings from now on; the next calls of the two below move what lies under older keys.
  Result<void> UseKeys(VaultKeys keys);
  // Up to `most` subjects' keys are wrapped again. The call that leaves none also removes what the
  // old ones left in the file.
  Result<RotationProgress> RewrapSubjectKeys(uint64_t most);
  // The blind index entries of up to `most` subjects are made again. Finding works throughout.
  Result<RotationProgress> ReindexAddresses(uint64_t most);
  // Gives up the keys whose wrap key is gone, as after the restore of a subject_keys.db older than
  // the last destroyed wrap key: their values are removed and the subjects begin anew. Until this
  // is said, such a subject can neither be read nor written, for the right vault.keys may still
  // turn up. Gives how many.
  Result<uint64_t> AbandonLostKeys();

  Result<VaultCounts> Counts();
  // Under which another database file of this vault is encrypted, such as "exports.db".
  [[nodiscard]] SecretBytes KeyOfFile(std::string_view file_name) const;

 private:
  class Impl;
  explicit Vault(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulkhead
