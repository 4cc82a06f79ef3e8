#include "vault/vault.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "model/sealed_fields.h"
#include "vault/email.h"
#include "vault/vault_impl.h"

namespace bulkhead {
namespace {

constexpr uint64_t kMaxPosition = std::numeric_limits<int64_t>::max() - 1;

Error PositionTooLarge() {
  return Error{ErrorCode::kInvalid, "vault: a log position beyond the largest"};
}

}  // namespace

// The decoded fields of one record; their values are wiped when it goes.
struct Vault::Impl::OpenedBatch {
  uint64_t position = 0;
  ProjectId project;
  std::vector<SealedField> fields;

  OpenedBatch() = default;
  OpenedBatch(OpenedBatch&&) = default;
  OpenedBatch& operator=(OpenedBatch&&) = default;
  OpenedBatch(const OpenedBatch&) = delete;
  OpenedBatch& operator=(const OpenedBatch&) = delete;
  ~OpenedBatch() {
    for (SealedField& field : fields) {
      Wipe(&field.value);
    }
  }
};

Vault::Impl::Impl(VaultKeys keys, VaultFileKey file_key, SubjectKeys subject_keys,
                  Identities identities)
    : seal_keys_(std::move(keys.seal_keys)),
      pseudonyms_(keys.pseudonym_key.empty() ? nullptr
                                             : std::make_unique<KeyedHash>(keys.pseudonym_key)),
      file_key_(std::move(file_key)),
      subject_keys_(std::move(subject_keys)),
      identities_(std::move(identities)) {}

Result<void> Vault::Impl::Start() {
  const std::lock_guard lock(mutex_);
  const Result<std::optional<uint64_t>> cursor = identities_.Cursor();
  if (!cursor) {
    return cursor.error();
  }
  applied_ = durable_ = *cursor;
  const Result<bool> pending = subject_keys_.ScrubPending();
  const Result<int64_t> erasures = subject_keys_.Erasures();
  const Result<int64_t> followed = identities_.ErasuresFollowed();
  if (!pending || !erasures || !followed) {
    return !pending ? pending.error() : !erasures ? erasures.error() : followed.error();
  }
  return *pending || *erasures != *followed ? FinishErasures() : Result<void>();
}

Result<Vault::Impl::OpenedBatch> Vault::Impl::OpenBox(const SealedRecord& record) const {
  const Result<SecretBytes> plain = seal_keys_.Unseal(record.sealed);
  if (!plain) {
    return plain.error();
  }
  Result<std::vector<SealedField>> fields = DecodeSealedFields(plain->view());
  if (!fields) {
    return fields.error();
  }
  OpenedBatch opened;
  opened.position = record.position;
  opened.project = record.project;
  opened.fields = std::move(*fields);
  return opened;
}

Result<void> Vault::Impl::IngestMany(std::span<const SealedRecord> records) {
  const std::lock_guard lock(mutex_);
  std::vector<OpenedBatch> batches;
  std::optional<Error> refused;
  std::optional<uint64_t> last;
  for (const SealedRecord& record : records) {
    if (record.position > kMaxPosition) {
      refused = PositionTooLarge();
      break;
    }
    if (applied_ && record.position <= *applied_) {
      continue;
    }
    if (!record.sealed.empty()) {
      Result<OpenedBatch> opened = OpenBox(record);
      if (!opened) {
        refused = opened.error();
        break;
      }
      batches.push_back(std::move(*opened));
    }
    last = record.position;
  }
  if (!batches.empty()) {
    const Result<void> written = Write(batches, *last);
    if (!written && written.error().code == ErrorCode::kCorruption) {
      // The vault's own files are damaged and the boxes are good: nobody may take this for a reason
      // to skip one.
      return Error{ErrorCode::kUnavailable, written.error().message};
    }
    if (!written) {
      return written;
    }
  } else if (last) {
    applied_ = std::max(applied_, last);  // written with the next values or by Flush
  }
  return refused ? Result<void>(*refused) : Result<void>();
}

Result<void> Vault::Impl::Skip(uint64_t position) {
  if (position > kMaxPosition) {
    return PositionTooLarge();
  }
  const std::lock_guard lock(mutex_);
  if (applied_ && position <= *applied_) {
    return {};
  }
  Result<VaultTransaction> transaction = VaultTransaction::Begin(&identities_.database());
  if (!transaction) {
    return transaction.error();
  }
  Result<void> done = identities_.NoteSkipped(position);
  return done ? CommitAt(position, &*transaction) : done;
}

std::optional<uint64_t> Vault::Impl::applied() const {
  const std::lock_guard lock(mutex_);
  return applied_;
}
std::optional<uint64_t> Vault::Impl::durable() const {
  const std::lock_guard lock(mutex_);
  return durable_;
}

Result<void> Vault::Impl::Flush() {
  const std::lock_guard lock(mutex_);
  if (applied_) {
    Result<VaultTransaction> transaction = VaultTransaction::Begin(&identities_.database());
    if (!transaction) {
      return transaction.error();
    }
    if (Result<void> done = CommitAt(*applied_, &*transaction); !done) {
      return done;
    }
  }
  Result<void> done = identities_.database().Checkpoint();
  if (done) {
    durable_ = applied_;
  }
  return done;
}

Result<void> Vault::Impl::Write(const std::vector<OpenedBatch>& batches, uint64_t position) {
  Result<VaultTransaction> transaction = VaultTransaction::Begin(&identities_.database());
  if (!transaction) {
    return transaction.error();
  }
  const Result<std::optional<uint64_t>> cursor = identities_.Cursor();
  if (!cursor) {
    return cursor.error();
  }
  if (*cursor && position <= **cursor) {  // another process has taken them
    applied_ = std::max(applied_, *cursor);
    return {};
  }
  const uint64_t after = *cursor ? **cursor + 1 : 0;
  const Result<KnownSubjects> subjects = KeysFor(batches, after);
  if (!subjects) {
    return subjects.error();
  }
  for (const OpenedBatch& batch : batches) {
    if (batch.position < after) {
      continue;
    }
    if (Result<void> put = PutBatch(batch, *subjects); !put) {
      return put;
    }
  }
  return CommitAt(position, &*transaction);
}

Result<void> Vault::Impl::PutBatch(const OpenedBatch& batch, const KnownSubjects& subjects) {
  for (const SealedField& field : batch.fields) {
    const KnownSubject& known = subjects.at(field.subject);
    if (batch.position < known.erased_before) {
      continue;  // erased after this was sent
    }
    if (Result<void> put = identities_.Put(field, batch.project, *known.key); !put) {
      return put;
    }
  }
  return {};
}

Result<void> Vault::Impl::CommitAt(uint64_t position, VaultTransaction* transaction) {
  Result<void> done = identities_.SetCursor(position);
  if (done) {
    done = transaction->Commit();
  }
  if (done) {
    applied_ = position;
  }
  return done;
}

Result<void> Vault::Impl::LookUp(const SubjectId& subject, KnownSubject* known) {
  const Result<uint64_t> erased_before = subject_keys_.ErasedBefore(subject);
  if (!erased_before) {
    return erased_before.error();
  }
  known->erased_before = *erased_before;
  Result<std::optional<SubjectKey>> found = subject_keys_.Find(subject);
  if (!found) {
    return found.error();
  }
  if (*found) {
    known->key.emplace(std::move(**found));
  }
  return {};
}

// The keys of all subjects of the batches from position `after` on; new ones are made for the first
// record that no erasure forbids, and are durable on return.
Result<Vault::Impl::KnownSubjects> Vault::Impl::KeysFor(const std::vector<OpenedBatch>& batches,
                                                        uint64_t after) {
  KnownSubjects subjects;
  std::vector<std::pair<SubjectId, uint64_t>> unknown;
  for (const OpenedBatch& batch : batches) {
    for (const SealedField& field : batch.fields) {
      const auto [known, first] = subjects.try_emplace(field.subject);
      if (first) {
        if (Result<void> found = LookUp(field.subject, &known->second); !found) {
          return found.error();
        }
      }
      const bool wanted = batch.position >= std::max(after, known->second.erased_before);
      if (wanted && !known->second.key) {
        unknown.emplace_back(field.subject, batch.position);
      }
    }
  }
  if (unknown.empty()) {
    return subjects;
  }
  Result<VaultTransaction> transaction = VaultTransaction::Begin(&subject_keys_.database());
  if (!transaction) {
    return transaction.error();
  }
  for (const auto& [subject, position] : unknown) {
    std::optional<ValueKey>& key = subjects.at(subject).key;
    if (key) {
      continue;  // made for an earlier field
    }
    Result<SubjectKey> made = subject_keys_.Make(subject, position);
    if (!made) {
      return made.error();
    }
    key.emplace(std::move(*made));
  }
  if (Result<void> committed = transaction->Commit(); !committed) {
    return committed.error();
  }
  return subjects;
}

Result<std::vector<RevealedField>> Vault::Impl::Reveal(const SubjectId& subject,
                                                       const RevealSelection& selection) {
  const std::lock_guard lock(mutex_);
  return RevealLocked(subject, selection);
}

Result<std::vector<RevealedField>> Vault::Impl::RevealLocked(const SubjectId& subject,
                                                             const RevealSelection& selection) {
  const Result<std::optional<SubjectKey>> key = subject_keys_.Find(subject);
  if (!key) {
    return key.error();
  }
  return *key ? identities_.Read(subject, **key, selection) : std::vector<RevealedField>();
}

Result<uint64_t> Vault::Impl::CountValues(const SubjectId& subject,
                                          const RevealSelection& selection) {
  const std::lock_guard lock(mutex_);
  const Result<std::optional<SubjectKey>> key = subject_keys_.Find(subject);
  if (!key) {
    return key.error();
  }
  return *key ? identities_.CountValuesOf(subject, (*key)->generation, selection) : uint64_t{0};
}

Result<std::vector<SubjectId>> Vault::Impl::FindByEmail(std::string_view text,
                                                        std::optional<ProjectId> project) {
  std::optional<std::string> email = NormaliseEmail(text);
  if (!email) {
    return Error{ErrorCode::kInvalid, "not an e-mail address"};
  }
  const std::lock_guard lock(mutex_);
  Result<std::vector<SubjectId>> found = identities_.Candidates(*email);
  if (found) {
    std::vector<SubjectId> confirmed;
    for (const SubjectId& subject : *found) {
      const Result<bool> has = HasEmail(subject, *email, project);
      if (!has) {
        found = has.error();
        break;
      }
      if (*has) {
        confirmed.push_back(subject);
      }
    }
    if (found) {
      found = std::move(confirmed);
    }
  }
  Wipe(&*email);
  return found;
}

Result<bool> Vault::Impl::HasEmail(const SubjectId& subject, const std::string& email,
                                   std::optional<ProjectId> project) {
  const Result<std::vector<RevealedField>> fields = RevealLocked(
      subject, {.project = project, .fields = {}, .history = true, .names_only = false});
  if (!fields) {
    return fields.error();
  }
  return std::any_of(fields->begin(), fields->end(), [&](const RevealedField& field) {
    std::optional<std::string> value = NormaliseEmail(field.value.view());
    const bool same = value && *value == email;
    if (value) {
      Wipe(&*value);
    }
    return same;
  });
}

Result<std::vector<SubjectId>> Vault::Impl::SubjectsAfter(ProjectId project, const SubjectId& after,
                                                          size_t most) {
  const std::lock_guard lock(mutex_);
  return identities_.SubjectsAfter(project, after, most);
}

Result<std::vector<SubjectFields>> Vault::Impl::FieldsAfter(ProjectId project,
                                                            const SubjectId& after, size_t most) {
  const std::lock_guard lock(mutex_);
  return identities_.FieldsAfter(project, after, most);
}

Result<SubjectId> Vault::Impl::PseudonymOf(std::string_view raw_id) const {
  const std::lock_guard lock(mutex_);
  if (pseudonyms_ == nullptr) {
    return Error{ErrorCode::kUnavailable, "vault: vault.keys holds no pseudonym key"};
  }
  SubjectId subject;
  if (!raw_id.empty()) {  // an empty id is nobody
    pseudonyms_->Digest128(raw_id, subject.bytes.data());
  }
  return subject;
}

SecretBytes Vault::Impl::KeyOfFile(std::string_view file_name) const {
  return file_key_.For(file_name);
}

Result<VaultCounts> Vault::Impl::Counts() {
  const std::lock_guard lock(mutex_);
  VaultCounts counts;
  const std::pair<uint64_t*, Result<int64_t>> parts[] = {
      {&counts.subjects, subject_keys_.CountKeys()},
      {&counts.values, identities_.CountValues()},
      {&counts.erased, subject_keys_.CountTombstones()},
      {&counts.skipped, identities_.CountSkipped()}};
  for (const auto& [count, part] : parts) {
    if (!part) {
      return part.error();
    }
    *count = static_cast<uint64_t>(*part);
  }
  return counts;
}

Result<std::unique_ptr<Vault>> Vault::Open(FileSystem& fs, const std::string& dir, VaultKeys keys) {
  InitCrypto();
  if (Result<void> created = fs.CreateDirs(dir); !created) {
    return created.error();
  }
  Result<VaultFileKey> file_key = VaultFileKey::Open(fs, dir, keys.subject_wrap_keys);
  if (!file_key) {
    return file_key.error();
  }
  Result<SubjectKeys> subject_keys =
      SubjectKeys::Open(fs, dir + "/subject_keys.db", file_key->For("subject_keys.db"),
                        std::move(keys.subject_wrap_keys));
  if (!subject_keys) {
    return subject_keys.error();
  }
  Result<Identities> identities = Identities::Open(
      fs, dir + "/identities.db", file_key->For("identities.db"), keys.blind_index_keys);
  if (!identities) {
    return identities.error();
  }
  auto impl = std::make_unique<Impl>(std::move(keys), std::move(*file_key),
                                     std::move(*subject_keys), std::move(*identities));
  if (Result<void> started = impl->Start(); !started) {
    return started.error();
  }
  return std::unique_ptr<Vault>(new Vault(std::move(impl)));
}

Vault::Vault(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Vault::~Vault() = default;

Result<void> Vault::Ingest(std::string_view sealed, uint64_t position, ProjectId project) {
  const SealedRecord record{sealed, position, project};
  return impl_->IngestMany({&record, 1});
}
Result<void> Vault::IngestMany(std::span<const SealedRecord> records) {
  return impl_->IngestMany(records);
}
Result<void> Vault::Skip(uint64_t position) { return impl_->Skip(position); }
std::optional<uint64_t> Vault::applied_position() const { return impl_->applied(); }
std::optional<uint64_t> Vault::durable_position() const { return impl_->durable(); }
Result<void> Vault::Flush() { return impl_->Flush(); }
Result<std::vector<RevealedField>> Vault::Reveal(const SubjectId& subject,
                                                 const RevealSelection& selection) {
  return impl_->Reveal(subject, selection);
}
Result<uint64_t> Vault::CountValues(const SubjectId& subject, const RevealSelection& selection) {
  return impl_->CountValues(subject, selection);
}
Result<std::vector<SubjectId>> Vault::FindByEmail(std::string_view email,
                                                  std::optional<ProjectId> project) {
  return impl_->FindByEmail(email, project);
}
Result<std::vector<SubjectId>> Vault::SubjectsAfter(ProjectId project, const SubjectId& after,
                                                    size_t most) {
  return impl_->SubjectsAfter(project, after, most);
}
Result<std::vector<SubjectFields>> Vault::FieldsAfter(ProjectId project, const SubjectId& after,
                                                      size_t most) {
  return impl_->FieldsAfter(project, after, most);
}
Result<SubjectId> Vault::PseudonymOf(std::string_view raw_id) const {
  return impl_->PseudonymOf(raw_id);
}
Result<ErasedSubject> Vault::Erase(const SubjectId& subject, uint64_t log_end) {
  Result<std::vector<ErasedSubject>> erased = impl_->EraseMany({&subject, 1}, log_end);
  return erased ? Result<ErasedSubject>(erased->front()) : erased.error();
}
Result<std::vector<ErasedSubject>> Vault::EraseMany(std::span<const SubjectId> subjects,
                                                    uint64_t log_end) {
  return impl_->EraseMany(subjects, log_end);
}
Result<uint64_t> Vault::ApplyTombstones(std::span<const Tombstone> tombstones) {
  return impl_->ApplyTombstones(tombstones);
}
Result<uint64_t> Vault::ErasureHorizon() { return impl_->ErasureHorizon(); }
Result<void> Vault::UseKeys(VaultKeys keys) { return impl_->UseKeys(std::move(keys)); }
Result<RotationProgress> Vault::RewrapSubjectKeys(uint64_t most) {
  return impl_->RewrapSubjectKeys(most);
}
Result<RotationProgress> Vault::ReindexAddresses(uint64_t most) {
  return impl_->ReindexAddresses(most);
}
Result<uint64_t> Vault::AbandonLostKeys() { return impl_->AbandonLostKeys(); }
SecretBytes Vault::KeyOfFile(std::string_view file_name) const {
  return impl_->KeyOfFile(file_name);
}
Result<VaultCounts> Vault::Counts() { return impl_->Counts(); }

}  // namespace bulkhead
