#include "vault/identities.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/byte_codec.h"
#include "vault/email.h"

namespace bulkhead {
namespace {

constexpr int kFileVersion = 2;
constexpr uint8_t kSchemaVersion = 1;  // of what a value is bound to
constexpr const char* kSchema =
    "CREATE TABLE identities (subject BLOB NOT NULL, field TEXT NOT NULL, value_id BLOB NOT NULL,"
    " project INTEGER NOT NULL, generation INTEGER NOT NULL, first_ms INTEGER NOT NULL,"
    " last_ms INTEGER NOT NULL, from_profile INTEGER NOT NULL, set_ms INTEGER,"
    " box BLOB NOT NULL, PRIMARY KEY (subject, field, value_id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE addresses (index_key INTEGER NOT NULL, blind INTEGER NOT NULL,"
    " subject BLOB NOT NULL, PRIMARY KEY (index_key, blind, subject)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX addresses_of ON addresses (subject);"
    "CREATE TABLE cursor (id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL) STRICT;"
    "CREATE TABLE skipped (position INTEGER PRIMARY KEY) STRICT;"
    "CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

// Version 1 had one blind index key, which is number 1 of the ring.
constexpr const char* kUpgradeTo2 =
    "ALTER TABLE addresses RENAME TO old_addresses;"
    "DROP INDEX addresses_of;"
    "CREATE TABLE addresses (index_key INTEGER NOT NULL, blind INTEGER NOT NULL,"
    " subject BLOB NOT NULL, PRIMARY KEY (index_key, blind, subject)) STRICT, WITHOUT ROWID;"
    "INSERT INTO addresses SELECT 1, blind, subject FROM old_addresses;"
    "DROP TABLE old_addresses;"
    "CREATE INDEX addresses_of ON addresses (subject);"
    "CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

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

Result<Identities> Identities::Open(FileSystem& fs, const std::string& path,
                                    const SecretBytes& file_key, const KeyRing& blind_index_keys) {
  // What a power cut takes back here is given again by the log.
  Result<VaultDatabase> database = VaultDatabase::Open(fs,
                                                       {.path = path,
                                                        .schema = kSchema,
                                                        .version = kFileVersion,
                                                        .upgrades = {kUpgradeTo2},
                                                        .sync_every_commit = false},
                                                       file_key);
  if (!database) {
    return database.error();
  }
  Identities identities(std::move(*database));
  identities.UseKeys(blind_index_keys);
  return identities;
}

void Identities::UseKeys(const KeyRing& blind_index_keys) {
  Check(!blind_index_keys.empty(), "the vault has a blind index key");
  blind_keys_.clear();
  for (const KeyRing::Entry& entry : blind_index_keys.entries()) {
    blind_keys_.push_back({entry.id, KeyedHash(entry.key)});
  }
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
      done = PutAddress(field.subject, *email);
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

Result<void> Identities::PutAddress(const SubjectId& subject, std::string_view normalised_email) {
  const BlindKey& newest = blind_keys_.back();
  return database_.Run(
      "INSERT OR IGNORE INTO addresses (index_key, blind, subject) VALUES (?, ?, ?)",
      {int64_t{newest.id}, static_cast<int64_t>(newest.hash.Digest64(normalised_email)),
       Key(subject)});
}

Result<uint64_t> Identities::Remove(const SubjectId& subject, int64_t keep_generation) {
  Result<void> done = database_.Run("DELETE FROM identities WHERE subject = ? AND generation <> ?",
                                    {Key(subject), keep_generation});
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

struct Identities::Row {
  RevealedField field;  // without its value
  ProjectId project;
  std::string box;
};

namespace {

// Which of the rows stay where nobody asked for history: of each field the present value, or, where
// none is marked as that, the one seen last.
template <typename Row>
void KeepPresent(std::vector<Row>* rows) {
  const auto later = [](const Row& a, const Row& b) {
    return std::pair(a.field.current, a.field.last_seen_ms) <
           std::pair(b.field.current, b.field.last_seen_ms);
  };
  std::map<std::string, Row*, std::less<>> present;
  for (Row& row : *rows) {
    Row*& kept = present[row.field.field];
    if (kept == nullptr || later(*kept, row)) {
      kept = &row;
    }
  }
  std::vector<Row> kept;
  for (auto& [name, row] : present) {
    kept.push_back(std::move(*row));
  }
  *rows = std::move(kept);
}

bool Selected(const RevealSelection& selection, ProjectId project, std::string_view field) {
  if (selection.project && *selection.project != project) {
    return false;
  }
  return selection.fields.empty() || std::find(selection.fields.begin(), selection.fields.end(),
                                               field) != selection.fields.end();
}

}  // namespace

Result<std::vector<Identities::Row>> Identities::Rows(const SubjectId& subject, int64_t generation,
                                                      const RevealSelection& selection) {
  Result<SqlRows> rows = database_.Start(
      "SELECT field, project, first_ms, last_ms, from_profile, set_ms IS NOT NULL, box"
      " FROM identities WHERE subject = ? AND generation = ? ORDER BY field, first_ms, value_id",
      {Key(subject), generation});
  if (!rows) {
    return rows.error();
  }
  std::vector<Row> found;
  Result<bool> step = rows->Step();
  for (; step && *step; step = rows->Step()) {
    const ProjectId project{static_cast<uint32_t>(rows->Number(1))};
    if (!Selected(selection, project, rows->Bytes(0))) {
      continue;
    }
    Row row;
    row.field.field = rows->Bytes(0);
    row.project = project;
    row.field.first_seen_ms = rows->Number(2);
    row.field.last_seen_ms = rows->Number(3);
    row.field.from_profile = rows->Number(4) != 0;
    row.field.current = rows->Number(5) != 0;
    row.box = rows->Bytes(6);
    found.push_back(std::move(row));
  }
  if (!step) {
    return step.error();
  }
  if (!selection.history) {
    KeepPresent(&found);
  }
  return found;
}

Result<std::vector<RevealedField>> Identities::Read(const SubjectId& subject, const SubjectKey& key,
                                                    const RevealSelection& selection) {
  Result<std::vector<Row>> rows = Rows(subject, key.generation, selection);
  if (!rows) {
    return rows.error();
  }
  std::vector<RevealedField> fields;
  for (Row& row : *rows) {
    if (selection.names_only) {
      fields.push_back(std::move(row.field));
      continue;
    }
    Result<SecretBytes> value = AeadDecrypt(
        key.key, row.box, ValueContext(row.project, subject, row.field.field, key.generation));
    if (!value) {
      return Error{ErrorCode::kCorruption, "vault: a value does not open under its subject's key"};
    }
    row.field.value = std::move(*value);
    fields.push_back(std::move(row.field));
  }
  return fields;
}

Result<uint64_t> Identities::CountValuesOf(const SubjectId& subject, int64_t generation,
                                           const RevealSelection& selection) {
  const Result<std::vector<Row>> rows = Rows(subject, generation, selection);
  return rows ? Result<uint64_t>(rows->size()) : rows.error();
}

Result<std::vector<SubjectId>> Identities::TakeSubjects(SqlRows rows) {
  std::vector<SubjectId> subjects;
  Result<bool> row = rows.Step();
  for (; row && *row; row = rows.Step()) {
    SubjectId subject;
    const std::string_view bytes = rows.Bytes(0);
    if (bytes.size() == subject.bytes.size()) {
      std::memcpy(subject.bytes.data(), bytes.data(), bytes.size());
      subjects.push_back(subject);
    }
  }
  if (!row) {
    return row.error();
  }
  return subjects;
}

Result<std::vector<SubjectId>> Identities::Candidates(std::string_view normalised_email) {
  std::vector<SubjectId> subjects;
  for (const BlindKey& key : blind_keys_) {
    Result<SqlRows> rows = database_.Start(
        "SELECT subject FROM addresses WHERE index_key = ? AND blind = ?",
        {int64_t{key.id}, static_cast<int64_t>(key.hash.Digest64(normalised_email))});
    Result<std::vector<SubjectId>> found =
        rows ? TakeSubjects(std::move(*rows)) : Result<std::vector<SubjectId>>(rows.error());
    if (!found) {
      return found;
    }
    subjects.insert(subjects.end(), found->begin(), found->end());
  }
  std::sort(subjects.begin(), subjects.end());
  subjects.erase(std::unique(subjects.begin(), subjects.end()), subjects.end());
  return subjects;
}

Result<std::vector<SubjectId>> Identities::SubjectsAfter(ProjectId project, const SubjectId& after,
                                                         size_t most) {
  Result<SqlRows> rows = database_.Start(
      "SELECT DISTINCT subject FROM identities WHERE subject > ? AND project = ?"
      " ORDER BY subject LIMIT ?",
      {Key(after), int64_t{project.value}, static_cast<int64_t>(most)});
  return rows ? TakeSubjects(std::move(*rows)) : Result<std::vector<SubjectId>>(rows.error());
}

Result<std::vector<SubjectFields>> Identities::FieldsAfter(ProjectId project,
                                                           const SubjectId& after, size_t most) {
  Result<SqlRows> rows = database_.Start(
      "SELECT DISTINCT subject, field FROM identities WHERE subject > ? AND project = ?"
      " ORDER BY subject, field",
      {Key(after), int64_t{project.value}});
  if (!rows) {
    return rows.error();
  }
  std::vector<SubjectFields> all;
  size_t names = 0;
  Result<bool> row = rows->Step();
  for (; row && *row; row = rows->Step()) {
    SubjectId subject;
    const std::string_view bytes = rows->Bytes(0);
    if (bytes.size() != subject.bytes.size()) continue;
    std::memcpy(subject.bytes.data(), bytes.data(), bytes.size());
    if (all.empty() || all.back().subject != subject) {
      if (names >= most) break;
      all.push_back({subject, {}});
    }
    all.back().fields.emplace_back(rows->Bytes(1));
    ++names;
  }
  return row ? Result<std::vector<SubjectFields>>(std::move(all)) : row.error();
}

Result<std::vector<SubjectId>> Identities::SubjectsToReindex(size_t most) {
  Result<SqlRows> rows = database_.Start(
      "SELECT subject FROM addresses WHERE index_key < ?1 OR index_key > ?1 LIMIT ?2",
      {int64_t{blind_keys_.back().id}, static_cast<int64_t>(most)});
  Result<std::vector<SubjectId>> subjects =
      rows ? TakeSubjects(std::move(*rows)) : Result<std::vector<SubjectId>>(rows.error());
  if (subjects) {
    std::sort(subjects->begin(), subjects->end());
    subjects->erase(std::unique(subjects->begin(), subjects->end()), subjects->end());
  }
  return subjects;
}

Result<void> Identities::Reindex(const SubjectId& subject,
                                 const std::vector<RevealedField>& fields) {
  Result<void> done = database_.Run("DELETE FROM addresses WHERE subject = ? AND index_key <> ?",
                                    {Key(subject), int64_t{blind_keys_.back().id}});
  for (const RevealedField& field : fields) {
    if (std::optional<std::string> email = NormaliseEmail(field.value.view()); done && email) {
      done = PutAddress(subject, *email);
      Wipe(&*email);
    }
  }
  return done;
}

Result<uint64_t> Identities::CountOldAddresses() {
  const Result<int64_t> count =
      database_.Number("SELECT count(*) FROM addresses WHERE index_key < ?1 OR index_key > ?1", 0,
                       {int64_t{blind_keys_.back().id}});
  return count ? Result<uint64_t>(static_cast<uint64_t>(*count)) : count.error();
}

Result<int64_t> Identities::ErasuresFollowed() {
  return database_.Number("SELECT value FROM marks WHERE name = 'erasures'", 0);
}
Result<void> Identities::SetErasuresFollowed(int64_t erasures) {
  return database_.Run("INSERT OR REPLACE INTO marks (name, value) VALUES ('erasures', ?)",
                       {erasures});
}

Result<int64_t> Identities::CountValues() {
  return database_.Number("SELECT count(*) FROM identities", 0);
}
Result<int64_t> Identities::CountSkipped() {
  return database_.Number("SELECT count(*) FROM skipped", 0);
}

}  // namespace bulkhead
