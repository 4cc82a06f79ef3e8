// A vault in a directory of its own, for the tests.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/keys.h"
#include "model/sealed_fields.h"
#include "vault/file_key.h"
#include "vault/plain_database.h"
#include "vault/vault.h"

namespace bulkhead {

inline const SubjectId kJane{{1}};
inline const SubjectId kOmar{{2}};
inline const ProjectId kProject{1};

inline SealedField OnEvent(const SubjectId& subject, std::string field, std::string value,
                           int64_t ms) {
  return {subject, std::move(field), std::move(value), false, ms};
}
inline SealedField OnProfile(const SubjectId& subject, std::string field, std::string value,
                             int64_t ms) {
  return {subject, std::move(field), std::move(value), true, ms};
}

class VaultFixture : public testing::Test {
 protected:
  VaultFixture() {
    std::string pattern = testing::TempDir() + "bulkhead-vault-XXXXXX";
    base_ = ::mkdtemp(pattern.data());
    InitCrypto();
    wraps_.push_back({1, RandomSecret(kKeyBytes)});
    blinds_.push_back({1, RandomSecret(kKeyBytes)});
    dir_ = base_ + "/vault";
    vault_ = Open();
  }
  ~VaultFixture() override { std::filesystem::remove_all(base_); }

  static void Fill(KeyRing* ring, const std::vector<KeyRing::Entry>& from) {
    for (const KeyRing::Entry& entry : from) {
      ring->Add(entry.id, SecretBytes(entry.key.view()));
    }
  }
  // The rings of today; tests add to and take from `wraps_` and `blinds_`.
  VaultKeys Keys() {
    VaultKeys keys;
    keys.seal_keys =
        SealKeyRing(SealKeyPair{pair_.public_key, SecretBytes(pair_.private_key.view())});
    Fill(&keys.subject_wrap_keys, wraps_);
    Fill(&keys.blind_index_keys, blinds_);
    keys.pseudonym_key = SecretBytes(pseudonym_key_.view());
    return keys;
  }
  Result<std::unique_ptr<Vault>> TryOpen() { return Vault::Open(fs_, dir_, Keys()); }
  std::unique_ptr<Vault> Open() { return std::move(TryOpen()).value(); }
  std::string SealFields(const std::vector<SealedField>& fields) {
    return Seal(pair_.public_key, EncodeSealedFields(fields));
  }
  void Ingest(const std::vector<SealedField>& fields, uint64_t position) {
    const Result<void> taken = vault_->Ingest(SealFields(fields), position);
    ASSERT_TRUE(taken) << taken.error().message;
  }
  // "field=value" of all that the vault tells, with the times and marks.
  std::vector<std::string> Told(const SubjectId& subject) {
    std::vector<std::string> told;
    const Result<std::vector<RevealedField>> fields = vault_->Reveal(subject);
    EXPECT_TRUE(fields);
    for (const RevealedField& field : *fields) {
      told.push_back(field.field + "=" + std::string(field.value.view()) + " " +
                     std::to_string(field.first_seen_ms) + "-" +
                     std::to_string(field.last_seen_ms) + (field.from_profile ? " profile" : "") +
                     (field.current ? " current" : ""));
    }
    return told;
  }
  std::string Bytes(const std::filesystem::path& path) {
    std::stringstream bytes;
    bytes << std::ifstream(path, std::ios::binary).rdbuf();
    return bytes.str();
  }
  // A database as whoever has the wrap keys opens it.
  sqlite3* OpenSql(const std::string& file) {
    KeyRing ring;
    Fill(&ring, wraps_);
    const Result<VaultFileKey> key = VaultFileKey::Open(fs_, dir_, ring);
    EXPECT_TRUE(key);
    sqlite3* handle = nullptr;
    EXPECT_EQ(SQLITE_OK, sqlite3_open((dir_ + "/" + file).c_str(), &handle));
    EXPECT_TRUE(SetDatabaseKey(handle, key->For(file)));
    return handle;
  }
  void RunSql(const std::string& file, const std::string& sql) {
    sqlite3* handle = OpenSql(file);
    EXPECT_EQ(SQLITE_OK, sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr))
        << sqlite3_errmsg(handle);
    sqlite3_close(handle);
  }
  // The first column of every row.
  std::vector<std::string> Column(const std::string& file, const std::string& sql) {
    sqlite3* handle = OpenSql(file);
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(SQLITE_OK, sqlite3_prepare_v2(handle, sql.c_str(), -1, &statement, nullptr));
    std::vector<std::string> found;
    while (sqlite3_step(statement) == SQLITE_ROW) {
      found.emplace_back(static_cast<const char*>(sqlite3_column_blob(statement, 0)),
                         static_cast<size_t>(sqlite3_column_bytes(statement, 0)));
    }
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return found;
  }
  // In any page, free ones too, of what the key opens. A WAL may hold older pages than are seen
  // here; who asserts absence looks into that too.
  bool AnyPageHolds(std::string_view needle) {
    for (const char* file : {"identities.db", "subject_keys.db"}) {
      for (const std::string& page : Column(file, "SELECT data FROM sqlite_dbpage")) {
        if (page.find(needle) != std::string::npos) {
          return true;
        }
      }
    }
    return false;
  }
  // Every page in the WAL is the one of `marks`, where no key ever lay.
  void ExpectOnlyMarksInTheWal(const std::string& file) {
    constexpr size_t kHeadBytes = 32;
    constexpr size_t kFrameBytes = 24 + 4096;
    const int64_t marks = std::stoll(
        Column(file, "SELECT rootpage || '' FROM sqlite_schema WHERE name = 'marks'").at(0));
    const std::string wal = Bytes(dir_ + "/" + file + "-wal");
    for (size_t at = kHeadBytes; at < wal.size(); at += kFrameBytes) {
      int64_t page = 0;
      for (size_t i = 0; i < 4; ++i) {
        page = page * 256 + static_cast<uint8_t>(wal.at(at + i));
      }
      EXPECT_EQ(page, marks) << file;
    }
  }
  // As older programs left it: without encryption.
  void MakePlain(const std::string& file) {
    const std::string plain = dir_ + "/" + file + ".plain";
    const std::string version = Column(file, "PRAGMA user_version").at(0);
    RunSql(file, "ATTACH DATABASE '" + plain +
                     "' AS plain KEY ''; SELECT sqlcipher_export('plain');"
                     "PRAGMA plain.user_version = " +
                     version + "; DETACH DATABASE plain");
    std::filesystem::rename(plain, dir_ + "/" + file);
  }
  void CopyVault(const std::string& to) {
    ASSERT_TRUE(vault_->Flush());
    vault_.reset();
    std::filesystem::copy(dir_, to);
    vault_ = Open();
  }

  FileSystem& fs_ = RealFileSystem();
  std::string base_;
  std::string dir_;
  const SealKeyPair pair_ = GenerateSealKeyPair();
  const SecretBytes pseudonym_key_ = RandomSecret(kKeyBytes);
  std::vector<KeyRing::Entry> wraps_;
  std::vector<KeyRing::Entry> blinds_;
  std::unique_ptr<Vault> vault_;
};

using Lines = std::vector<std::string>;

}  // namespace bulkhead
