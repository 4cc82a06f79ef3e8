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
  bool AnyFileHolds(std::string_view needle) {
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
      if (Bytes(entry.path()).find(needle) != std::string::npos) {
        return true;
      }
    }
    return false;
  }
  void RunSql(const std::string& file, const std::string& sql) {
    sqlite3* handle = nullptr;
    ASSERT_EQ(SQLITE_OK, sqlite3_open((dir_ + "/" + file).c_str(), &handle));
    EXPECT_EQ(SQLITE_OK, sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr));
    sqlite3_close(handle);
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
