#include "vault/vault.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "base/hex.h"
#include "vault/email.h"
#include "vault/reveal.h"
#include "vault/vault_fixture.h"

namespace bulkhead {
namespace {

class VaultTest : public VaultFixture {};

TEST_F(VaultTest, KeepsEqualValuesOnceWithWhenTheyWereSeen) {
  Ingest({OnEvent(kJane, "form.contact", "jane@example.com", 500),
          OnEvent(kJane, "form.contact", "jane@example.com", 900),
          OnEvent(kOmar, "form.contact", "jane@example.com", 600)},
         10);
  Ingest({OnEvent(kJane, "form.contact", "jane@example.com", 100),
          OnEvent(kJane, "form.other", "jane@example.com", 700)},
         20);
  EXPECT_EQ(Told(kJane), (Lines{"form.contact=jane@example.com 100-900",
                                "form.other=jane@example.com 700-700"}));
  EXPECT_EQ(Told(kOmar), (Lines{"form.contact=jane@example.com 600-600"}));
  EXPECT_EQ(vault_->Counts()->values, 3U);
  EXPECT_EQ(vault_->Counts()->subjects, 2U);
}

TEST_F(VaultTest, AProfileFieldHasOneCurrentValueAndAHistory) {
  Ingest({OnProfile(kJane, "$email", "old@example.com", 100)}, 1);
  Ingest({OnProfile(kJane, "$email", "new@example.com", 200)}, 2);
  Ingest({OnProfile(kJane, "$email", "late@example.com", 150)}, 3);  // set before, arrived after
  Ingest({OnEvent(kJane, "$email", "event@example.com", 300)}, 4);
  EXPECT_EQ(Told(kJane), (Lines{"$email=old@example.com 100-100 profile",
                                "$email=late@example.com 150-150 profile",
                                "$email=new@example.com 200-200 profile current",
                                "$email=event@example.com 300-300"}));
  Ingest({OnProfile(kJane, "$email", "old@example.com", 400)}, 5);  // and back again
  EXPECT_EQ(Told(kJane)[0], "$email=old@example.com 100-400 profile current");
  EXPECT_EQ(Told(kJane)[2], "$email=new@example.com 200-200 profile");
}

TEST_F(VaultTest, APositionIsTakenOnce) {
  EXPECT_EQ(vault_->applied_position(), std::nullopt);
  Ingest({OnEvent(kJane, "a", "1", 1)}, 0);
  EXPECT_EQ(vault_->applied_position(), 0U);
  Ingest({OnEvent(kJane, "a", "2", 1)}, 0);
  Ingest({OnEvent(kJane, "a", "3", 3)}, 50);
  Ingest({OnEvent(kJane, "a", "4", 1)}, 40);
  EXPECT_EQ(Told(kJane), (Lines{"a=1 1-1", "a=3 3-3"}));
  ASSERT_TRUE(vault_->Ingest("", 60));
  EXPECT_EQ(vault_->applied_position(), 60U);
  vault_ = Open();
  EXPECT_EQ(vault_->applied_position(), 50U);  // the empty one was not worth a write
  ASSERT_TRUE(vault_->Ingest("", 60));
  ASSERT_TRUE(vault_->Flush());
  EXPECT_EQ(vault_->durable_position(), 60U);
  vault_ = Open();
  EXPECT_EQ(vault_->applied_position(), 60U);
  EXPECT_EQ(vault_->Ingest("", ~0ULL).error().code, ErrorCode::kInvalid);
}

TEST_F(VaultTest, WhatDoesNotOpenStopsTheCursorUntilItIsSkipped) {
  std::string sealed = SealFields({OnEvent(kJane, "a", "1", 1)});
  const std::string other = Seal(GenerateSealKeyPair().public_key,
                                 EncodeSealedFields(std::vector{OnEvent(kJane, "a", "1", 1)}));
  for (const std::string& wrong :
       {sealed.substr(1), sealed.substr(0, 20), sealed + "x", other, Seal(pair_.public_key, ""),
        Seal(pair_.public_key, "not a list of fields")}) {
    EXPECT_EQ(vault_->Ingest(wrong, 5).error().code, ErrorCode::kCorruption);
  }
  EXPECT_EQ(vault_->applied_position(), std::nullopt);
  ASSERT_TRUE(vault_->Skip(5));
  ASSERT_TRUE(vault_->Skip(5));
  EXPECT_EQ(vault_->applied_position(), 5U);
  EXPECT_EQ(vault_->Counts()->skipped, 1U);
  Ingest({OnEvent(kJane, "a", "1", 1)}, 6);
  EXPECT_EQ(Told(kJane).size(), 1U);
}

TEST_F(VaultTest, NothingLiesInTheClear) {
  const std::map<std::string, std::string> needles = {{"$email", "Needle.Jane@example.com"},
                                                      {"$phone", "+4930901820NEEDLE"},
                                                      {"$name", "Jane Needle Doe"},
                                                      {"note", std::string(5000, 'N') + "needle"}};
  uint64_t position = 0;
  for (const auto& [field, value] : needles) {
    Ingest({OnProfile(kJane, field, value, 1), OnEvent(kOmar, field, value, 2)}, ++position);
  }
  for (int round = 0; round < 2; ++round) {  // with a WAL, then without
    for (const auto& [field, value] : needles) {
      EXPECT_FALSE(AnyPageHolds(value)) << field;
      EXPECT_FALSE(AnyPageHolds(HexEncode({reinterpret_cast<const uint8_t*>(value.data()), 8})));
    }
    EXPECT_FALSE(AnyPageHolds("needle.jane@example.com"));
    EXPECT_FALSE(AnyPageHolds("Needle"));
    EXPECT_FALSE(AnyPageHolds("NEEDLE"));
    ASSERT_TRUE(vault_->Flush());
  }
  EXPECT_TRUE(AnyPageHolds("$phone"));  // field names do: the search itself works
  for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
    struct stat info {};
    ASSERT_EQ(0, ::stat(entry.path().c_str(), &info));
    EXPECT_EQ(info.st_mode & 077U, 0U) << entry.path();
  }
}

TEST_F(VaultTest, ErasureIsForOldPositionsAndForGood) {
  Ingest({OnEvent(kJane, "a", "old", 1), OnEvent(kOmar, "a", "stays", 1)}, 10);
  const Result<ErasedSubject> erased = vault_->Erase(kJane, 30);
  ASSERT_TRUE(erased) << erased.error().message;
  EXPECT_TRUE(erased->had_key);
  EXPECT_EQ(erased->values, 1U);
  EXPECT_EQ(Told(kJane), Lines{});
  EXPECT_EQ(Told(kOmar), (Lines{"a=stays 1-1"}));
  vault_ = Open();
  // Sent before the erasure, taken after it.
  Ingest({OnEvent(kJane, "a", "in the log", 1), OnEvent(kOmar, "a", "more", 2)}, 20);
  EXPECT_EQ(Told(kJane), Lines{});
  EXPECT_EQ(Told(kOmar).size(), 2U);
  Ingest({OnEvent(kJane, "a", "new", 5)}, 30);
  EXPECT_EQ(Told(kJane), (Lines{"a=new 5-5"}));
  EXPECT_EQ(vault_->Counts()->erased, 1U);
  ASSERT_TRUE(vault_->Erase(kJane));
  EXPECT_EQ(Told(kJane), Lines{});
  EXPECT_FALSE(vault_->Erase(kJane)->had_key);
}

TEST_F(VaultTest, AReplayOfTheWholeLogBringsNothingBack) {
  Ingest({OnEvent(kJane, "a", "old", 1), OnEvent(kOmar, "a", "stays", 1)}, 10);
  Ingest({OnEvent(kJane, "a", "old too", 2)}, 20);
  ASSERT_TRUE(vault_->Erase(kJane));
  Ingest({OnEvent(kJane, "a", "new", 3)}, 30);
  vault_.reset();
  std::filesystem::remove(dir_ + "/identities.db");  // lost, and rebuilt from the log
  vault_ = Open();
  Ingest({OnEvent(kJane, "a", "old", 1), OnEvent(kOmar, "a", "stays", 1)}, 10);
  Ingest({OnEvent(kJane, "a", "old too", 2)}, 20);
  Ingest({OnEvent(kJane, "a", "new", 3)}, 30);
  EXPECT_EQ(Told(kJane), (Lines{"a=new 3-3"}));
  EXPECT_EQ(Told(kOmar), (Lines{"a=stays 1-1"}));
}

TEST_F(VaultTest, AnOldCopyOfTheValuesCannotBeReadAfterErasure) {
  Ingest({OnEvent(kJane, "a", "secret", 1)}, 10);
  const std::string backup = base_ + "/backup";
  CopyVault(backup);
  ASSERT_TRUE(vault_->Erase(kJane));
  vault_.reset();
  std::filesystem::copy_file(backup + "/identities.db", dir_ + "/identities.db",
                             std::filesystem::copy_options::overwrite_existing);
  vault_ = Open();
  EXPECT_EQ(Told(kJane), Lines{});
  EXPECT_EQ(vault_->FindByEmail("secret@example.com")->size(), 0U);
  Ingest({OnEvent(kJane, "a", "new", 1)}, 20);
  EXPECT_EQ(Told(kJane), (Lines{"a=new 1-1"}));
}

TEST_F(VaultTest, TheDestroyedKeyIsInNoFile) {
  Ingest({OnEvent(kJane, "a", "old", 1), OnEvent(kOmar, "a", "stays", 1)}, 10);
  const std::string wrapped =
      Column("subject_keys.db", "SELECT wrapped FROM keys WHERE substr(hex(subject), 1, 2) = '01'")
          .at(0);
  ASSERT_EQ(wrapped.size(), 32 + kAeadOverheadBytes);
  ASSERT_TRUE(AnyPageHolds(wrapped));
  ASSERT_TRUE(vault_->Erase(kJane));
  EXPECT_FALSE(AnyPageHolds(wrapped));
  EXPECT_FALSE(AnyPageHolds(std::string_view(wrapped).substr(24, 16)));
  ExpectOnlyMarksInTheWal("subject_keys.db");
}

TEST_F(VaultTest, AnErasureThatACrashCutOffIsFinishedAtOpening) {
  Ingest({OnEvent(kJane, "a", "old", 1), OnEvent(kOmar, "a", "stays", 1)}, 10);
  vault_.reset();
  // As a crash right after the key's destruction leaves it.
  RunSql("subject_keys.db",
         "DELETE FROM keys WHERE substr(hex(subject), 1, 2) = '01';"
         "INSERT INTO tombstones VALUES (x'01000000000000000000000000000000', 1, 11);"
         "INSERT INTO marks VALUES ('scrub', 1);");
  vault_ = Open();
  EXPECT_EQ(vault_->Counts()->values, 1U);
  EXPECT_EQ(Told(kJane), Lines{});
  EXPECT_EQ(Told(kOmar).size(), 1U);
}

TEST_F(VaultTest, ChangedValuesAndKeysDoNotOpen) {
  Ingest({OnEvent(kJane, "a", "1", 1), OnEvent(kJane, "b", "2", 1), OnEvent(kOmar, "a", "3", 1)},
         10);
  vault_.reset();
  const char* const tampered[] = {
      "UPDATE identities SET box = zeroblob(41) WHERE field = 'b'",
      "UPDATE identities SET field = 'c' WHERE field = 'b'",
      "UPDATE identities SET project = 2 WHERE field = 'b'",
      "UPDATE identities SET box = (SELECT max(box) FROM identities WHERE field = 'a')",
      "UPDATE identities SET box = x'' WHERE field = 'b'"};
  const std::string good = Bytes(dir_ + "/identities.db");
  for (const char* sql : tampered) {
    RunSql("identities.db", sql);
    EXPECT_EQ(Open()->Reveal(kJane).error().code, ErrorCode::kCorruption) << sql;
    std::filesystem::remove(dir_ + "/identities.db-wal");
    std::ofstream(dir_ + "/identities.db", std::ios::binary | std::ios::trunc) << good;
  }
  // One subject's key put in another's place: what that subject has does not open.
  RunSql("subject_keys.db",
         "UPDATE keys SET wrapped = (SELECT wrapped FROM keys WHERE substr(hex(subject), 1, 2) ="
         " '02') WHERE substr(hex(subject), 1, 2) = '01'");
  vault_ = Open();
  EXPECT_EQ(vault_->Reveal(kJane).error().code, ErrorCode::kCorruption);
  EXPECT_TRUE(vault_->Reveal(kOmar));
}

TEST_F(VaultTest, DamageOfItsOwnFilesIsNoReasonToSkipABox) {
  Ingest({OnEvent(kJane, "a", "1", 1)}, 10);
  vault_.reset();
  RunSql("subject_keys.db", "UPDATE keys SET wrapped = zeroblob(72)");
  vault_ = Open();
  const std::string sealed = SealFields({OnEvent(kJane, "a", "2", 2)});
  EXPECT_EQ(vault_->Ingest(sealed, 20).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(vault_->applied_position(), 10U);
}

TEST_F(VaultTest, FilesOfAnotherKindOrVersionAreRefused) {
  vault_.reset();
  RunSql("identities.db", "PRAGMA user_version = 3");
  EXPECT_EQ(TryOpen().error().code, ErrorCode::kCorruption);
  RunSql("identities.db", "PRAGMA user_version = 2");
  EXPECT_TRUE(TryOpen());
  std::ofstream(dir_ + "/subject_keys.db", std::ios::binary | std::ios::trunc)
      << std::string(9000, 'x');
  EXPECT_EQ(TryOpen().error().code, ErrorCode::kCorruption);
}

TEST_F(VaultTest, FindsByEmailInAnySpelling) {
  Ingest({OnProfile(kJane, "$email", "Jane@Example.com", 1),
          OnEvent(kOmar, "contact", " jane@example.com ", 1),
          OnEvent(kOmar, "other", "omar@example.com", 1)},
         1);
  EXPECT_EQ(*vault_->FindByEmail("JANE@example.com"), (std::vector<SubjectId>{kJane, kOmar}));
  EXPECT_EQ(*vault_->FindByEmail("omar@example.com"), (std::vector<SubjectId>{kOmar}));
  EXPECT_EQ(vault_->FindByEmail("nobody@example.com")->size(), 0U);
  EXPECT_EQ(vault_->FindByEmail("nobody").error().code, ErrorCode::kInvalid);
  ASSERT_TRUE(vault_->Erase(kOmar));
  EXPECT_EQ(*vault_->FindByEmail("jane@example.com"), (std::vector<SubjectId>{kJane}));
}

TEST_F(VaultTest, ASecondProcessRevealsAndErasesBesideTheServer) {
  Ingest({OnEvent(kJane, "a", "1", 1)}, 10);
  const std::unique_ptr<Vault> command = Open();
  EXPECT_EQ(command->Reveal(kJane)->size(), 1U);
  ASSERT_TRUE(command->Erase(kJane, 20));
  EXPECT_EQ(Told(kJane), Lines{});
  Ingest({OnEvent(kJane, "a", "1", 1)}, 15);
  EXPECT_EQ(Told(kJane), Lines{});
  Ingest({OnEvent(kJane, "a", "2", 2)}, 20);
  EXPECT_EQ(command->Reveal(kJane)->size(), 1U);
}

TEST_F(VaultTest, ManyThreads) {
  std::thread writer([&] {
    for (uint64_t i = 1; i <= 50; ++i) {
      Ingest({OnEvent(kJane, "a", std::to_string(i), 1), OnEvent(kOmar, "a", "x", 1)}, i);
    }
  });
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(vault_->Reveal(kJane));
    EXPECT_TRUE(vault_->Counts());
  }
  writer.join();
  EXPECT_EQ(Told(kJane).size(), 50U);
}

// Prints the rate that the vault's follower can keep; no bound, since disks and sanitizers differ.
TEST_F(VaultTest, IngestRate) {
  std::vector<SealedField> fields;
  for (int i = 0; i < 2000; ++i) {
    SubjectId subject;
    subject.bytes[0] = static_cast<uint8_t>(i % 200);
    subject.bytes[1] = 7;
    fields.push_back(
        OnEvent(subject, "contact", "user" + std::to_string(i % 400) + "@example.com", i));
  }
  const auto start = std::chrono::steady_clock::now();
  for (uint64_t position = 1; position <= 5; ++position) {
    Ingest(fields, position);
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  printf("ingest: %.0f fields/s\n", 10'000 / spent.count());
}

TEST_F(VaultTest, ManyRecordsAreTakenTogetherUpToTheFirstThatDoesNotOpen) {
  const std::string one = SealFields({OnEvent(kJane, "a", "1", 1)});
  const std::string two = SealFields({OnEvent(kJane, "a", "2", 2), OnEvent(kOmar, "a", "3", 2)});
  std::vector<SealedRecord> records = {{one, 5, kProject}, {"", 6, kProject}, {two, 7, kProject}};
  ASSERT_TRUE(vault_->IngestMany(records));
  EXPECT_EQ(vault_->applied_position(), 7U);
  EXPECT_EQ(Told(kJane), (Lines{"a=1 1-1", "a=2 2-2"}));
  ASSERT_TRUE(vault_->Erase(kJane, 9));
  const std::string three = SealFields({OnEvent(kJane, "a", "late", 3)});
  const std::string four = SealFields({OnEvent(kJane, "a", "new", 4)});
  records = {{two, 7, kProject},
             {three, 8, kProject},
             {four, 9, kProject},
             {"no box", 10, kProject},
             {one, 11, kProject}};
  EXPECT_EQ(vault_->IngestMany(records).error().code, ErrorCode::kCorruption);
  EXPECT_EQ(vault_->applied_position(), 9U);
  EXPECT_EQ(Told(kJane), (Lines{"a=new 4-4"}));
  ASSERT_TRUE(vault_->Skip(10));
  ASSERT_TRUE(vault_->IngestMany(std::span(records).last(1)));
  EXPECT_EQ(Told(kJane).size(), 2U);
  EXPECT_TRUE(vault_->IngestMany({}));
}

// Prints what one synced write for many records is worth; no bound, as above.
TEST_F(VaultTest, RateOfSmallRecordsOfNewSubjects) {
  constexpr int kRecords = 256;
  const auto make = [this](int first) {
    std::vector<std::string> boxes;
    for (int i = 0; i < kRecords; ++i) {
      SubjectId subject;
      subject.bytes[0] = static_cast<uint8_t>(first);
      subject.bytes[1] = static_cast<uint8_t>(i);
      boxes.push_back(SealFields({OnEvent(subject, "contact", "user@example.com", i)}));
    }
    return boxes;
  };
  const auto seconds = [](auto start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const std::vector<std::string> single = make(10);
  const std::vector<std::string> together = make(11);
  auto start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < single.size(); ++i) {
    ASSERT_TRUE(vault_->Ingest(single[i], i));
  }
  const double one_by_one = seconds(start);
  std::vector<SealedRecord> records;
  for (size_t i = 0; i < together.size(); ++i) {
    records.push_back({together[i], 1000 + i, kProject});
  }
  start = std::chrono::steady_clock::now();
  ASSERT_TRUE(vault_->IngestMany(records));
  printf("records of one new subject: %.0f/s one by one, %.0f/s together\n", kRecords / one_by_one,
         kRecords / seconds(start));
  EXPECT_EQ(vault_->Counts()->subjects, 2U * kRecords);
}

class NotingRecorder final : public RevealRecorder {
 public:
  bool fail = false;
  Lines noted;
  Result<void> Record(const VaultAct& act) override {
    if (fail) {
      return Error{ErrorCode::kUnavailable, "disk full"};
    }
    noted.push_back(act.action + " " + act.outcome + " " + std::to_string(act.subjects.size()) +
                    " " + std::to_string(act.count) + " by " + act.request.actor + " for " +
                    act.request.purpose);
    return {};
  }
};

TEST_F(VaultTest, EverythingIsRecordedBeforeItHappens) {
  Ingest({OnProfile(kJane, "$email", "jane@example.com", 1)}, 1);
  NotingRecorder recorder;
  const VaultRequest request{ProjectId{1}, "ops", "ticket 1"};
  EXPECT_EQ(RecordedReveal(*vault_, recorder, request, kJane)->size(), 1U);
  EXPECT_EQ(RecordedFind(*vault_, recorder, request, "jane@example.com")->size(), 1U);
  EXPECT_EQ(RecordedFind(*vault_, recorder, request, "none@example.com")->size(), 0U);
  ASSERT_TRUE(RecordedErase(*vault_, recorder, request, kJane, 0));
  EXPECT_EQ(recorder.noted,
            (Lines{"reveal allowed 1 1 by ops for ticket 1", "find allowed 1 1 by ops for ticket 1",
                   "find allowed 0 0 by ops for ticket 1", "erase allowed 1 1 by ops for ticket 1",
                   "erase done 1 1 by ops for ticket 1"}));
}

TEST_F(VaultTest, WhatCannotBeRecordedDoesNotHappen) {
  Ingest({OnProfile(kJane, "$email", "jane@example.com", 1)}, 1);
  NotingRecorder recorder;
  recorder.fail = true;
  const VaultRequest request{ProjectId{1}, "ops", "ticket 1"};
  EXPECT_EQ(RecordedReveal(*vault_, recorder, request, kJane).error().code,
            ErrorCode::kUnavailable);
  EXPECT_FALSE(RecordedFind(*vault_, recorder, request, "jane@example.com"));
  EXPECT_FALSE(RecordedErase(*vault_, recorder, request, kJane, 0));
  EXPECT_EQ(Told(kJane).size(), 1U);
  recorder.fail = false;
  for (const VaultRequest& wrong :
       {VaultRequest{ProjectId{1}, "", "x"}, VaultRequest{ProjectId{1}, "ops", ""}}) {
    EXPECT_EQ(RecordedReveal(*vault_, recorder, wrong, kJane).error().code, ErrorCode::kInvalid);
  }
  EXPECT_EQ(recorder.noted, Lines{});
}

TEST_F(VaultTest, AFailureAfterTheRecordIsRecordedToo) {
  Ingest({OnProfile(kJane, "$email", "jane@example.com", 1)}, 1);
  vault_.reset();
  RunSql("identities.db", "UPDATE identities SET box = zeroblob(60)");
  vault_ = Open();
  NotingRecorder recorder;
  EXPECT_FALSE(RecordedReveal(*vault_, recorder, {ProjectId{1}, "ops", "x"}, kJane));
  EXPECT_EQ(recorder.noted,
            (Lines{"reveal allowed 1 1 by ops for x", "reveal failed 1 1 by ops for x"}));
}

TEST(EmailTest, NormalisesAddressesOnly) {
  EXPECT_EQ(NormaliseEmail(" Jane.Doe+Tag@Example.COM\n"), "jane.doe+tag@example.com");
  for (const char* text :
       {"", " ", "jane", "@example.com", "jane@", "jane@example", "jane@.com", "jane@example.",
        "a@b.c@d.e", "a b@c.de", "a@b.de,c@d.de", "[\"a@b.de\"]"}) {
    EXPECT_EQ(NormaliseEmail(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace bulkhead
