#include "incident/notice_rounds.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/faulty_file_system.h"
#include "incident/notice_fixture.h"

namespace bulkhead {
namespace {

constexpr int64_t kNow = 1'764'000'100'000;
const std::string kId = "2025-11-26-1";

class NoticeRoundsTest : public testing::Test {
 protected:
  void SetUp() override {
    InitCrypto();
    Open();
  }
  void Open() {
    rounds_.reset();
    auto opened = NoticeRounds::Open(*disk_, "/notices", *ring_);
    ASSERT_TRUE(opened) << opened.error().message;
    rounds_ = *std::move(opened);
  }
  DueNotice Next(int64_t now_ms = kNow) {
    const auto due = rounds_->Next(now_ms);
    EXPECT_TRUE(due);
    return due.value_or(DueNotice{});
  }
  RoundProgress Progress(size_t at = 0) { return rounds_->ProgressOf(kId).at(at); }
  std::string AllBytes() {
    std::string all;
    const std::vector<std::string> names = disk_->List("/notices").value();
    for (const std::string& name : names) {
      all += disk_->ReadWhole("/notices/" + name).value();
    }
    return all;
  }

  std::unique_ptr<FaultyFileSystem> disk_ = std::make_unique<FaultyFileSystem>();
  std::unique_ptr<KeyRing> ring_ = std::make_unique<KeyRing>(TestRing({1}));
  std::unique_ptr<NoticeRounds> rounds_;
};

TEST(NoticeRoundTest, OnlyWhatIsWrittenIsRead) {
  const std::string bytes = EncodeNoticeRound(TestRound(1, 1, 3));
  const NoticeRound round = DecodeNoticeRound(bytes).value();
  EXPECT_EQ(EncodeNoticeRound(round), bytes);
  EXPECT_EQ(round.recipients.at(2).address, TestAddress(3));
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeNoticeRound(bytes.substr(0, size))) << size;
  }
  EXPECT_FALSE(DecodeNoticeRound(bytes + "x"));
  NoticeRound other = TestRound(1, 1, 1);
  other.recipients[0].fields = {2};
  EXPECT_FALSE(DecodeNoticeRound(EncodeNoticeRound(other))) << "a field that is not there";
  other = TestRound(1, 1, 1, "../x");
  EXPECT_FALSE(DecodeNoticeRound(EncodeNoticeRound(other)));
  const std::string note = EncodeRecipientNote({1, RecipientState::kTold, 250, kNow});
  EXPECT_EQ(note.size(), RecipientNote::kBytes);
  EXPECT_TRUE(DecodeRecipientNote(note));
  EXPECT_FALSE(DecodeRecipientNote(note + "x"));
  EXPECT_FALSE(DecodeRecipientNote(std::string(RecipientNote::kBytes, '\x7f')));
}

TEST(NoticeRoundTest, PagesOfAddressesAreBounded) {
  std::vector<SubjectAddress> page(kMaxPageAddresses, {TestSubject(1), "a@b.de"});
  const std::string bytes = EncodeAddressPage(page);
  EXPECT_EQ(DecodeAddressPage(bytes).value().size(), kMaxPageAddresses);
  EXPECT_FALSE(DecodeAddressPage(bytes.substr(1)));
  page.push_back(page.front());
  EXPECT_FALSE(DecodeAddressPage(EncodeAddressPage(page)));
  EXPECT_FALSE(DecodeAddressPage(EncodeAddressPage({{TestSubject(1), ""}})));
  EXPECT_FALSE(DecodeAddressPage(EncodeAddressPage({{TestSubject(1), std::string(255, 'a')}})));
}

TEST_F(NoticeRoundsTest, RiskiestFirstAndEachOnce) {
  ASSERT_TRUE(rounds_->Add(TestRound(1, 1, 3)));
  ASSERT_TRUE(rounds_->Add(TestRound(2, 4, 4)));
  for (int n = 1; n <= 4; ++n) {
    const DueNotice due = Next();
    EXPECT_EQ(due.address, TestAddress(n));
    EXPECT_EQ(Next().address, TestAddress(n)) << "as long as nothing became of it";
    ASSERT_TRUE(rounds_->Note(due, RecipientState::kTold, 250, kNow));
  }
  EXPECT_FALSE(rounds_->Next(kNow));
  EXPECT_EQ(Progress().told, 3U);
  EXPECT_EQ(Progress().without_address, 2U);
  EXPECT_EQ(Progress(1).told, 1U);
  EXPECT_FALSE(rounds_->Add(TestRound(2, 5, 5))) << "the number that comes next alone";
}

