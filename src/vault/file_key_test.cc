// The vault's databases as a thief of the disk sees them, and how they come to be encrypted.
#include "vault/file_key.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "vault/vault_fixture.h"

namespace bulkhead {
namespace {

constexpr const char* kFiles[] = {"identities.db", "subject_keys.db"};

class VaultFileKeyTest : public VaultFixture {
 protected:
  VaultFileKeyTest() { subject_.bytes = {'a', 'p', 's', 'e', 'u', 'd', 'o', 'n', 'y', 'm'}; }
  std::string Pseudonym() {
    return {reinterpret_cast<const char*>(subject_.bytes.data()), subject_.bytes.size()};
  }
  void Fill() {
    Ingest({OnProfile(subject_, "$favourite_dish", "soup", 1768435200000)}, 7);
    ASSERT_TRUE(vault_->Flush());
  }
  // In the bytes of any file: what needs no key.
  bool AnyFileHolds(std::string_view needle) {
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
      if (Bytes(entry.path()).find(needle) != std::string::npos) {
        return true;
      }
    }
    return false;
  }
  void ExpectNothingReadable() {
    for (const std::string& needle :
         {Pseudonym(), std::string("$favourite_dish"), std::string("CREATE TABLE"),
          std::string("SQLite format 3")}) {
      EXPECT_FALSE(AnyFileHolds(needle)) << needle;
    }
  }
  SubjectId subject_;
};

TEST_F(VaultFileKeyTest, WithoutAKeyNoFileSaysWhoOrWhat) {
  Fill();
  ExpectNothingReadable();  // with a WAL
  vault_.reset();
  ExpectNothingReadable();
  EXPECT_TRUE(AnyPageHolds(Pseudonym()));  // there it is for those who have the key
  EXPECT_TRUE(AnyPageHolds("$favourite_dish"));
}

TEST_F(VaultFileKeyTest, PlainFilesAreEncryptedWhenOpened) {
  Fill();
  vault_.reset();
  for (const char* file : kFiles) {
    MakePlain(file);
  }
  std::filesystem::remove(dir_ + "/file_key");
  EXPECT_TRUE(AnyFileHolds(Pseudonym()));
  std::ofstream(dir_ + "/identities.db.encrypted") << "of an attempt that was cut off";
  vault_ = Open();
  ExpectNothingReadable();
  EXPECT_EQ(Told(subject_).size(), 1U);
  EXPECT_EQ(vault_->applied_position(), 7U);
  Ingest({OnEvent(subject_, "more", "bread", 2)}, 8);
  vault_ = Open();
  EXPECT_EQ(Told(subject_).size(), 2U);
}

TEST_F(VaultFileKeyTest, WhatLiesInThePlainFilesWalComesAlong) {
  Fill();
  vault_.reset();
  MakePlain("identities.db");
  sqlite3* handle = nullptr;
  ASSERT_EQ(SQLITE_OK, sqlite3_open((dir_ + "/identities.db").c_str(), &handle));
  ASSERT_EQ(SQLITE_OK, sqlite3_exec(handle,
                                    "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;"
                                    "UPDATE cursor SET position = 99",
                                    nullptr, nullptr, nullptr));
  const std::string crashed = base_ + "/crashed";  // as a kill leaves the two files
  std::filesystem::copy(dir_, crashed);
  sqlite3_close(handle);
  dir_ = crashed;
  ASSERT_GT(Bytes(dir_ + "/identities.db-wal").size(), 0U);
  vault_ = Open();
  EXPECT_EQ(vault_->applied_position(), 99U);
}

TEST_F(VaultFileKeyTest, AKillAtAnyMomentOfTheEncryptionLosesNothing) {
  constexpr uint8_t kPeople = 200;
  std::vector<SealedField> fields;
  for (uint8_t i = 0; i < kPeople; ++i) {
    SubjectId subject;
    subject.bytes[3] = i;
    fields.push_back(OnEvent(subject, "field", std::string(500, 'v'), 1));
  }
  Ingest(fields, 7);
  vault_.reset();
  for (const char* file : kFiles) {
    MakePlain(file);
  }
  std::filesystem::remove(dir_ + "/file_key");
  const std::string plain = base_ + "/plain";
  std::filesystem::rename(dir_, plain);
  const std::string wrap(wraps_[0].key.view());  // the keys' own memory is empty in a child
  for (useconds_t wait = 0; wait < 20'000; wait += 400) {
    std::filesystem::remove_all(dir_);
    std::filesystem::copy(plain, dir_);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      wraps_[0].key = SecretBytes(wrap);
      ::_exit(TryOpen() ? 0 : 1);
    }
    ::usleep(wait);
    ::kill(child, SIGKILL);
    ASSERT_EQ(child, ::waitpid(child, nullptr, 0));
    const Result<std::unique_ptr<Vault>> opened = TryOpen();
    ASSERT_TRUE(opened) << wait << opened.error().message;
    EXPECT_EQ((*opened)->applied_position(), 7U);
    const Result<VaultCounts> counts = (*opened)->Counts();
    EXPECT_EQ(counts->values, kPeople);
    EXPECT_EQ(counts->subjects, kPeople);
  }
}

