#include "incident/incident_view.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "incident/fact_changes.h"
#include "incident/incident_fixture.h"
#include "incident/incident_versions_fixture.h"
#include "incident/scorecard.h"

namespace bulkhead {
namespace {

TEST(IncidentViewTest, ClocksThatNobodySetStartWhenWeWereTold) {
  IncidentVersion version = FullVersion();
  version.facts.clocks.clear();
  version.facts.moments[DisclosureMoment::kDataHandedOver] = {At(2025, 11, 25), "data set"};
  EXPECT_EQ(SituationOf(version, 0).clocks.at("aware"), At(2025, 11, 25));
  version.facts.moments[DisclosureMoment::kCustomerTold] = {At(2025, 11, 10), "mail"};
  EXPECT_EQ(SituationOf(version, 0).clocks.at("notified"), At(2025, 11, 10));
  version.facts.clocks["aware"] = {At(2025, 11, 26), "our minutes"};
  EXPECT_EQ(SituationOf(version, 0).clocks.at("aware"), At(2025, 11, 26));
  version.facts.clocks["aware"] = {std::nullopt, "not yet"};
  EXPECT_FALSE(SituationOf(version, 0).clocks.contains("aware"));
}

TEST(IncidentViewTest, TokensExposeNoClass) {
  const Situation situation = SituationOf(FullVersion(), 0);
  EXPECT_EQ(situation.classes, (std::set<std::string>{"user.settings", "user.unique_id"}));
  EXPECT_EQ(situation.persons.at("DE"), 6U);
}

// What no subject has of identities was sent of canaries: no person's address is exposed by it.
TEST(IncidentViewTest, IdentitiesOfNobodyAreNotExposed) {
  IncidentVersion version = FullVersion();
  IncidentField& address = version.exposure.fields.emplace_back();
  address.exposed.field = {"$email", FieldForm::kIdentity};
  address.exposed.sends = 12;
  address.field_class = "user.contact.email";
  EXPECT_FALSE(SituationOf(version, 0).classes.contains("user.contact.email"));
  EXPECT_EQ(NoticeFactsOf(version).fields.size(), 2U);
  version.exposure.fields.back().exposed.subjects = 1;
  EXPECT_TRUE(SituationOf(version, 0).classes.contains("user.contact.email"));
  EXPECT_EQ(NoticeFactsOf(version).fields.size(), 3U);
}

TEST(IncidentViewTest, NoticesNameAFieldOnceInItsLeastVeiledForm) {
  IncidentVersion version = FullVersion();
  version.exposure.fields.push_back(version.exposure.fields[1]);
  version.exposure.fields[2].exposed.field.form = FieldForm::kCoarse;
  const NoticeFacts facts = NoticeFactsOf(version);
  ASSERT_EQ(facts.fields.size(), 2U);
  EXPECT_EQ(facts.fields[1].form, FieldForm::kCoarse);
  EXPECT_EQ(facts.subjects, 7U);
  const auto drafts = DraftNotices(version);
  ASSERT_TRUE(drafts);
  EXPECT_EQ(drafts->size(), 5U);
  version.facts.happening = "See https://example.org";
  EXPECT_FALSE(DraftNotices(version));
}

TEST(IncidentViewTest, ADisclosureIsWhatEachVersionNotedAnew) {
  std::vector<IncidentVersion> versions = {FullVersion(1), FullVersion(2), FullVersion(3)};
  versions[2].facts.moments[DisclosureMoment::kVendorAware] = {At(2025, 11, 8), "second notice"};
  versions[2].facts.answers.erase("data-set");
  const auto record = DisclosureOf(versions);
  ASSERT_TRUE(record);
  ASSERT_EQ(record->versions().size(), 2U);  // the second one noted nothing new
  EXPECT_EQ(record->versions()[1].times.size(), 1U);
  EXPECT_FALSE(record->State().answers.at("data-set").yes.has_value());
  EXPECT_EQ(MakeScorecard(*record).corrected.size(), 2U);
}

TEST(IncidentViewTest, DifferencesAreWhatDiffers) {
  EXPECT_TRUE(DifferencesOf(FullVersion(1), FullVersion(2)).empty());
  IncidentVersion after = FullVersion(2);
  after.exposure.subjects = 9;
  after.window.epoch.reset();
  after.exposure.residence.countries["FR"] = 2;
  after.facts.measures.emplace_back("All keys were changed.");
  EXPECT_EQ(
      DifferencesOf(FullVersion(1), after),
      (std::vector<std::string>{
          "window: acme, 2025-11-08 to 2025-11-18, was acme, 2025-11-08 to 2025-11-18, epoch 2",
          "subjects: 9, was 7", "country FR: 2, was not there",
          "measures: The vendor was removed.; All keys were changed., was The vendor was "
          "removed."}));
}

TEST(FactChangesTest, NamesAreHeldAgainstTheTable) {
  FactChanges changes;
  changes.parse_time = [](const std::string& text) -> Result<int64_t> {
    return text == "then" ? Result<int64_t>(At(2025, 11, 9))
                          : Error{ErrorCode::kInvalid, "no time"};
  };
  changes.times = {"vendor_aware=then", "classified=then", "told=unknown"};
  changes.done = {"gdpr-33-1=then"};
  changes.answers = {"logs=no"};
  changes.roles = {"controller"};
  changes.risk = "high";
  changes.promised_hours = "48";
  changes.complete = "yes";
  EXPECT_FALSE(ApplyFactChanges({}, changes, RepositoryObligations()));  // no source
  changes.source = "the vendor's notice";
  const auto facts = ApplyFactChanges({}, changes, RepositoryObligations());
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->moments.at(DisclosureMoment::kVendorAware).at_ms, At(2025, 11, 9));
  EXPECT_FALSE(facts->moments.at(DisclosureMoment::kCustomerTold).at_ms.has_value());
  EXPECT_EQ(facts->clocks.at("classified").source, "the vendor's notice");
  EXPECT_EQ(facts->answers.at("logs").yes, false);
  EXPECT_EQ(facts->risk, Risk::kHigh);
  EXPECT_EQ(facts->promised_hours, 48);
  EXPECT_TRUE(facts->complete);
  const auto refused = [&](std::vector<std::string> FactChanges::*list, const char* text) {
    FactChanges wrong = changes;
    wrong.*list = {text};
    return !ApplyFactChanges({}, wrong, RepositoryObligations()).has_value();
  };
  EXPECT_TRUE(refused(&FactChanges::times, "awear=then"));
  EXPECT_TRUE(refused(&FactChanges::times, "aware"));
  EXPECT_TRUE(refused(&FactChanges::times, "aware=never"));
  EXPECT_TRUE(refused(&FactChanges::done, "gdpr-99=then"));
  EXPECT_TRUE(refused(&FactChanges::roles, "king"));
  EXPECT_TRUE(refused(&FactChanges::answers, "logs=perhaps"));
}

}  // namespace
}  // namespace bulkhead
