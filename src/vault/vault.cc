#include "vault/vault.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "model/sealed_fields.h"
#include "vault/email.h"
#include "vault/identities.h"
#include "vault/subject_keys.h"

namespace bulkhead {
namespace {

constexpr uint64_t kMaxPosition = std::numeric_limits<int64_t>::max() - 1;

// The decoded fields of one batch; their values are wiped when it goes.
struct OpenedFields {
  std::vector<SealedField> fields;
  OpenedFields() = default;
  OpenedFields(const OpenedFields&) = delete;
  OpenedFields& operator=(const OpenedFields&) = delete;
  ~OpenedFields() {
    for (SealedField& field : fields) {
      Wipe(&field.value);
    }
  }
};

using ValueKeys = std::unordered_map<SubjectId, ValueKey, SubjectIdHash>;

}  // namespace

// Where both files are written the order is: begin on identities (which excludes every other
// writer, in this process and in others), write and commit the keys, then commit identities. A
// crash in between leaves a key without values, or values without a key, and neither can be read or
// harms.
class Vault::Impl {
 public:
  Impl(VaultKeys keys, SubjectKeys subject_keys, Identities identities)
      : keys_(std::move(keys)),
        subject_keys_(std::move(subject_keys)),
        identities_(std::move(identities)) {}

  Result<void> Start() {
    const std::lock_guard lock(mutex_);
    const Result<std::optional<uint64_t>> cursor = identities_.Cursor();
    if (!cursor) {
      return cursor.error();
    }
    applied_ = durable_ = *cursor;
    const Result<bool> pending = subject_keys_.ScrubPending();
    if (!pending) {
      return pending.error();
    }
    return *pending ? FinishErasures() : Result<void>();
  }

  Result<void> Ingest(std::string_view sealed, uint64_t position, ProjectId project) {
    if (position > kMaxPosition) {
      return Error{ErrorCode::kInvalid, "vault: a log position beyond the largest"};
    }
    const std::lock_guard lock(mutex_);
    if (applied_ && position <= *applied_) {
      return {};
    }
    if (sealed.empty()) {
      applied_ = position;  // written with the next values or by Flush
      return {};
    }
    OpenedFields opened;
    {
      const Result<SecretBytes> plain = keys_.seal_keys.Unseal(sealed);
      if (!plain) {
        return plain.error();
      }
      Result<std::vector<SealedField>> fields = DecodeSealedFields(plain->view());
      if (!fields) {
        return fields.error();
      }
      opened.fields = std::move(*fields);
    }
    const Result<void> written = Write(opened.fields, position, project);
    if (!written && written.error().code == ErrorCode::kCorruption) {
      // The vault's own files are damaged and the box is good: nobody may take this for a reason to
      // skip the box.
      return Error{ErrorCode::kUnavailable, written.error().message};
    }
    return written;
  }

