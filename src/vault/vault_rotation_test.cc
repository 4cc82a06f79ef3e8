// Keys that follow one another while the vault runs.
#include <gtest/gtest.h>

#include "vault/vault_fixture.h"

namespace bulkhead {
namespace {

class VaultRotationTest : public VaultFixture {
 protected:
  SubjectId Subject(int number) {
    SubjectId subject;
    subject.bytes[0] = 7;
    subject.bytes[1] = static_cast<uint8_t>(number);
    return subject;
  }
  std::string Address(int number) { return "user" + std::to_string(number) + "@example.com"; }
  void IngestPeople(int from, int to, uint64_t position) {
    std::vector<SealedField> fields;
    for (int i = from; i < to; ++i) {
      fields.push_back(OnProfile(Subject(i), "$email", Address(i), 1));
    }
    Ingest(fields, position);
  }
  void ExpectEverybody(int count) {
    for (int i = 0; i < count; ++i) {
      EXPECT_EQ(Told(Subject(i)).size(), 1U) << i;
      EXPECT_EQ(*vault_->FindByEmail(Address(i)), (std::vector<SubjectId>{Subject(i)})) << i;
    }
  }
};

TEST_F(VaultRotationTest, SubjectKeysAreWrappedAgainInSteps) {
  IngestPeople(0, 10, 1);
  EXPECT_EQ(vault_->RewrapSubjectKeys(5)->done, 0U);
  wraps_.push_back({4, RandomSecret(kKeyBytes)});
  ASSERT_TRUE(vault_->UseKeys(Keys()));
  IngestPeople(10, 12, 2);
  EXPECT_EQ(vault_->RewrapSubjectKeys(7)->remaining, 3U);
  ExpectEverybody(12);  // some under the old key, some under the new one
  vault_ = Open();      // a restart half-way
  const Result<RotationProgress> last = vault_->RewrapSubjectKeys(7);
  EXPECT_EQ(last->done, 3U);
  EXPECT_EQ(last->remaining, 0U);
  wraps_.erase(wraps_.begin());
  vault_ = Open();
  ExpectEverybody(12);
  EXPECT_EQ(vault_->RewrapSubjectKeys(7)->lost, 0U);
}

TEST_F(VaultRotationTest, WhatTheOldWrapKeyMadeIsInNoFile) {
  IngestPeople(0, 3, 1);
  const Lines wrapped = Column("subject_keys.db", "SELECT wrapped FROM keys");
  ASSERT_EQ(wrapped.size(), 3U);
  wraps_.push_back({2, RandomSecret(kKeyBytes)});
  ASSERT_TRUE(vault_->UseKeys(Keys()));
  ASSERT_EQ(vault_->RewrapSubjectKeys(2)->remaining, 1U);
  ASSERT_EQ(vault_->RewrapSubjectKeys(2)->remaining, 0U);
  for (const std::string& old : wrapped) {
    EXPECT_FALSE(AnyPageHolds(old));
    EXPECT_FALSE(AnyPageHolds(std::string_view(old).substr(24, 16)));
  }
  ExpectOnlyMarksInTheWal("subject_keys.db");
}

TEST_F(VaultRotationTest, AddressesAreFoundThroughoutAReindexing) {
  IngestPeople(0, 10, 1);
  blinds_.push_back({2, RandomSecret(kKeyBytes)});
  ASSERT_TRUE(vault_->UseKeys(Keys()));
  IngestPeople(10, 12, 2);
  Ingest({OnProfile(Subject(3), "work", "second@example.com", 5)}, 3);
  ExpectEverybody(3);
  EXPECT_EQ(vault_->ReindexAddresses(4)->remaining, 6U);
  EXPECT_EQ(vault_->FindByEmail("second@example.com")->size(), 1U);
  EXPECT_EQ(*vault_->FindByEmail(Address(0)), (std::vector<SubjectId>{Subject(0)}));
  vault_ = Open();
  EXPECT_EQ(vault_->ReindexAddresses(100)->remaining, 0U);
  EXPECT_EQ(vault_->ReindexAddresses(100)->done, 0U);
  blinds_.erase(blinds_.begin());
  vault_ = Open();
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(*vault_->FindByEmail(Address(i)), (std::vector<SubjectId>{Subject(i)})) << i;
  }
  EXPECT_EQ(vault_->FindByEmail("second@example.com")->size(), 1U);
}

TEST_F(VaultRotationTest, BoxesToAnOlderPublicKeyStillOpen) {
  VaultKeys keys = Keys();
  SealKeyPair next = GenerateSealKeyPair();
  const std::array<uint8_t, 32> next_public = next.public_key;
  keys.seal_keys.Add(std::move(next));
  ASSERT_TRUE(vault_->UseKeys(std::move(keys)));
  Ingest({OnEvent(kJane, "a", "to the old key", 1)}, 1);
  const std::string sealed =
      Seal(next_public, EncodeSealedFields(std::vector{OnEvent(kJane, "b", "to the new", 1)}));
  ASSERT_TRUE(vault_->Ingest(sealed, 2));
  EXPECT_EQ(Told(kJane).size(), 2U);
  EXPECT_EQ(vault_->UseKeys(VaultKeys()).error().code, ErrorCode::kInvalid);
}

TEST_F(VaultRotationTest, FilesOfVersion1AreBroughtUpToDate) {
  IngestPeople(0, 3, 1);
  ASSERT_TRUE(vault_->Erase(Subject(2), 5));
  vault_.reset();
  // Back to the tables of version 1, with the rows that it would hold.
  RunSql("subject_keys.db",
         "DROP INDEX keys_by_wrap_key; ALTER TABLE keys DROP COLUMN wrap_key;"
         "ALTER TABLE keys DROP COLUMN made_at; DELETE FROM marks; PRAGMA user_version = 1");
  RunSql("identities.db",
         "ALTER TABLE addresses RENAME TO newer; DROP INDEX addresses_of; DROP TABLE marks;"
         "CREATE TABLE addresses (blind INTEGER NOT NULL, subject BLOB NOT NULL,"
         " PRIMARY KEY (blind, subject)) STRICT, WITHOUT ROWID;"
         "INSERT INTO addresses SELECT blind, subject FROM newer; DROP TABLE newer;"
         "CREATE INDEX addresses_of ON addresses (subject); PRAGMA user_version = 1");
  vault_ = Open();
  ExpectEverybody(2);
  EXPECT_EQ(Told(Subject(2)), Lines{});
  IngestPeople(2, 4, 4);
  EXPECT_EQ(Told(Subject(2)), Lines{});
  wraps_.push_back({2, RandomSecret(kKeyBytes)});
  blinds_.push_back({2, RandomSecret(kKeyBytes)});
  ASSERT_TRUE(vault_->UseKeys(Keys()));
  EXPECT_EQ(vault_->RewrapSubjectKeys(100)->done, 3U);
  EXPECT_EQ(vault_->ReindexAddresses(100)->done, 3U);
  wraps_.erase(wraps_.begin());
  blinds_.erase(blinds_.begin());
  vault_ = Open();
  ExpectEverybody(2);
}

}  // namespace
}  // namespace bulkhead