TEST_F(NoticeRoundsTest, WhatBecameOfThemSurvivesACrash) {
  ASSERT_TRUE(rounds_->Add(TestRound(1, 1, 3)));
  ASSERT_TRUE(rounds_->Note(Next(), RecipientState::kTold, 250, kNow));
  ASSERT_TRUE(rounds_->Note(Next(), RecipientState::kRefused, 550, kNow));
  rounds_.reset();
  disk_ = disk_->CloneAfterCrash(CrashKeeps::kSyncedOnly);
  Open();
  EXPECT_EQ(Next().address, TestAddress(3));
  EXPECT_EQ(Progress().told, 1U);
  ASSERT_EQ(rounds_->Refused(kId).size(), 1U);
  EXPECT_EQ(rounds_->Refused(kId).front(), std::pair(TestSubject(2), 550));
}

TEST_F(NoticeRoundsTest, AHalfWrittenNoteWasNotThere) {
  ASSERT_TRUE(rounds_->Add(TestRound(1, 1, 3)));
  ASSERT_TRUE(rounds_->Note(Next(), RecipientState::kTold, 250, kNow));
  ASSERT_TRUE(rounds_->Note(Next(), RecipientState::kTold, 250, kNow));
  const std::string path = "/notices/" + kId + ".1.notes";
  const std::string whole = disk_->ReadWhole(path).value();
  for (const std::string& cut :
       {whole.substr(0, whole.size() - 1), whole.substr(0, whole.size() / 2),
        whole.substr(0, whole.size() / 2) + std::string(whole.size() / 2, 0)}) {
    rounds_.reset();
    ASSERT_TRUE(disk_->WriteFileAtomically(path, cut));
    Open();
    EXPECT_EQ(Next().address, TestAddress(2));
    ASSERT_TRUE(rounds_->Note(Next(), RecipientState::kTold, 250, kNow));
    Open();
    EXPECT_EQ(Next().address, TestAddress(3)) << "what was written behind it is read";
  }
  std::string changed = whole;
  changed[3] = static_cast<char>(changed[3] ^ 1);
  rounds_.reset();
  ASSERT_TRUE(disk_->WriteFileAtomically(path, changed));
  const auto damaged = NoticeRounds::Open(*disk_, "/notices", *ring_);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, ErrorCode::kCorruption);
}