  Result<void> Skip(uint64_t position) {
    if (position > kMaxPosition) {
      return Error{ErrorCode::kInvalid, "vault: a log position beyond the largest"};
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

  std::optional<uint64_t> applied() const {
    const std::lock_guard lock(mutex_);
    return applied_;
  }
  std::optional<uint64_t> durable() const {
    const std::lock_guard lock(mutex_);
    return durable_;
  }

  Result<void> Flush() {
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

  Result<std::vector<RevealedField>> Reveal(const SubjectId& subject) {
    const std::lock_guard lock(mutex_);
    return RevealLocked(subject);
  }

  Result<uint64_t> CountValues(const SubjectId& subject) {
    const std::lock_guard lock(mutex_);
    const Result<std::optional<SubjectKey>> key = subject_keys_.Find(subject);
    if (!key) {
      return key.error();
    }
    return *key ? identities_.CountValuesOf(subject, (*key)->generation) : uint64_t{0};
  }

  Result<std::vector<SubjectId>> FindByEmail(std::string_view text) {
    std::optional<std::string> email = NormaliseEmail(text);
    if (!email) {
      return Error{ErrorCode::kInvalid, "not an e-mail address"};
    }
    const std::lock_guard lock(mutex_);
    Result<std::vector<SubjectId>> found = identities_.Candidates(*email);
    if (found) {
      std::vector<SubjectId> confirmed;
      for (const SubjectId& subject : *found) {
        const Result<bool> has = HasEmail(subject, *email);
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

  Result<ErasedSubject> Erase(const SubjectId& subject, uint64_t log_end) {
    if (log_end > kMaxPosition) {
      return Error{ErrorCode::kInvalid, "vault: a log position beyond the largest"};
    }
    const std::lock_guard lock(mutex_);
    ErasedSubject erased;
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
      const Result<bool> had_key = DestroyKey(subject, before);
      if (!had_key) {
        return had_key.error();
      }
      erased.had_key = *had_key;
      const Result<uint64_t> values =
          identities_.Remove(subject, std::numeric_limits<int64_t>::max());
      if (!values) {
        return values.error();
      }
      erased.values = *values;
      if (Result<void> committed = transaction->Commit(); !committed) {
        return committed.error();
      }
    }
    if (Result<void> finished = Scrub(); !finished) {
      return Error{
          finished.error().code,
          "the key is destroyed; its traces in the file go when the vault is opened next (" +
              finished.error().message + ")"};
    }
    return erased;
  }

  Result<VaultCounts> Counts() {
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

 private:
  Result<void> Write(const std::vector<SealedField>& fields, uint64_t position, ProjectId project) {
    Result<VaultTransaction> transaction = VaultTransaction::Begin(&identities_.database());
    if (!transaction) {
      return transaction.error();
    }
    const Result<std::optional<uint64_t>> cursor = identities_.Cursor();
    if (!cursor) {
      return cursor.error();
    }
    if (*cursor && position <= **cursor) {
      applied_ = std::max(applied_, *cursor);
      return {};
    }
    const Result<ValueKeys> keys = KeysFor(fields, position);
    if (!keys) {
      return keys.error();
    }
    for (const SealedField& field : fields) {
      const auto key = keys->find(field.subject);
      if (key == keys->end()) {
        continue;  // erased after this was sent
      }
      if (Result<void> put = identities_.Put(field, project, key->second); !put) {
        return put;
      }
    }
    return CommitAt(position, &*transaction);
  }

  Result<void> CommitAt(uint64_t position, VaultTransaction* transaction) {
    Result<void> done = identities_.SetCursor(position);
    if (done) {
      done = transaction->Commit();
    }
    if (done) {
      applied_ = position;
    }
    return done;
  }

  // The keys of all subjects of the batch that were not erased behind its position; new ones are
  // durable on return.
  Result<ValueKeys> KeysFor(const std::vector<SealedField>& fields, uint64_t position) {
    ValueKeys keys;
    std::vector<SubjectId> unknown;
    for (const SealedField& field : fields) {
      if (keys.contains(field.subject) ||
          std::find(unknown.begin(), unknown.end(), field.subject) != unknown.end()) {
        continue;
      }
      const Result<uint64_t> erased_before = subject_keys_.ErasedBefore(field.subject);
      if (!erased_before) {
        return erased_before.error();
      }
      if (position < *erased_before) {
        continue;
      }
      Result<std::optional<SubjectKey>> found = subject_keys_.Find(field.subject);
      if (!found) {
        return found.error();
      }
      if (*found) {
        keys.emplace(field.subject, ValueKey(std::move(**found)));
      } else {
        unknown.push_back(field.subject);
      }
    }
    if (unknown.empty()) {
      return keys;
    }
    Result<VaultTransaction> transaction = VaultTransaction::Begin(&subject_keys_.database());
    if (!transaction) {
      return transaction.error();
    }
    for (const SubjectId& subject : unknown) {
      Result<SubjectKey> made = subject_keys_.Make(subject);
      if (!made) {
        return made.error();
      }
      keys.emplace(subject, ValueKey(std::move(*made)));
    }
    if (Result<void> committed = transaction->Commit(); !committed) {
      return committed.error();
    }
    return keys;
  }

  Result<std::vector<RevealedField>> RevealLocked(const SubjectId& subject) {
    const Result<std::optional<SubjectKey>> key = subject_keys_.Find(subject);
    if (!key) {
      return key.error();
    }
    return *key ? identities_.Read(subject, **key) : std::vector<RevealedField>();
  }

  Result<bool> HasEmail(const SubjectId& subject, const std::string& email) {
    const Result<std::vector<RevealedField>> fields = RevealLocked(subject);
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

  // Durable when it returns: from here on nothing opens the values.
  Result<bool> DestroyKey(const SubjectId& subject, uint64_t before) {
    Result<VaultTransaction> transaction = VaultTransaction::Begin(&subject_keys_.database());
    if (!transaction) {
      return transaction.error();
    }
    Result<bool> had_key = subject_keys_.Destroy(subject, before);
    if (!had_key) {
      return had_key;
    }
    const Result<void> committed = transaction->Commit();
    return committed ? had_key : Result<bool>(committed.error());
  }

  Result<void> Scrub() {
    Result<void> done = identities_.database().Checkpoint();
    return done ? subject_keys_.Scrub() : done;
  }

  // After a crash between the destruction of a key and the removal of its values.
  Result<void> FinishErasures() {
    std::vector<std::pair<SubjectId, int64_t>> tombstones;
    {
      Result<SqlRows> rows =
          subject_keys_.database().Start("SELECT subject, generation FROM tombstones");
      if (!rows) {
        return rows.error();
      }
      Result<bool> row = rows->Step();
      for (; row && *row; row = rows->Step()) {
        SubjectId subject;
        const std::string_view bytes = rows->Bytes(0);
        if (bytes.size() == subject.bytes.size()) {
          std::copy(bytes.begin(), bytes.end(), subject.bytes.begin());
          tombstones.emplace_back(subject, rows->Number(1));
        }
      }
      if (!row) {
        return row.error();
      }
    }
    Result<VaultTransaction> transaction = VaultTransaction::Begin(&identities_.database());
    if (!transaction) {
      return transaction.error();
    }
    for (const auto& [subject, generation] : tombstones) {
      if (const Result<uint64_t> removed = identities_.Remove(subject, generation); !removed) {
        return removed.error();
      }
    }
    Result<void> done = transaction->Commit();
    return done ? Scrub() : done;
  }

  mutable std::mutex mutex_;
  const VaultKeys keys_;
  SubjectKeys subject_keys_;
  Identities identities_;
  std::optional<uint64_t> applied_;
  std::optional<uint64_t> durable_;
};

Result<std::unique_ptr<Vault>> Vault::Open(FileSystem& fs, const std::string& dir, VaultKeys keys) {
  InitCrypto();
  if (Result<void> created = fs.CreateDirs(dir); !created) {
    return created.error();
  }
  Result<SubjectKeys> subject_keys = SubjectKeys::Open(
      dir + "/subject_keys.db", SecretBytes(keys.subject_wrap_keys.newest().key.view()));
  if (!subject_keys) {
    return subject_keys.error();
  }
  Result<Identities> identities =
      Identities::Open(dir + "/identities.db", keys.blind_index_keys.newest().key);
  if (!identities) {
    return identities.error();
  }
  auto impl =
      std::make_unique<Impl>(std::move(keys), std::move(*subject_keys), std::move(*identities));
  if (Result<void> started = impl->Start(); !started) {
    return started.error();
  }
  return std::unique_ptr<Vault>(new Vault(std::move(impl)));
}

Vault::Vault(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Vault::~Vault() = default;

Result<void> Vault::Ingest(std::string_view sealed, uint64_t position, ProjectId project) {
  return impl_->Ingest(sealed, position, project);
}
Result<void> Vault::Skip(uint64_t position) { return impl_->Skip(position); }
std::optional<uint64_t> Vault::applied_position() const { return impl_->applied(); }
std::optional<uint64_t> Vault::durable_position() const { return impl_->durable(); }
Result<void> Vault::Flush() { return impl_->Flush(); }
Result<std::vector<RevealedField>> Vault::Reveal(const SubjectId& subject) {
  return impl_->Reveal(subject);
}
Result<uint64_t> Vault::CountValues(const SubjectId& subject) {
  return impl_->CountValues(subject);
}
Result<std::vector<SubjectId>> Vault::FindByEmail(std::string_view email) {
  return impl_->FindByEmail(email);
}
Result<ErasedSubject> Vault::Erase(const SubjectId& subject, uint64_t log_end) {
  return impl_->Erase(subject, log_end);
}
Result<VaultCounts> Vault::Counts() { return impl_->Counts(); }

}  // namespace bulkhead
