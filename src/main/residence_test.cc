#include "main/residence.h"

#include <gtest/gtest.h>

#include <string>

#include "incident/exposure_survey.h"
#include "main/incident_pages.h"
#include "main/store_fixture.h"

namespace bulkhead {
namespace {

class ResidenceTest : public StoreFixture {
 protected:
  void Add(uint32_t who, int64_t time_ms, ValueObject properties) {
    AddEvent(who, RandomBatches::kStartMs + time_ms, std::move(properties));
  }
  Residence Count(std::vector<SubjectId> subjects, const std::string& property = "company") {
    const auto request = DecodeResidenceRequest(
        EncodeResidenceRequest({ProjectId{1}, property, std::move(subjects)}));
    EXPECT_TRUE(request);
    const auto residence = CountResidence(store_->snapshot(), *request, 2);
    EXPECT_TRUE(residence);
    return *DecodeResidence(EncodeResidence(*residence));
  }
  using Counts = std::map<std::string, uint64_t>;
};

TEST_F(ResidenceTest, TheNewestCountryAndEveryOrganisation) {
  Add(1, 10, {{"mp_country_code", Value("FR")}, {"company", Value("a")}});
  Add(1, 20, {{"mp_country_code", Value("DE")}, {"company", Value("b")}});
  Add(1, 30, {{"company", Value("b")}});
  Add(2, 10, {{"mp_country_code", Value("de")}, {"company", Value(7.0)}});
  Apply();
  Add(1, 40, {{"company", Value(ValueList{Value("a"), Value("c"), Value("c")})}});
  Add(3, 10, {{"mp_country_code", Value("US")}});
  Apply();
  const Residence residence = Count({TestSubject(1), TestSubject(2), TestSubject(4)});
  EXPECT_EQ(residence.countries, (Counts{{"DE", 1}, {"", 2}}));
  EXPECT_EQ(residence.organisations, (Counts{{"a", 1}, {"b", 1}, {"c", 1}, {"7", 1}, {"", 1}}));
  EXPECT_TRUE(Count({TestSubject(1)}, "").organisations.empty());
  EXPECT_EQ(Count({TestSubject(3)}).countries, (Counts{{"US", 1}}));
  EXPECT_TRUE(Count({}).countries.empty());
}

TEST_F(ResidenceTest, ProfilesSayWhatEventsDoNot) {
  Add(1, 10, {{"mp_country_code", Value("FR")}});
  ProfileUpdate update;
  update.op = ProfileOperator::kSet;
  update.time_ms = RandomBatches::kStartMs;
  for (const uint32_t who : {1U, 2U}) {
    update.subject = TestSubject(who);
    update.properties = {{"$country_code", Value("IT")}, {"company", Value("z")}};
    batch_.profile_updates.push_back(update);
  }
  Apply();
  const Residence residence = Count({TestSubject(1), TestSubject(2)});
  EXPECT_EQ(residence.countries, (Counts{{"FR", 1}, {"IT", 1}}));
  EXPECT_EQ(residence.organisations, (Counts{{"z", 2}}));
}

TEST_F(ResidenceTest, ADeviceLinkedSinceCountsAsItsUser) {
  Add(1, 10, {{"mp_country_code", Value("FR")}});
  Add(1, 20, {});
  batch_.events.back().device = TestSubject(9);
  Apply();
  EXPECT_EQ(Count({TestSubject(1), TestSubject(9)}).countries, (Counts{{"FR", 2}}));
}

TEST_F(ResidenceTest, LongNamesAreCutAtACharacter) {
  Add(1, 10, {{"company", Value(std::string(kMaxOrganisationBytes - 1, 'x') + "\xC3\xA9")}});
  Apply();
  EXPECT_EQ(Count({TestSubject(1)}).organisations,
            (Counts{{std::string(kMaxOrganisationBytes - 1, 'x'), 1}}));
}

TEST(ResidenceCallTest, OnlyWhatIsWrittenIsRead) {
  const std::string bytes = EncodeResidenceRequest({ProjectId{3}, "company", {TestSubject(1)}});
  EXPECT_EQ(DecodeResidenceRequest(bytes)->subjects, std::vector{TestSubject(1)});
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeResidenceRequest(bytes.substr(0, size)));
  }
  EXPECT_FALSE(DecodeResidenceRequest(bytes + "x"));
  const std::vector<SubjectId> many(kMaxResidenceSubjects + 1);
  EXPECT_FALSE(DecodeResidenceRequest(EncodeResidenceRequest({ProjectId{3}, "", many})));
}

TEST(IncidentPagesTest, OnlyWhatIsWrittenIsRead) {
  RiskPage risk;
  risk.fields = {{"plan", FieldForm::kPlain}, {"town", FieldForm::kToken}};
  risk.subjects = {{TestSubject(1), 90, {0, 1}}, {TestSubject(2), 5, {}}};
  risk.more = true;
  const std::string bytes = EncodeRiskPage(risk);
  const auto read = DecodeRiskPage(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->subjects[1].subject, TestSubject(2));
  EXPECT_EQ(read->fields, risk.fields);
  EXPECT_EQ(read->subjects[0].fields, risk.subjects[0].fields);
  EXPECT_TRUE(read->more);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeRiskPage(bytes.substr(0, size)));
  }
  risk.subjects[0].fields = {2};  // no such field
  EXPECT_FALSE(DecodeRiskPage(EncodeRiskPage(risk)));
  const VendorIdPage ids{{{TestSubject(1), TestSubject(2)}, {TestSubject(3), {}}}, false};
  const std::string of_ids = EncodeVendorIdPage(ids);
  EXPECT_EQ(DecodeVendorIdPage(of_ids)->ids[0].subject, TestSubject(2));
  for (size_t size = 0; size < of_ids.size(); ++size) {
    EXPECT_FALSE(DecodeVendorIdPage(of_ids.substr(0, size)));
  }
}

}  // namespace
}  // namespace bulkhead
