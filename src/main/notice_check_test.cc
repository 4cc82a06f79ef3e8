#include "main/notice_check.h"

#include <gtest/gtest.h>

#include "base/faulty_file_system.h"
#include "incident/notice_fixture.h"
#include "main/notice_plan.h"

namespace bulkhead {
namespace {

constexpr int64_t kNow = 1'764'000'100'000;
const std::string kId = "2025-11-26-1";

class NoticeCheckTest : public testing::Test {
 protected:
  void SetUp() override {
    InitCrypto();
    code_keys_.Add(1, SecretBytes(std::string(kKeyBytes, 'c')));
    seeds_.Add(1, SecretBytes(std::string(kKeyBytes, 's')));
    rounds_ = NoticeRounds::Open(fs_, "/notices", ring_).value();
    ASSERT_TRUE(rounds_->Add(TestRound(1, 1, 3)));
    Open();
  }
  void Open() {
    check_ = std::make_unique<NoticeCheck>(
        NoticeCheck::Parts{rounds_.get(), &code_keys_, &seeds_, &clock_,
                           [this](const AuditEntry& entry) -> Result<uint64_t> {
                             if (!records_) return Error{ErrorCode::kUnavailable, "disk full"};
                             entries_.push_back(entry);
                             return entries_.size();
                           }});
  }
  std::string CodeOf(int n) {
    return NoticeCodes(code_keys_.entries().front().key).Of(kId, TestAddress(n));
  }

  FaultyFileSystem fs_;
  KeyRing ring_ = TestRing({1});
  KeyRing code_keys_, seeds_;
  ManualClock clock_{kNow};
  bool records_ = true;
  std::vector<AuditEntry> entries_;
  std::unique_ptr<NoticeRounds> rounds_;
  std::unique_ptr<NoticeCheck> check_;
};

TEST_F(NoticeCheckTest, YesForTheRecipientAlone) {
  const NoticeAnswer yes = check_->Answer({CodeOf(1), " P1@Example.org "}).value();
  EXPECT_TRUE(yes.yes);
  EXPECT_EQ(yes.entry, 41U);
  EXPECT_EQ(yes.exposed.size(), 2U);
  ASSERT_EQ(entries_.size(), 1U);
  EXPECT_EQ(entries_[0].actor, "notice page");
  EXPECT_EQ(entries_[0].subjects, std::vector{TestSubject(1)});
  EXPECT_EQ(entries_[0].scope.find('@'), std::string::npos);
  for (const NoticeQuestion& question :
       {NoticeQuestion{CodeOf(1), TestAddress(2)}, NoticeQuestion{CodeOf(2), TestAddress(1)},
        NoticeQuestion{CodeOf(1), "nobody@example.org"}, NoticeQuestion{CodeOf(1), ""},
        NoticeQuestion{"", TestAddress(1)}, NoticeQuestion{CodeOf(4), TestAddress(4)}}) {
    const NoticeAnswer no = check_->Answer(question).value();
    EXPECT_FALSE(no.yes) << question.address;
    EXPECT_EQ(no.exposed.size(), 0U);
  }
  EXPECT_EQ(entries_.size(), 1U) << "a no reads nobody";
}

TEST_F(NoticeCheckTest, WithoutARecordThereIsNoAnswer) {
  records_ = false;
  const auto answer = check_->Answer({CodeOf(1), TestAddress(1)});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
}

TEST_F(NoticeCheckTest, OldKeysGoOnTelling) {
  const std::string code = CodeOf(1);
  code_keys_.Add(2, SecretBytes(std::string(kKeyBytes, 'd')));
  seeds_.Add(2, SecretBytes(std::string(kKeyBytes, 't')));
  Open();
  const NoticeAnswer yes = check_->Answer({code, TestAddress(1)}).value();
  EXPECT_TRUE(yes.yes);
  const std::string pem = check_->Keys();
  EXPECT_TRUE(pem.starts_with(PublicKeyPem(yes.key))) << "the newest first";
  EXPECT_NE(pem.find("BEGIN", 30), std::string::npos);
  EXPECT_TRUE(check_->LeafOf(kId, TestAddress(1)));
  EXPECT_FALSE(check_->LeafOf(kId, "nobody@example.org"));
}

TEST_F(NoticeCheckTest, AnErasedRecipientIsStillToldThatItWasOurs) {
  const SubjectId erased[] = {TestSubject(1)};
  ASSERT_TRUE(rounds_->Forget(erased));
  const NoticeAnswer yes = check_->Answer({CodeOf(1), TestAddress(1)}).value();
  EXPECT_TRUE(yes.yes && yes.exposed.empty());
}

TEST(NoticePlanTest, OneMailForEachAddressAtTheRiskiestPlace) {
  InitCrypto();
  SubjectsToTell all;
  all.fields = {{"a", FieldForm::kPlain}, {"b", FieldForm::kPlain}, {"c", FieldForm::kPlain}};
  all.subjects = {{TestSubject(1), {0}},
                  {TestSubject(2), {1}},
                  {TestSubject(3), {0, 2}},
                  {TestSubject(4), {1}},
                  {TestSubject(5), {1}}};
  const AddressBook addresses = {{TestSubject(1), "x@example.org"},
                                 {TestSubject(2), "y@example.org"},
                                 {TestSubject(3), "x@example.org"},
                                 {TestSubject(5), "told@example.org"}};
  const NoticeCodes codes(SecretBytes(std::string(kKeyBytes, 'c')));
  CoveredRecipients covered;
  covered.leaves = {TestLeaf(kId, "told@example.org")};
  NoticeRound round;
  round.incident = kId;
  const RecipientCounts counts = AddRecipients(all, addresses, codes, covered, &round);
  EXPECT_EQ(counts.without_address, 1U);
  EXPECT_EQ(counts.covered, 1U);
  ASSERT_EQ(round.recipients.size(), 2U);
  EXPECT_EQ(round.recipients[0].address, "x@example.org");
  EXPECT_EQ(round.recipients[0].subjects, (std::vector{TestSubject(1), TestSubject(3)}));
  EXPECT_EQ(round.recipients[0].fields, (std::vector<uint32_t>{0, 2})) << "of both";
  EXPECT_EQ(round.recipients[0].leaf, TestLeaf(kId, "x@example.org"));
}

}  // namespace
}  // namespace bulkhead
