// The vault's insides, shared by vault.cc (the log, reading), vault_erasure.cc and
// vault_rotation.cc.
//
// Where both files are written the order is: begin on identities (which excludes every other
// writer, in this process and in others), write and commit the keys, then commit identities. A
// crash in between leaves a key without values, or values without a key, and neither can be read or
// harms.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vault/file_key.h"
#include "vault/identities.h"
#include "vault/subject_keys.h"
#include "vault/vault.h"

namespace bulkhead {

class Vault::Impl {
 public:
  Impl(VaultKeys keys, VaultFileKey file_key, SubjectKeys subject_keys, Identities identities);

  Result<void> Start();

  // --- vault.cc ---
  Result<void> IngestMany(std::span<const SealedRecord> records);
  Result<void> Skip(uint64_t position);
  std::optional<uint64_t> applied() const;
  std::optional<uint64_t> durable() const;
  Result<void> Flush();
  Result<std::vector<RevealedField>> Reveal(const SubjectId& subject,
                                            const RevealSelection& selection);
  Result<uint64_t> CountValues(const SubjectId& subject, const RevealSelection& selection);
  Result<std::vector<SubjectId>> FindByEmail(std::string_view text,
                                             std::optional<ProjectId> project);
  Result<std::vector<SubjectFields>> FieldsAfter(ProjectId project, const SubjectId& after,
                                                 size_t most);
  Result<std::vector<SubjectId>> SubjectsAfter(ProjectId project, const SubjectId& after,
                                               size_t most);
  Result<SubjectId> PseudonymOf(std::string_view raw_id) const;
  Result<VaultCounts> Counts();
  SecretBytes KeyOfFile(std::string_view file_name) const;

  // --- vault_erasure.cc ---
  Result<std::vector<ErasedSubject>> EraseMany(std::span<const SubjectId> subjects,
                                               uint64_t log_end);
  Result<uint64_t> ApplyTombstones(std::span<const Tombstone> tombstones);
  Result<uint64_t> ErasureHorizon();

  // --- vault_rotation.cc ---
  Result<void> UseKeys(VaultKeys keys);
  Result<RotationProgress> RewrapSubjectKeys(uint64_t most);
  Result<RotationProgress> ReindexAddresses(uint64_t most);
  Result<uint64_t> AbandonLostKeys();

 private:
  struct OpenedBatch;
  struct KnownSubject {
    uint64_t erased_before = 0;
    std::optional<ValueKey> key;
  };
  using KnownSubjects = std::unordered_map<SubjectId, KnownSubject, SubjectIdHash>;

  Result<OpenedBatch> OpenBox(const SealedRecord& record) const;
  Result<void> Write(const std::vector<OpenedBatch>& batches, uint64_t position);
  Result<void> PutBatch(const OpenedBatch& batch, const KnownSubjects& subjects);
  Result<void> CommitAt(uint64_t position, VaultTransaction* transaction);
  Result<KnownSubjects> KeysFor(const std::vector<OpenedBatch>& batches, uint64_t after);
  Result<void> LookUp(const SubjectId& subject, KnownSubject* known);
  Result<std::vector<RevealedField>> RevealLocked(const SubjectId& subject,
                                                  const RevealSelection& selection);
  Result<bool> HasEmail(const SubjectId& subject, const std::string& email,
                        std::optional<ProjectId> project);

  Result<std::vector<DestroyedKey>> DestroyKeys(std::span<const SubjectId> subjects,
                                                uint64_t before);
  // Brings identities.db after the erasures in subject_keys.db, whatever made it fall behind: a
  // crash, or a restore. Inside a transaction.
  Result<void> RemoveVoidValues();
  Result<void> FinishErasures();
  Result<void> Scrub();

  mutable std::mutex mutex_;
  SealKeyRing seal_keys_;
  std::unique_ptr<KeyedHash> pseudonyms_;  // null where the keys have none
  VaultFileKey file_key_;
  SubjectKeys subject_keys_;
  Identities identities_;
  std::optional<uint64_t> applied_;
  std::optional<uint64_t> durable_;
};

}  // namespace bulkhead
