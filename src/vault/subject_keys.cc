#include "vault/subject_keys.h"

#include <algorithm>

#include "base/byte_codec.h"

namespace bulkhead {
namespace {

constexpr const char* kSchema =
    "CREATE TABLE keys (subject BLOB PRIMARY KEY, generation INTEGER NOT NULL,"
    " wrapped BLOB NOT NULL, wrap_key INTEGER NOT NULL, made_at INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE INDEX keys_by_wrap_key ON keys (wrap_key);"
    "CREATE TABLE tombstones (subject BLOB PRIMARY KEY, generation INTEGER NOT NULL,"
    " erased_before INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

// Version 1 had one wrap key, which is number 1 of the ring.
constexpr const char* kUpgradeTo2 =
    "ALTER TABLE keys ADD COLUMN wrap_key INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE keys ADD COLUMN made_at INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX keys_by_wrap_key ON keys (wrap_key);";

Blob Key(const SubjectId& subject) {
  return Blob{{reinterpret_cast<const char*>(subject.bytes.data()), subject.bytes.size()}};
}

std::optional<SubjectId> SubjectOf(std::string_view bytes) {
  SubjectId subject;
  if (bytes.size() != subject.bytes.size()) {
    return std::nullopt;
  }
  std::memcpy(subject.bytes.data(), bytes.data(), bytes.size());
  return subject;
}

// What a wrapped key is bound to: another subject's, or an older one put back, does not open.
std::string WrapContext(const SubjectId& subject, int64_t generation) {
  std::string context = "bulkhead subject key v1";
  ByteWriter writer(&context);
  writer.Fixed(subject.bytes);
  writer.Fixed(generation);
  return context;
}

Result<uint64_t> Unsigned(const Result<int64_t>& number) {
  return number ? Result<uint64_t>(static_cast<uint64_t>(*number))
                : Result<uint64_t>(number.error());
}

}  // namespace

Result<SubjectKeys> SubjectKeys::Open(FileSystem& fs, const std::string& path,
                                      const SecretBytes& file_key, KeyRing wrap_keys) {
  Result<VaultDatabase> database = VaultDatabase::Open(
      fs, {.path = path, .schema = kSchema, .version = 2, .upgrades = {kUpgradeTo2}}, file_key);
  if (!database) {
    return database.error();
  }
  return SubjectKeys(std::move(*database), std::move(wrap_keys));
}

Result<SecretBytes> SubjectKeys::Unwrap(const SubjectId& subject, int64_t generation,
                                        int64_t wrap_key, std::string_view wrapped) const {
  const Result<const SecretBytes*> found = wrap_keys_.Find(static_cast<uint32_t>(wrap_key));
  if (!found) {
    // Not kCorruption and not "no key": a new key in its place would bury one that a vault.keys of
    // the right age still opens.
    return Error{ErrorCode::kUnavailable, "vault: a subject's key is wrapped by key " +
                                              std::to_string(wrap_key) +
                                              ", which vault.keys does not hold"};
  }
  Result<SecretBytes> key = AeadDecrypt(**found, wrapped, WrapContext(subject, generation));
  if (!key || key->size() != kKeyBytes) {
    return Error{ErrorCode::kCorruption, "vault: a subject's key does not open"};
  }
  return key;
}

Result<std::optional<SubjectKey>> SubjectKeys::Find(const SubjectId& subject) {
  Result<SqlRows> rows = database_.Start(
      "SELECT generation, wrap_key, wrapped FROM keys WHERE subject = ?", {Key(subject)});
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
  Result<SecretBytes> key = Unwrap(subject, found.generation, rows->Number(1), rows->Bytes(2));
  if (!key) {
    return key.error();
  }
  found.key = std::move(*key);
  return std::optional<SubjectKey>(std::move(found));
}

Result<SubjectKey> SubjectKeys::Make(const SubjectId& subject, uint64_t made_at) {
  const Result<int64_t> erased =
      database_.Number("SELECT generation FROM tombstones WHERE subject = ?", 0, {Key(subject)});
  if (!erased) {
    return erased.error();
  }
  const KeyRing::Entry& wrap = wrap_keys_.newest();
  SubjectKey made{*erased + 1, RandomSecret(kKeyBytes)};
  const std::string wrapped =
      AeadEncrypt(wrap.key, made.key.view(), WrapContext(subject, made.generation));
  if (Result<void> inserted =
          database_.Run("INSERT INTO keys (subject, generation, wrapped, wrap_key, made_at)"
                        " VALUES (?, ?, ?, ?, ?)",
                        {Key(subject), made.generation, Blob{wrapped}, int64_t{wrap.id},
                         static_cast<int64_t>(made_at)});
      !inserted) {
    return inserted.error();
  }
  return made;
}

Result<uint64_t> SubjectKeys::ErasedBefore(const SubjectId& subject) {
  return Unsigned(database_.Number("SELECT erased_before FROM tombstones WHERE subject = ?", 0,
                                   {Key(subject)}));
}

Result<void> SubjectKeys::LeaveTombstone(const SubjectId& subject, int64_t generation,
                                         uint64_t before) {
  Result<void> done = database_.Run(
      "INSERT INTO tombstones (subject, generation, erased_before) VALUES (?1, ?2, ?3)"
      " ON CONFLICT (subject) DO UPDATE SET generation = max(generation, ?2),"
      " erased_before = max(erased_before, ?3)",
      {Key(subject), generation, static_cast<int64_t>(before)});
  for (const char* mark : {"INSERT OR REPLACE INTO marks (name, value) VALUES ('scrub', 1)",
                           "INSERT INTO marks (name, value) VALUES ('erasures', 1)"
                           " ON CONFLICT (name) DO UPDATE SET value = value + 1"}) {
    if (done) {
      done = database_.Run(mark);
    }
  }
  return done;
}

Result<DestroyedKey> SubjectKeys::Destroy(const SubjectId& subject, uint64_t erased_before) {
  const Result<int64_t> generation =
      database_.Number("SELECT generation FROM keys WHERE subject = ?", 0, {Key(subject)});
  if (!generation) {
    return generation.error();
  }
  Result<void> done = database_.Run("DELETE FROM keys WHERE subject = ?", {Key(subject)});
  if (done) {
    done = LeaveTombstone(subject, *generation, erased_before);
  }
  if (!done) {
    return done.error();
  }
  const Result<int64_t> last =
      database_.Number("SELECT generation FROM tombstones WHERE subject = ?", 0, {Key(subject)});
  const Result<uint64_t> before = ErasedBefore(subject);
  if (!last || !before) {
    return last ? before.error() : last.error();
  }
  return DestroyedKey{*generation > 0, *last, *before};
}

Result<std::optional<DestroyedKey>> SubjectKeys::DestroyAgain(const SubjectId& subject,
                                                              uint64_t erased_before) {
  const Result<uint64_t> known = ErasedBefore(subject);
  if (!known) {
    return known.error();
  }
  if (*known >= erased_before) {
    return std::optional<DestroyedKey>();
  }
  const Result<int64_t> made_at =
      database_.Number("SELECT made_at FROM keys WHERE subject = ?", 0, {Key(subject)});
  if (!made_at) {
    return made_at.error();
  }
  if (static_cast<uint64_t>(*made_at) < erased_before) {
    const Result<DestroyedKey> destroyed = Destroy(subject, erased_before);
    return destroyed ? Result<std::optional<DestroyedKey>>(*destroyed) : destroyed.error();
  }
  DestroyedKey kept{false, 0, erased_before};
  const Result<void> done = LeaveTombstone(subject, 0, erased_before);
  return done ? Result<std::optional<DestroyedKey>>(kept) : done.error();
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

Result<uint64_t> SubjectKeys::RewrapFrom(uint32_t old_id, uint64_t most) {
  struct Row {
    SubjectId subject;
    int64_t generation;
    std::string wrapped;
  };
  std::vector<Row> old;
  {
    Result<SqlRows> rows =
        database_.Start("SELECT subject, generation, wrapped FROM keys WHERE wrap_key = ? LIMIT ?",
                        {int64_t{old_id}, static_cast<int64_t>(most)});
    if (!rows) {
      return rows.error();
    }
    Result<bool> row = rows->Step();
    for (; row && *row; row = rows->Step()) {
      const std::optional<SubjectId> subject = SubjectOf(rows->Bytes(0));
      if (!subject) {
        return Error{ErrorCode::kCorruption, "vault: a subject's key has no subject"};
      }
      old.push_back({*subject, rows->Number(1), std::string(rows->Bytes(2))});
    }
    if (!row) {
      return row.error();
    }
  }
  const KeyRing::Entry& wrap = wrap_keys_.newest();
  for (const Row& row : old) {
    const Result<SecretBytes> key =
        Unwrap(row.subject, row.generation, int64_t{old_id}, row.wrapped);
    if (!key) {
      return key.error();
    }
    const std::string wrapped =
        AeadEncrypt(wrap.key, key->view(), WrapContext(row.subject, row.generation));
    if (Result<void> done =
            database_.Run("UPDATE keys SET wrapped = ?, wrap_key = ? WHERE subject = ?",
                          {Blob{wrapped}, int64_t{wrap.id}, Key(row.subject)});
        !done) {
      return done.error();
    }
  }
  return old.size();
}

Result<uint64_t> SubjectKeys::Rewrap(uint64_t most) {
  uint64_t total = 0;
  for (const KeyRing::Entry& entry : wrap_keys_.entries()) {
    if (entry.id == wrap_keys_.newest().id || total >= most) {
      continue;
    }
    const Result<uint64_t> done = RewrapFrom(entry.id, most - total);
    if (!done) {
      return done;
    }
    total += *done;
  }
  if (total > 0) {
    const Result<void> marked =
        database_.Run("INSERT OR REPLACE INTO marks (name, value) VALUES ('scrub', 1)");
    if (!marked) {
      return marked.error();
    }
  }
  return total;
}

Result<uint64_t> SubjectKeys::CountOld() {
  uint64_t total = 0;
  for (const KeyRing::Entry& entry : wrap_keys_.entries()) {
    if (entry.id == wrap_keys_.newest().id) {
      continue;
    }
    const Result<int64_t> count =
        database_.Number("SELECT count(*) FROM keys WHERE wrap_key = ?", 0, {int64_t{entry.id}});
    if (!count) {
      return count.error();
    }
    total += static_cast<uint64_t>(*count);
  }
  return total;
}

Result<uint64_t> SubjectKeys::CountLost() {
  const Result<int64_t> all = CountKeys();
  const Result<uint64_t> old = CountOld();
  const Result<int64_t> newest = database_.Number("SELECT count(*) FROM keys WHERE wrap_key = ?", 0,
                                                  {int64_t{wrap_keys_.newest().id}});
  if (!all || !old || !newest) {
    return !all ? all.error() : !old ? old.error() : newest.error();
  }
  return static_cast<uint64_t>(*all) - *old - static_cast<uint64_t>(*newest);
}

Result<uint64_t> SubjectKeys::AbandonLost() {
  std::vector<std::pair<SubjectId, int64_t>> lost;
  {
    Result<SqlRows> rows = database_.Start("SELECT subject, generation, wrap_key FROM keys");
    if (!rows) {
      return rows.error();
    }
    Result<bool> row = rows->Step();
    for (; row && *row; row = rows->Step()) {
      const std::optional<SubjectId> subject = SubjectOf(rows->Bytes(0));
      if (subject && !wrap_keys_.Find(static_cast<uint32_t>(rows->Number(2)))) {
        lost.emplace_back(*subject, rows->Number(1));
      }
    }
    if (!row) {
      return row.error();
    }
  }
  for (const auto& [subject, generation] : lost) {
    Result<void> done = database_.Run("DELETE FROM keys WHERE subject = ?", {Key(subject)});
    if (done) {
      done = LeaveTombstone(subject, generation, 0);
    }
    if (!done) {
      return done.error();
    }
  }
  return lost.size();
}

Result<std::vector<std::pair<SubjectId, int64_t>>> SubjectKeys::ErasedSubjects() {
  Result<SqlRows> rows = database_.Start(
      "SELECT tombstones.subject, coalesce(keys.generation, 0) FROM tombstones"
      " LEFT JOIN keys ON keys.subject = tombstones.subject");
  if (!rows) {
    return rows.error();
  }
  std::vector<std::pair<SubjectId, int64_t>> erased;
  Result<bool> row = rows->Step();
  for (; row && *row; row = rows->Step()) {
    if (const std::optional<SubjectId> subject = SubjectOf(rows->Bytes(0))) {
      erased.emplace_back(*subject, rows->Number(1));
    }
  }
  if (!row) {
    return row.error();
  }
  return erased;
}

Result<int64_t> SubjectKeys::Erasures() {
  return database_.Number("SELECT value FROM marks WHERE name = 'erasures'", 0);
}
Result<uint64_t> SubjectKeys::LatestErasedBefore() {
  return Unsigned(database_.Number("SELECT coalesce(max(erased_before), 0) FROM tombstones", 0));
}
Result<int64_t> SubjectKeys::CountKeys() {
  return database_.Number("SELECT count(*) FROM keys", 0);
}
Result<int64_t> SubjectKeys::CountTombstones() {
  return database_.Number("SELECT count(*) FROM tombstones", 0);
}

}  // namespace bulkhead