TEST_F(NoticeRoundsTest, WhoIsPostponedBlocksNobody) {
  ASSERT_TRUE(rounds_->Add(TestRound(1, 1, 2)));
  const DueNotice first = Next();
  rounds_->Postpone(first, kNow);
  EXPECT_EQ(Next().address, TestAddress(2));
  ASSERT_TRUE(rounds_->Note(Next(), RecipientState::kTold, 250, kNow));
  EXPECT_FALSE(rounds_->Next(kNow + 4999));
  EXPECT_EQ(Next(kNow + 5000).address, TestAddress(1));
  rounds_->Postpone(first, kNow + 5000);
  EXPECT_FALSE(rounds_->Next(kNow + 14'999)) << "twice as long";
  EXPECT_EQ(Next(kNow + 15'000).address, TestAddress(1));
}

TEST_F(NoticeRoundsTest, NoFileHasAnAddressInClear) {
  ASSERT_TRUE(rounds_->Add(TestRound(1, 1, 2)));
  EXPECT_EQ(AllBytes().find("example.org"), std::string::npos);
  EXPECT_EQ(AllBytes().find(std::string(16, '\x01')), std::string::npos);
}

TEST_F(NoticeRoundsTest, AddressesGoOnceNobodyWaits) {
  ASSERT_TRUE(rounds_->Add(TestRound(1, 1, 2)));
  const size_t before = disk_->ReadWhole("/notices/" + kId + ".1").value().size();
  ASSERT_TRUE(rounds_->Note(Next(), RecipientState::kTold, 250, kNow));
  ASSERT_TRUE(rounds_->Note(Next(), RecipientState::kRefused, 550, kNow));
  const size_t after = disk_->ReadWhole("/notices/" + kId + ".1").value().size();
  EXPECT_EQ(before - after, TestAddress(1).size() + TestAddress(2).size());
  EXPECT_TRUE(rounds_->Find(kId, TestLeaf(kId, TestAddress(1))));
}

TEST_F(NoticeRoundsTest, ErasedOnesAreMailedNoMoreAndStandNowhere) {
  NoticeRound round = TestRound(1, 1, 3);
  round.recipients[2].subjects.push_back(TestSubject(9));
  ASSERT_TRUE(rounds_->Add(std::move(round)));
  const DueNotice first = Next();
  const SubjectId erased[] = {TestSubject(1), TestSubject(9)};
  ASSERT_TRUE(rounds_->Forget(erased));
  ASSERT_TRUE(rounds_->Note(first, RecipientState::kTold, 250, kNow)) << "whatever was under way";
  EXPECT_EQ(Next().address, TestAddress(2));
  EXPECT_EQ(Progress().erased, 1U);
  Open();
  EXPECT_EQ(Progress().erased, 1U);
  EXPECT_EQ(Progress().waiting, 2U);
  EXPECT_EQ(rounds_->Covered(kId, true).subjects.size(), 2U);
  const auto found = rounds_->Find(kId, TestLeaf(kId, TestAddress(1)));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->subjects.empty() && found->fields.empty());
  EXPECT_TRUE(rounds_->Prove(kId, TestLeaf(kId, TestAddress(2)))) << "the tree stays whole";
}

TEST_F(NoticeRoundsTest, WhoIsCoveredAndWhoIsTriedOnceMore) {
  ASSERT_TRUE(rounds_->Add(TestRound(1, 1, 3)));
  ASSERT_TRUE(rounds_->Note(Next(), RecipientState::kTold, 250, kNow));
  ASSERT_TRUE(rounds_->Note(Next(), RecipientState::kRefused, 550, kNow));
  EXPECT_EQ(rounds_->Covered(kId, true).subjects.size(), 3U);
  EXPECT_EQ(rounds_->Covered(kId, false).subjects.size(), 2U);
  EXPECT_EQ(rounds_->Covered("2025-11-26-2", true).subjects.size(), 0U);
  const TreeHash leaf = TestLeaf(kId, TestAddress(2));
  EXPECT_EQ(rounds_->Find(kId, leaf)->told_ms, 0);
  ASSERT_TRUE(rounds_->Add(TestRound(2, 2, 2)));
  while (const auto due = rounds_->Next(kNow)) {
    ASSERT_TRUE(rounds_->Note(*due, RecipientState::kTold, 250, kNow + 7));
  }
  EXPECT_EQ(rounds_->Find(kId, leaf)->told_ms, kNow + 7) << "by the later sending";
}

TEST_F(NoticeRoundsTest, EveryRecipientIsProved) {
  ASSERT_TRUE(rounds_->Add(TestRound(1, 1, 5)));
  for (int n = 1; n <= 5; ++n) {
    const TreeHash leaf = TestLeaf(kId, TestAddress(n));
    const RecipientProof proof = rounds_->Prove(kId, leaf).value();
    EXPECT_EQ(proof.entry, 41U);
    EXPECT_TRUE(
        VerifyInclusion(proof.proof.index, proof.recipients, leaf, proof.proof.path, proof.root));
  }
  EXPECT_FALSE(rounds_->Prove(kId, TestLeaf(kId, TestAddress(6))));
}

TEST_F(NoticeRoundsTest, KeysAreChangedAndALostOneIsSaid) {
  ASSERT_TRUE(rounds_->Add(TestRound(1, 1, 2)));
  *ring_ = TestRing({1, 2});
  Open();
  *ring_ = TestRing({2});
  Open();
  EXPECT_EQ(Next().address, TestAddress(1));
  rounds_.reset();
  *ring_ = TestRing({3});
  EXPECT_EQ(NoticeRounds::Open(*disk_, "/notices", *ring_).error().code, ErrorCode::kUnavailable);
}

// Whatever step fails or is the last one before a power loss: what was noted is there afterwards,
// and nobody is lost.
TEST_F(NoticeRoundsTest, EveryStepMayFail) {
  constexpr Fault kFaults[] = {Fault::kIoError, Fault::kNoSpace, Fault::kShortWrite, Fault::kCrash};
  for (const Fault fault : kFaults) {
    bool done = false;
    for (uint64_t step = 0; !done; ++step) {
      FaultyFileSystem fs;
      auto rounds = NoticeRounds::Open(fs, "/notices", *ring_).value();
      fs.FailAt(step, fault);
      done = static_cast<bool>(rounds->Add(TestRound(1, 1, 3)));
      uint64_t told = 0;
      for (int n = 0; n < 3 && rounds->Next(kNow); ++n) {
        const bool noted =
            static_cast<bool>(rounds->Note(*rounds->Next(kNow), RecipientState::kTold, 250, kNow));
        told += noted ? 1 : 0;
        done = done && noted;
      }
      for (uint64_t seed = 0; seed < 4; ++seed) {
        const auto after =
            fs.CloneAfterCrash(seed == 0 ? CrashKeeps::kSyncedOnly : CrashKeeps::kSome, seed);
        const auto opened = NoticeRounds::Open(*after, "/notices", *ring_);
        ASSERT_TRUE(opened) << step << ": " << opened.error().message;
        const auto progress = (*opened)->ProgressOf(kId);
        if (progress.empty()) {
          EXPECT_EQ(told, 0U) << step;
          continue;
        }
        EXPECT_GE(progress.front().told, told) << step;
        EXPECT_EQ(progress.front().told + progress.front().waiting, 3U) << step;
      }
      ASSERT_LT(step, 1000U);
    }
  }
}

}  // namespace
}  // namespace bulkhead
