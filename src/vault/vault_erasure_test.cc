// Erasures against copies of the real files: what an old backup brings back.
#include <gtest/gtest.h>

#include <algorithm>

#include "vault/vault_fixture.h"

namespace bulkhead {
namespace {

class VaultErasureTest : public VaultFixture {
 protected:
  void Backup(const std::string& name) { CopyVault(base_ + "/" + name); }
  // Puts the files of a backup in place of today's; the vault stays closed.
  void Restore(const std::string& name, const std::vector<std::string>& files) {
    vault_.reset();
    for (const std::string& file : files) {
      for (const char* suffix : {"", "-wal", "-shm"}) {
        std::filesystem::remove(dir_ + "/" + file + suffix);
      }
      std::filesystem::copy_file(base_ + "/" + name + "/" + file, dir_ + "/" + file);
    }
  }
  std::vector<std::string> JanesWrappedKey() {
    return Column("subject_keys.db",
                  "SELECT wrapped FROM keys WHERE substr(hex(subject), 1, 2) = '01'");
  }
  std::vector<std::string> JanesBoxes() {
    return Column("identities.db",
                  "SELECT box FROM identities WHERE substr(hex(subject), 1, 2) = '01'");
  }
};

const std::vector<std::string> kBoth = {"identities.db", "subject_keys.db"};

TEST_F(VaultErasureTest, TombstonesFromOutsideEraseAgainAfterARestoreOfBothFiles) {
  Ingest({OnProfile(kJane, "$email", "jane@example.com", 1),
          OnProfile(kOmar, "$email", "omar@example.com", 1)},
         10);
  Backup("before");
  const std::vector<std::string> wrapped = JanesWrappedKey();
  const std::vector<std::string> boxes = JanesBoxes();
  ASSERT_EQ(wrapped.size(), 1U);
  ASSERT_EQ(boxes.size(), 1U);
  const Result<ErasedSubject> erased = vault_->Erase(kJane, 40);
  ASSERT_TRUE(erased);
  const Tombstone tombstone{kJane, erased->erased_before};
  EXPECT_EQ(tombstone.erased_before, 40U);

  Restore("before", kBoth);
  ASSERT_TRUE(AnyPageHolds(wrapped[0]));  // the danger is real
  ASSERT_TRUE(AnyPageHolds(boxes[0]));
  vault_ = Open();
  ASSERT_EQ(Told(kJane).size(), 1U);
  EXPECT_EQ(*vault_->ApplyTombstones({&tombstone, 1}), 1U);
  EXPECT_EQ(Told(kJane), Lines{});
  EXPECT_EQ(Told(kOmar).size(), 1U);
  EXPECT_EQ(vault_->FindByEmail("jane@example.com")->size(), 0U);
  vault_.reset();
  for (const std::string& needle :
       {wrapped[0], boxes[0], wrapped[0].substr(24, 16), boxes[0].substr(24)}) {
    EXPECT_FALSE(AnyPageHolds(needle));
  }
  // The log after the backup is given again: what was sent before the erasure stays away.
  vault_ = Open();
  EXPECT_EQ(*vault_->ErasureHorizon(), 40U);
  Ingest({OnProfile(kJane, "$email", "jane@example.com", 1)}, 30);
  EXPECT_EQ(Told(kJane), Lines{});
  Ingest({OnProfile(kJane, "$email", "again@example.com", 50)}, 50);
  EXPECT_EQ(Told(kJane).size(), 1U);
}

TEST_F(VaultErasureTest, ApplyingATombstoneTwiceChangesNothingAndSparesWhatCameLater) {
  Ingest({OnEvent(kJane, "a", "old", 1)}, 10);
  const uint64_t before = vault_->Erase(kJane, 20)->erased_before;
  Ingest({OnEvent(kJane, "a", "new", 2)}, 20);
  const Tombstone known{kJane, before};
  EXPECT_EQ(*vault_->ApplyTombstones({&known, 1}), 0U);
  EXPECT_EQ(Told(kJane), (Lines{"a=new 2-2"}));
  // A tombstone that the file does not know, of a key that is younger than it.
  RunSql("subject_keys.db", "DELETE FROM tombstones");
  EXPECT_EQ(*vault_->ApplyTombstones({&known, 1}), 1U);
  EXPECT_EQ(*vault_->ApplyTombstones({&known, 1}), 0U);
  EXPECT_EQ(Told(kJane), (Lines{"a=new 2-2"}));
  // And one that is younger than the key.
  const Tombstone younger{kJane, 21};
  EXPECT_EQ(*vault_->ApplyTombstones({&younger, 1}), 1U);
  EXPECT_EQ(Told(kJane), Lines{});
}

TEST_F(VaultErasureTest, ARestoreFromBeforeTheSubjectWasFirstSeenMeetsOldValues) {
  Backup("empty");
  Ingest({OnEvent(kJane, "a", "old", 1)}, 10);
  Backup("known");
  const Tombstone tombstone{kJane, vault_->Erase(kJane, 20)->erased_before};
  Restore("empty", {"subject_keys.db"});
  Restore("known", {"identities.db"});
  vault_ = Open();
  EXPECT_EQ(*vault_->ApplyTombstones({&tombstone, 1}), 1U);
  EXPECT_EQ(vault_->Counts()->values, 0U);
  Ingest({OnEvent(kJane, "a", "new", 2)}, 30);
  EXPECT_EQ(Told(kJane), (Lines{"a=new 2-2"}));
}

TEST_F(VaultErasureTest, OldValuesUnderTodaysKeysAreRemovedAtOpening) {
  Ingest({OnEvent(kJane, "a", "old", 1), OnEvent(kOmar, "a", "stays", 1)}, 10);
  Backup("before");
  const std::vector<std::string> boxes = JanesBoxes();
  ASSERT_TRUE(vault_->Erase(kJane));
  Restore("before", {"identities.db"});
  ASSERT_TRUE(AnyPageHolds(boxes.at(0)));
  vault_ = Open();
  EXPECT_EQ(vault_->Counts()->values, 1U);
  vault_.reset();
  EXPECT_FALSE(AnyPageHolds(boxes[0]));
}

TEST_F(VaultErasureTest, ManyAreErasedTogetherAndTheAnswerSaysWhatWent) {
  Ingest({OnEvent(kJane, "a", "1", 1), OnEvent(kJane, "b", "2", 1), OnEvent(kOmar, "a", "3", 1)},
         10);
  const SubjectId nobody{{9}};
  const std::vector<SubjectId> all = {kOmar, nobody, kJane};
  const Result<std::vector<ErasedSubject>> erased = vault_->EraseMany(all, 25);
  ASSERT_TRUE(erased);
  ASSERT_EQ(erased->size(), 3U);
  EXPECT_EQ((*erased)[0].values, 1U);
  EXPECT_EQ((*erased)[0].generation, 1);
  EXPECT_FALSE((*erased)[1].had_key);
  EXPECT_EQ((*erased)[1].generation, 0);
  EXPECT_EQ((*erased)[2].subject, kJane);
  EXPECT_EQ((*erased)[2].values, 2U);
  EXPECT_EQ((*erased)[2].erased_before, 25U);
  EXPECT_EQ(vault_->Counts()->subjects, 0U);
  EXPECT_EQ(vault_->Counts()->erased, 3U);
}

// The wrap-key epoch: with it even a copy of subject_keys.db from before the erasure is useless to
// whoever has today's keys.
TEST_F(VaultErasureTest, AfterAWrapKeyEpochAnOldKeyFileOpensNothing) {
  Ingest({OnEvent(kJane, "a", "secret", 1), OnEvent(kOmar, "a", "stays", 1)}, 10);
  Backup("before");
  const Tombstone tombstone{kJane, vault_->Erase(kJane, 20)->erased_before};
  wraps_.push_back({2, RandomSecret(kKeyBytes)});
  ASSERT_TRUE(vault_->UseKeys(Keys()));
  EXPECT_EQ(vault_->RewrapSubjectKeys(100)->remaining, 0U);
  Backup("after");
  wraps_.erase(wraps_.begin());  // destroyed
  ASSERT_TRUE(vault_->UseKeys(Keys()));
  EXPECT_EQ(Told(kOmar), (Lines{"a=stays 1-1"}));

  Restore("before", kBoth);
  vault_ = Open();
  EXPECT_EQ(vault_->Reveal(kJane).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(vault_->Reveal(kOmar).error().code, ErrorCode::kUnavailable);
  // Nothing new is written over a key that another vault.keys might open ...
  EXPECT_EQ(vault_->Ingest(SealFields({OnEvent(kOmar, "a", "new", 3)}), 30).error().code,
            ErrorCode::kUnavailable);
  EXPECT_EQ(vault_->RewrapSubjectKeys(100)->lost, 2U);
  // ... until it is given up.
  EXPECT_EQ(*vault_->ApplyTombstones({&tombstone, 1}), 1U);
  EXPECT_EQ(*vault_->AbandonLostKeys(), 1U);
  EXPECT_EQ(vault_->Counts()->values, 0U);
  Ingest({OnEvent(kOmar, "a", "new", 3), OnEvent(kJane, "a", "in the log", 1)}, 15);
  EXPECT_EQ(Told(kOmar), (Lines{"a=new 3-3"}));
  EXPECT_EQ(Told(kJane), Lines{});

  Restore("after", kBoth);
  vault_ = Open();
  EXPECT_EQ(Told(kOmar), (Lines{"a=stays 1-1"}));
  EXPECT_EQ(Told(kJane), Lines{});
}

}  // namespace
}  // namespace bulkhead