TEST_F(VaultFileKeyTest, APlainFileThatIsInUseIsRefusedAndLeftAsItIs) {
  Fill();
  vault_.reset();
  MakePlain("identities.db");
  sqlite3* handle = nullptr;
  ASSERT_EQ(SQLITE_OK, sqlite3_open((dir_ + "/identities.db").c_str(), &handle));
  ASSERT_EQ(SQLITE_OK,
            sqlite3_exec(handle, "BEGIN; SELECT * FROM cursor", nullptr, nullptr, nullptr));
  const std::string plain = Bytes(dir_ + "/identities.db");
  const Result<std::unique_ptr<Vault>> refused = TryOpen();
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(refused.error().message.find("identities.db: "), std::string::npos);
  EXPECT_EQ(Bytes(dir_ + "/identities.db"), plain);
  sqlite3_close(handle);
  vault_ = Open();
  EXPECT_EQ(Told(subject_).size(), 1U);
}

TEST_F(VaultFileKeyTest, TheFileKeyFollowsTheWrapKeyAndTheOldOneCanGo) {
  Fill();
  wraps_.push_back({2, RandomSecret(kKeyBytes)});
  ASSERT_TRUE(vault_->UseKeys(Keys()));
  EXPECT_EQ(vault_->RewrapSubjectKeys(100)->remaining, 0U);
  const std::string rewrapped = Bytes(dir_ + "/file_key");
  EXPECT_EQ(vault_->RewrapSubjectKeys(100)->remaining, 0U);
  EXPECT_EQ(Bytes(dir_ + "/file_key"), rewrapped);
  wraps_.erase(wraps_.begin());
  vault_ = Open();
  EXPECT_EQ(Told(subject_).size(), 1U);
}

TEST_F(VaultFileKeyTest, AnotherKeyOrNoneOpensNothing) {
  Fill();
  vault_.reset();
  const std::string good = Bytes(dir_ + "/file_key");
  const std::vector<KeyRing::Entry> wraps = std::exchange(wraps_, {});
  wraps_.push_back({2, RandomSecret(kKeyBytes)});
  EXPECT_EQ(TryOpen().error().code, ErrorCode::kUnavailable);  // retired
  wraps_.clear();
  wraps_.push_back({1, RandomSecret(kKeyBytes)});
  EXPECT_EQ(TryOpen().error().code, ErrorCode::kCorruption);
  wraps_.clear();
  wraps_.push_back({1, SecretBytes(wraps[0].key.view())});
  for (size_t at = 0; at < good.size(); ++at) {
    std::string changed = good;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    std::ofstream(dir_ + "/file_key", std::ios::binary | std::ios::trunc) << changed;
    EXPECT_FALSE(TryOpen()) << at;
  }
  std::filesystem::remove(dir_ + "/file_key");
  const Error missing = TryOpen().error();
  EXPECT_EQ(missing.code, ErrorCode::kCorruption);
  EXPECT_NE(missing.message.find("file_key is missing"), std::string::npos) << missing.message;
  std::ofstream(dir_ + "/file_key", std::ios::binary | std::ios::trunc) << good;
  vault_ = Open();
  EXPECT_EQ(Told(subject_).size(), 1U);
}

TEST_F(VaultFileKeyTest, AChangedPageIsFoundWhereItIsRead) {
  std::vector<SealedField> fields;
  for (uint8_t i = 1; i < 250; ++i) {
    SubjectId subject;
    subject.bytes[3] = i;
    fields.push_back(OnEvent(subject, "field", std::string(200, 'v'), 1));
  }
  Ingest(fields, 1);
  vault_.reset();
  const std::string good = Bytes(dir_ + "/identities.db");
  ASSERT_GT(good.size(), 10 * 4096U);
  size_t refused = 0;
  for (size_t page = 0; page < good.size() / 4096; ++page) {
    std::string changed = good;
    changed[page * 4096 + 1000] = static_cast<char>(changed[page * 4096 + 1000] ^ 0x10);
    std::ofstream(dir_ + "/identities.db", std::ios::binary | std::ios::trunc) << changed;
    std::filesystem::remove(dir_ + "/identities.db-wal");
    const Result<std::unique_ptr<Vault>> opened = TryOpen();
    bool found = !opened;
    if (opened) {
      for (const SealedField& field : fields) {
        const Result<std::vector<RevealedField>> told = (*opened)->Reveal(field.subject);
        found = found || !told;
        EXPECT_TRUE(!told || told->size() == 1U) << page;  // never less than there is
      }
    }
    refused += found ? 1 : 0;
  }
  EXPECT_GT(refused, good.size() / 4096 / 2);  // the others hold indexes that no reveal reads
}

}  // namespace
}  // namespace bulkhead
