#include "vault/plain_database.h"

#include <sqlite3.h>

#include <memory>
#include <string_view>

#include "base/hex.h"

namespace bulkhead {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kPlainHead = "SQLite format 3\0"sv;
constexpr int kBusyTimeoutMs = 2'000;

struct Closer {
  void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
};
using Connection = std::unique_ptr<sqlite3, Closer>;

// A key as SQLCipher takes it without stretching it like a password: x'64 digits'.
class KeyLiteral {
 public:
  explicit KeyLiteral(const SecretBytes& key32) {
    std::string digits = HexEncode(key32.bytes());
    text_.append("x'").append(digits).append("'");
    Wipe(&digits);
  }
  KeyLiteral(const KeyLiteral&) = delete;
  KeyLiteral& operator=(const KeyLiteral&) = delete;
  ~KeyLiteral() { Wipe(&text_); }
  [[nodiscard]] const char* data() const { return text_.data(); }
  [[nodiscard]] int size() const { return static_cast<int>(text_.size()); }

 private:
  std::string text_;
};

Error Failure(sqlite3* handle) {
  return Error{ErrorCode::kUnavailable,
               std::string("cannot be encrypted: ") + sqlite3_errstr(sqlite3_errcode(handle))};
}

Result<void> Execute(sqlite3* handle, const std::string& sql) {
  return sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK
             ? Result<void>()
             : Result<void>(Failure(handle));
}

// The first column of the first row.
Result<std::string> Ask(sqlite3* handle, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  std::string answer;
  bool ok = sqlite3_prepare_v2(handle, sql, -1, &statement, nullptr) == SQLITE_OK &&
            sqlite3_step(statement) == SQLITE_ROW;
  if (ok) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    answer.assign(text == nullptr ? "" : text);
  }
  Result<std::string> result = ok ? Result<std::string>(answer) : Failure(handle);
  sqlite3_finalize(statement);
  return result;
}

Result<void> AttachEncrypted(sqlite3* handle, const std::string& path, const SecretBytes& key32) {
  const KeyLiteral key(key32);
  sqlite3_stmt* statement = nullptr;
  const bool ok =
      sqlite3_prepare_v2(handle, "ATTACH DATABASE ? AS encrypted KEY ?", -1, &statement, nullptr) ==
          SQLITE_OK &&
      sqlite3_bind_text(statement, 1, path.data(), static_cast<int>(path.size()), SQLITE_STATIC) ==
          SQLITE_OK &&
      sqlite3_bind_text(statement, 2, key.data(), key.size(), SQLITE_STATIC) == SQLITE_OK &&
      sqlite3_step(statement) == SQLITE_DONE;
  Result<void> result = ok ? Result<void>() : Failure(handle);
  sqlite3_finalize(statement);
  return result;
}

// Nobody else can write to the plain file from here until the connection ends.
Result<void> TakeAlone(sqlite3* handle) {
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  if (Result<void> set = Execute(handle, "PRAGMA locking_mode=EXCLUSIVE"); !set) {
    return set;
  }
  const Result<std::string> journal = Ask(handle, "PRAGMA journal_mode=DELETE");
  if (!journal || *journal != "delete") {
    return Error{ErrorCode::kUnavailable, "another process is using it"};
  }
  return Execute(handle, "BEGIN EXCLUSIVE; COMMIT");
}

Result<void> CopyEncrypted(const std::string& from, const std::string& to,
                           const SecretBytes& key32) {
  sqlite3* opened = nullptr;
  const int code =
      sqlite3_open_v2(from.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  const Connection connection(opened);
  if (code != SQLITE_OK) {
    return Failure(opened);
  }
  Result<void> done = TakeAlone(opened);
  const Result<std::string> version =
      done ? Ask(opened, "PRAGMA user_version") : Result<std::string>(done.error());
  if (!version) {
    return version.error();
  }
  done = AttachEncrypted(opened, to, key32);
  if (done) {
    done = Execute(opened,
                   "PRAGMA encrypted.synchronous=FULL; SELECT sqlcipher_export('encrypted');"
                   "PRAGMA encrypted.user_version = " +
                       *version + "; DETACH DATABASE encrypted");
  }
  return done;
}

// Made here, so that it is never another user's to read.
Result<void> MakeEmptyFile(FileSystem& fs, const std::string& path) {
  if (fs.Exists(path)) {  // of an attempt that was cut off
    if (Result<void> removed = fs.Remove(path); !removed) {
      return removed;
    }
  }
  const Result<std::unique_ptr<AppendFile>> made = fs.OpenAppend(path);
  return made ? Result<void>() : Result<void>(made.error());
}

}  // namespace

Result<DatabaseForm> FormOfDatabase(FileSystem& fs, const std::string& path) {
  if (!fs.Exists(path)) {
    return DatabaseForm::kNone;
  }
  const Result<std::unique_ptr<ReadFile>> file = fs.OpenRead(path);
  if (!file) {
    return file.error();
  }
  const Result<std::string> head = (*file)->ReadAt(0, kPlainHead.size());
  if (!head) {
    return head.error();
  }
  if (head->empty()) {
    return DatabaseForm::kNone;
  }
  return *head == kPlainHead ? DatabaseForm::kPlain : DatabaseForm::kEncrypted;
}

Result<void> SetDatabaseKey(sqlite3* handle, const SecretBytes& key32) {
  const KeyLiteral key(key32);
  return sqlite3_key_v2(handle, "main", key.data(), key.size()) == SQLITE_OK
             ? Result<void>()
             : Result<void>(Error{ErrorCode::kUnavailable, "cannot be given its key"});
}

Result<void> EncryptPlainDatabase(FileSystem& fs, const std::string& path,
                                  const SecretBytes& key32) {
  const std::string copy = path + ".encrypted";
  Result<void> done = MakeEmptyFile(fs, copy);
  if (done) {
    done = CopyEncrypted(path, copy, key32);
  }
  if (done) {
    done = fs.Rename(copy, path);
  }
  return done ? fs.SyncDir(path.substr(0, path.rfind('/'))) : done;
}

}  // namespace bulkhead
