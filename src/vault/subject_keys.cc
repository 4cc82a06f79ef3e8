#include "vault/subject_keys.h"

#include <utility>

#include "base/byte_codec.h"

namespace bulkhead {
namespace {

constexpr const char* kSchema =
    "CREATE TABLE keys (subject BLOB PRIMARY KEY, generation INTEGER NOT NULL,"
    " wrapped BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE tombstones (subject BLOB PRIMARY KEY, generation INTEGER NOT NULL,"
    " erased_before INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

Blob Key(const SubjectId& subject) {
  return Blob{{reinterpret_cast<const char*>(subject.bytes.data()), subject.bytes.size()}};
}

// What a wrapped key is bound to: another subject's, or an older one put back, does not open.
std::string WrapContext(const SubjectId& subject, int64_t generation) {
  std::string context = "bulkhead subject key v1";
  ByteWriter writer(&context);
  writer.Fixed(subject.bytes);
  writer.Fixed(generation);
  return context;
}

}  // namespace

Result<SubjectKeys> SubjectKeys::Open(const std::string& path, SecretBytes wrap_key) {
  Result<VaultDatabase> database =
      VaultDatabase::Open({.path = path, .schema = kSchema, .version = 1});
  if (!database) {
    return database.error();
  }
  return SubjectKeys(std::move(*database), std::move(wrap_key));
}

Result<std::optional<SubjectKey>> SubjectKeys::Find(const SubjectId& subject) {
  Result<SqlRows> rows =
      database_.Start("SELECT generation, wrapped FROM keys WHERE subject = ?", {Key(subject)});
  if (!rows) {
    return rows.error();
  }
  const Result<bool> row = rows->Step();
  if (!row) {
    return row.error();
  }
  if (!*row) {
    return std::optional<SubjectKey>();
  }
  SubjectKey found;
  found.generation = rows->Number(0);
  Result<SecretBytes> key =
      AeadDecrypt(wrap_key_, rows->Bytes(1), WrapContext(subject, found.generation));
  if (!key || key->size() != kKeyBytes) {
    return Error{ErrorCode::kCorruption, "vault: a subject's key does not open"};
  }
  found.key = std::move(*key);
  return std::optional<SubjectKey>(std::move(found));
}

Result<SubjectKey> SubjectKeys::Make(const SubjectId& subject) {
  const Result<int64_t> erased =
      database_.Number("SELECT generation FROM tombstones WHERE subject = ?", 0, {Key(subject)});
  if (!erased) {
    return erased.error();
  }
  SubjectKey made{*erased + 1, RandomSecret(kKeyBytes)};
  const std::string wrapped =
      AeadEncrypt(wrap_key_, made.key.view(), WrapContext(subject, made.generation));
  if (Result<void> inserted =
          database_.Run("INSERT INTO keys (subject, generation, wrapped) VALUES (?, ?, ?)",
                        {Key(subject), made.generation, Blob{wrapped}});
      !inserted) {
    return inserted.error();
  }
  return made;
}

Result<uint64_t> SubjectKeys::ErasedBefore(const SubjectId& subject) {
  const Result<int64_t> before =
      database_.Number("SELECT erased_before FROM tombstones WHERE subject = ?", 0, {Key(subject)});
  return before ? Result<uint64_t>(static_cast<uint64_t>(*before))
                : Result<uint64_t>(before.error());
}

Result<bool> SubjectKeys::Destroy(const SubjectId& subject, uint64_t erased_before) {
  const Result<int64_t> generation =
      database_.Number("SELECT generation FROM keys WHERE subject = ?", 0, {Key(subject)});
  if (!generation) {
    return generation.error();
  }
  Result<void> done = database_.Run("DELETE FROM keys WHERE subject = ?", {Key(subject)});
  if (done) {
    done = database_.Run(
        "INSERT INTO tombstones (subject, generation, erased_before) VALUES (?1, ?2, ?3)"
        " ON CONFLICT (subject) DO UPDATE SET generation = max(generation, ?2),"
        " erased_before = max(erased_before, ?3)",
        {Key(subject), *generation, static_cast<int64_t>(erased_before)});
  }
  if (done) {
    done = database_.Run("INSERT OR REPLACE INTO marks (name, value) VALUES ('scrub', 1)");
  }
  if (!done) {
    return done.error();
  }
  return *generation > 0;
}

Result<bool> SubjectKeys::ScrubPending() {
  const Result<int64_t> mark = database_.Number("SELECT value FROM marks WHERE name = 'scrub'", 0);
  return mark ? Result<bool>(*mark != 0) : Result<bool>(mark.error());
}

Result<void> SubjectKeys::Scrub() {
  Result<void> done = database_.Checkpoint();
  if (done) {
    done = database_.Rewrite();
  }
  if (done) {
    done = database_.Run("DELETE FROM marks WHERE name = 'scrub'");
  }
  return done;
}

Result<int64_t> SubjectKeys::CountKeys() {
  return database_.Number("SELECT count(*) FROM keys", 0);
}
Result<int64_t> SubjectKeys::CountTombstones() {
  return database_.Number("SELECT count(*) FROM tombstones", 0);
}

}  // namespace bulkhead
