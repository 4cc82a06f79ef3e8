#include "vault/identities.h"

#include <utility>

#include "base/byte_codec.h"
#include "vault/email.h"

namespace bulkhead {
namespace {

constexpr uint8_t kSchemaVersion = 1;
constexpr const char* kSchema =
    "CREATE TABLE identities (subject BLOB NOT NULL, field TEXT NOT NULL, value_id BLOB NOT NULL,"
    " project INTEGER NOT NULL, generation INTEGER NOT NULL, first_ms INTEGER NOT NULL,"
    " last_ms INTEGER NOT NULL, from_profile INTEGER NOT NULL, set_ms INTEGER,"
    " box BLOB NOT NULL, PRIMARY KEY (subject, field, value_id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE addresses (blind INTEGER NOT NULL, subject BLOB NOT NULL,"
    " PRIMARY KEY (blind, subject)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX addresses_of ON addresses (subject);"
    "CREATE TABLE cursor (id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL) STRICT;"
    "CREATE TABLE skipped (position INTEGER PRIMARY KEY) STRICT;";

Blob Key(const SubjectId& subject) {
  return Blob{{reinterpret_cast<const char*>(subject.bytes.data()), subject.bytes.size()}};
}

// What a value is bound to: moved to another subject, field, project or key version it does not
// open.
std::string ValueContext(ProjectId project, const SubjectId& subject, std::string_view field,
                         int64_t generation) {
  std::string context = "bulkhead identity v1";
  ByteWriter writer(&context);
  writer.Fixed(project.value);
  writer.Fixed(subject.bytes);
  writer.String(field);
  writer.Byte(kSchemaVersion);
  writer.Fixed(generation);
  return context;
}

}  // namespace

ValueKey::ValueKey(SubjectKey key)
    : key_(std::move(key)), value_ids_(DeriveKey(key_.key, "bulkhead v1 value ids")) {}

std::string ValueKey::ValueId(std::string_view field, std::string_view value) const {
  std::string text;
  ByteWriter writer(&text);
  writer.String(field);
  writer.Raw(value);
  std::string id(16, '\0');
  value_ids_.Digest128(text, reinterpret_cast<uint8_t*>(id.data()));
  Wipe(&text);
  return id;
}

Result<Identities> Identities::Open(const std::string& path, const SecretBytes& blind_index_key) {
  // What a power cut takes back here is given again by the log.
  Result<VaultDatabase> database = VaultDatabase::Open(
      {.path = path, .schema = kSchema, .version = kSchemaVersion, .sync_every_commit = false});
  if (!database) {
    return database.error();
  }
  return Identities(std::move(*database), blind_index_key);
}

Result<void> Identities::Put(const SealedField& field, ProjectId project, const ValueKey& key) {
  const std::string value_id = key.ValueId(field.field, field.value);
  const int64_t from_profile = field.from_profile ? 1 : 0;
  Result<void> done = database_.Run(
      "UPDATE identities SET first_ms = min(first_ms, ?4), last_ms = max(last_ms, ?4),"
      " from_profile = max(from_profile, ?5) WHERE subject = ?1 AND field = ?2 AND value_id = ?3",
      {Key(field.subject), field.field, Blob{value_id}, field.time_ms, from_profile});
  if (done && database_.changes() == 0) {
    const std::string box =
        AeadEncrypt(key.key(), field.value,
                    ValueContext(project, field.subject, field.field, key.generation()));
    done = database_.Run(
        "INSERT INTO identities (subject, field, value_id, project, generation, first_ms, last_ms,"
        " from_profile, box) VALUES (?1, ?2, ?3, ?6, ?7, ?4, ?4, ?5, ?8)",
        {Key(field.subject), field.field, Blob{value_id}, field.time_ms, from_profile,
         int64_t{project.value}, key.generation(), Blob{box}});
    if (std::optional<std::string> email = NormaliseEmail(field.value); done && email) {
      done = database_.Run("INSERT OR IGNORE INTO addresses (blind, subject) VALUES (?, ?)",
                           {static_cast<int64_t>(blind_.Digest64(*email)), Key(field.subject)});
      Wipe(&*email);
    }
  }
  return done && field.from_profile ? MakeCurrent(field, value_id) : done;
}

// The profile's value is the one set last; set_ms marks it, and values set before lose the mark.
Result<void> Identities::MakeCurrent(const SealedField& field, std::string_view value_id) {
  const Result<int64_t> newer = database_.Number(
      "SELECT count(*) FROM identities WHERE subject = ? AND field = ? AND set_ms > ?", 0,
      {Key(field.subject), field.field, field.time_ms});
  if (!newer || *newer > 0) {
    return newer ? Result<void>() : Result<void>(newer.error());
  }
  Result<void> done = database_.Run(
      "UPDATE identities SET set_ms = NULL WHERE subject = ? AND field = ? AND set_ms IS NOT NULL",
      {Key(field.subject), field.field});
  if (done) {
    done = database_.Run(
        "UPDATE identities SET set_ms = ? WHERE subject = ? AND field = ? AND value_id = ?",
        {field.time_ms, Key(field.subject), field.field, Blob{value_id}});
  }
  return done;
}

Result<uint64_t> Identities::Remove(const SubjectId& subject, int64_t up_to_generation) {
  Result<void> done = database_.Run("DELETE FROM identities WHERE subject = ? AND generation <= ?",
                                    {Key(subject), up_to_generation});
  const int64_t removed = database_.changes();
  if (done) {
    // Only where nothing is left: addresses are not told apart by generation, and the ones of a
    // living subject are confirmed by opening.
    done = database_.Run(
        "DELETE FROM addresses WHERE subject = ?1"
        " AND NOT EXISTS (SELECT 1 FROM identities WHERE subject = ?1)",
        {Key(subject)});
  }
  if (!done) {
    return done.error();
  }
  return static_cast<uint64_t>(removed);
}

Result<void> Identities::SetCursor(uint64_t position) {
  return database_.Run("INSERT OR REPLACE INTO cursor (id, position) VALUES (1, ?)",
                       {static_cast<int64_t>(position)});
}

Result<void> Identities::NoteSkipped(uint64_t position) {
  return database_.Run("INSERT OR IGNORE INTO skipped (position) VALUES (?)",
                       {static_cast<int64_t>(position)});
}

Result<std::optional<uint64_t>> Identities::Cursor() {
  const Result<int64_t> position = database_.Number("SELECT position FROM cursor", -1);
  if (!position) {
    return position.error();
  }
  return *position < 0 ? std::optional<uint64_t>() : static_cast<uint64_t>(*position);
}

Result<std::vector<RevealedField>> Identities::Read(const SubjectId& subject,
                                                    const SubjectKey& key) {
  Result<SqlRows> rows = database_.Start(
      "SELECT field, project, first_ms, last_ms, from_profile, set_ms IS NOT NULL, box"
      " FROM identities WHERE subject = ? AND generation = ? ORDER BY field, first_ms, value_id",
      {Key(subject), key.generation});
  if (!rows) {
    return rows.error();
  }
  std::vector<RevealedField> fields;
  while (true) {
    const Result<bool> row = rows->Step();
    if (!row) {
      return row.error();
    }
    if (!*row) {
      return fields;
    }
    RevealedField field;
    field.field = rows->Bytes(0);
    const ProjectId project{static_cast<uint32_t>(rows->Number(1))};
    field.first_seen_ms = rows->Number(2);
    field.last_seen_ms = rows->Number(3);
    field.from_profile = rows->Number(4) != 0;
    field.current = rows->Number(5) != 0;
    Result<SecretBytes> value = AeadDecrypt(
        key.key, rows->Bytes(6), ValueContext(project, subject, field.field, key.generation));
    if (!value) {
      return Error{ErrorCode::kCorruption, "vault: a value does not open under its subject's key"};
    }
    field.value = std::move(*value);
    fields.push_back(std::move(field));
  }
}

Result<uint64_t> Identities::CountValuesOf(const SubjectId& subject, int64_t generation) {
  const Result<int64_t> count =
      database_.Number("SELECT count(*) FROM identities WHERE subject = ? AND generation = ?", 0,
                       {Key(subject), generation});
  return count ? Result<uint64_t>(static_cast<uint64_t>(*count)) : Result<uint64_t>(count.error());
}

Result<std::vector<SubjectId>> Identities::Candidates(std::string_view normalised_email) {
  Result<SqlRows> rows =
      database_.Start("SELECT subject FROM addresses WHERE blind = ? ORDER BY subject",
                      {static_cast<int64_t>(blind_.Digest64(normalised_email))});
  if (!rows) {
    return rows.error();
  }
  std::vector<SubjectId> subjects;
  while (true) {
    const Result<bool> row = rows->Step();
    if (!row) {
      return row.error();
    }
    if (!*row) {
      return subjects;
    }
    SubjectId subject;
    const std::string_view bytes = rows->Bytes(0);
    if (bytes.size() == subject.bytes.size()) {
      std::memcpy(subject.bytes.data(), bytes.data(), bytes.size());
      subjects.push_back(subject);
    }
  }
}

Result<int64_t> Identities::CountValues() {
  return database_.Number("SELECT count(*) FROM identities", 0);
}
Result<int64_t> Identities::CountSkipped() {
  return database_.Number("SELECT count(*) FROM skipped", 0);
}

}  // namespace bulkhead
