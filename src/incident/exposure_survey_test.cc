#include "incident/exposure_survey.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "egress/ledger_fixture.h"
#include "incident/phishing_risk.h"

namespace bulkhead {
namespace {

SubjectId Number(uint32_t number) {
  SubjectId id;
  id.bytes[0] = static_cast<uint8_t>(number >> 8U);
  id.bytes[1] = static_cast<uint8_t>(number);
  id.bytes[15] = 1;
  return id;
}

const SentFields kAddress = {{"$email", FieldForm::kIdentity}, {"plan", FieldForm::kPlain}};
const SentFields kVeiled = {{"$email", FieldForm::kToken}};

// 30 subjects: every third with an address, from day 100 on one a day.
class ExposureSurveyTest : public testing::Test {
 protected:
  ExposureSurveyTest() {
    for (uint32_t i = 0; i < 30; ++i) {
      LedgerBatch batch{"acme", 1, static_cast<int32_t>(100 + i), i + 1, {kAddress, kVeiled}, {}};
      batch.sends = {{Number(i), i % 3 == 0 ? 0U : 1U}, {SubjectId{}, 1}};
      EXPECT_TRUE(ledger_->Record(batch));
    }
  }
  SurveyParts Parts(int32_t first, int32_t last) {
    source_ = std::make_unique<LedgerSource>(ledger_.get(),
                                             LedgerWindow{"acme", std::nullopt, first, last});
    return {source_.get(), &classes_,
            [this](const std::vector<SubjectId>& subjects) -> Result<Residence> {
              asked_.insert(asked_.end(), subjects.begin(), subjects.end());
              return Residence{{{"DE", subjects.size()}}, {}, 0};
            }};
  }

  FaultyFileSystem fs_;
  std::unique_ptr<Ledger> ledger_ = OpenLedger(fs_);
  std::unique_ptr<LedgerSource> source_;
  ProjectPolicy policy_;
  ExposedClasses classes_{{}, policy_};
  std::vector<SubjectId> asked_;
};

TEST_F(ExposureSurveyTest, CountsWhatTheLedgerHas) {
  const auto exposure = SurveyExposure(Parts(105, 114));
  ASSERT_TRUE(exposure);
  EXPECT_EQ(exposure->subjects, 10U);
  EXPECT_EQ(exposure->sends, 20U);
  EXPECT_EQ(exposure->residence.countries.at("DE"), 10U);
  EXPECT_EQ(asked_.size(), 10U);
  EXPECT_TRUE(std::ranges::is_sorted(asked_));
  EXPECT_EQ(exposure->bands[0], 7U);  // a token can be used by nobody
  EXPECT_EQ(exposure->bands[1], 3U);  // 6, 9 and 12: an address
  ASSERT_EQ(exposure->fields.size(), 3U);
  EXPECT_EQ(exposure->fields[0].field_class, "user.contact.email");
  EXPECT_NE(exposure->subjects_digest, SurveyExposure(Parts(105, 113))->subjects_digest);
  EXPECT_EQ(exposure->subjects_digest, SurveyExposure(Parts(105, 114))->subjects_digest);
}

TEST_F(ExposureSurveyTest, NothingIsSaidWhereResidenceCannotBeAsked) {
  SurveyParts parts = Parts(100, 130);
  parts.residence = [](const auto&) -> Result<Residence> {
    return Error{ErrorCode::kUnavailable, "core is not running"};
  };
  EXPECT_EQ(SurveyExposure(parts).error().code, ErrorCode::kUnavailable);
}

TEST_F(ExposureSurveyTest, ComparesWindows) {
  const auto difference =
      CompareSources(LedgerSource(ledger_.get(), {"acme", std::nullopt, 100, 109}),
                     LedgerSource(ledger_.get(), {"acme", std::nullopt, 105, 125}));
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->added, 16U);
  EXPECT_EQ(difference->removed, 5U);
}

TEST_F(ExposureSurveyTest, PagesOfAnySizeAreTheSameList) {
  const auto whole = ListByRisk(Parts(100, 200), std::nullopt, 1000);
  ASSERT_TRUE(whole);
  ASSERT_EQ(whole->subjects.size(), 30U);
  EXPECT_FALSE(whole->more);
  EXPECT_EQ(whole->subjects[9].subject, Number(27));
  EXPECT_EQ(whole->subjects[10].subject, Number(1));
  EXPECT_GT(whole->subjects[9].score, whole->subjects[10].score);
  for (const size_t most : {1U, 3U, 10U, 29U, 30U}) {
    std::vector<SubjectId> listed;
    std::optional<RiskPlace> after;
    for (bool more = true; more;) {
      const auto page = ListByRisk(Parts(100, 200), after, most);
      ASSERT_TRUE(page);
      ASSERT_LE(page->subjects.size(), most);
      for (const RiskPage::Entry& one : page->subjects) {
        listed.push_back(one.subject);
        SentFields fields;
        for (const uint32_t field : one.fields) fields.push_back(page->fields[field]);
        EXPECT_EQ(fields, one.score > 10 ? kAddress : kVeiled);
      }
      more = page->more;
      if (more) after = RiskPlace{page->subjects.back().score, page->subjects.back().subject};
    }
    ASSERT_EQ(listed.size(), 30U) << most;
    EXPECT_TRUE(std::ranges::equal(listed, whole->subjects, {}, {}, &RiskPage::Entry::subject));
  }
}

TEST(ExposedClassesTest, ToldBeforePolicyBeforeName) {
  ProjectPolicy policy;
  policy.rules.resize(2);
  policy.rules[0].pattern = "plan";
  policy.rules[0].field_class = "user.payment";
  policy.rules[1].by = PolicyRule::By::kGlob;
  policy.rules[1].pattern = "acct_*";
  policy.rules[1].field_class = "user.account";
  const ExposedClasses classes({{"nickname", "user.content"}}, policy);
  const std::map<std::string, std::string> expected = {
      {"plan", "user.payment"},
      {"acct_id", "user.account"},
      {"nickname", "user.content"},
      {"$email", "user.contact.email"},
      {"$city", "user.location.coarse"},
      {"$browser", "user.device"},
      {"billing_phone", "user.contact.phone_number"},
      {"company_id", "user.professional_information"},
      {"event name", "user.behavior"},
      {"seats", "user"}};
  for (const auto& [field, field_class] : expected) {
    EXPECT_EQ(classes.Of(field), field_class) << field;
  }
}

}  // namespace
}  // namespace bulkhead
