#include "incident/obligations.h"

#include <algorithm>

#include "incident/incident_fixture.h"

namespace bulkhead {
namespace {

using State = ObligationState;

// The incident that the product answers: name, e-mail, coarse place, browser, organisation's id.
Situation Incident2025() {
  Situation situation;
  situation.roles = {"controller", "us-business"};
  situation.established = {"US-CA"};
  situation.persons = {{"DE", 900},     {"IE", 100},     {"GB", 300},
                       {"US-CA", 5000}, {"US-NY", 2000}, {"US-TX", 900}};
  situation.classes = {"user.name", "user.contact.email", "user.location.coarse",
                       "user.device.telemetry", "user.unique_id"};
  situation.risk = Risk::kRisk;
  situation.clocks = {{"aware", At(2025, 11, 25)}, {"discovered", At(2025, 11, 25)}};
  situation.now_ms = At(2025, 11, 26);
  return situation;
}

Obligation Of(const Situation& situation, std::string_view id) {
  const std::vector<Obligation> all = RepositoryObligations().Apply(situation).value();
  const auto found = std::ranges::find_if(all, [&](const auto& one) { return one.id == id; });
  if (found == all.end()) {
    ADD_FAILURE() << "no obligation " << id;
    return {};
  }
  return *found;
}

TEST(ObligationsTest, TheIncidentOf2025IsDueToTheAuthorityOnThe28th) {
  const Obligation gdpr = Of(Incident2025(), "gdpr-33-1");
  EXPECT_EQ(gdpr.state, State::kDue);
  EXPECT_EQ(gdpr.due_ms, At(2025, 11, 28));
  EXPECT_EQ(gdpr.basis,
            "aware 2025-11-25 00:00 UTC + 72 h = 2025-11-28 00:00 UTC; role: controller; fields: "
            "personal (user.contact.email, user.device.telemetry, user.location.coarse, user.name, "
            "user.unique_id); 1000 persons live where it applies");
  EXPECT_TRUE(gdpr.assumed.empty());
  EXPECT_EQ(Of(Incident2025(), "uk-gdpr-33-1").due_ms, At(2025, 11, 28));
  Situation late = Incident2025();
  late.now_ms = At(2025, 11, 28, 0, 1);
  EXPECT_EQ(Of(late, "gdpr-33-1").state, State::kPassed);
  late.done["gdpr-33-1"] = At(2025, 11, 27);
  EXPECT_EQ(Of(late, "gdpr-33-1").state, State::kDone);
  EXPECT_FALSE(Of(late, "gdpr-33-1").late);
  late.done["gdpr-33-1"] = At(2025, 11, 29);
  EXPECT_TRUE(Of(late, "gdpr-33-1").late);
}

TEST(ObligationsTest, NameAndMailTriggerNoStatuteThatWantsANumber) {
  const std::vector<Obligation> all = RepositoryObligations().Apply(Incident2025()).value();
  for (const Obligation& one : all) {
    if (!one.id.starts_with("us-")) continue;
    EXPECT_EQ(one.state, State::kNotApplicable) << one.id;
  }
  Situation worse = Incident2025();
  worse.classes.insert("user.government_id.national_identification_number");
  EXPECT_EQ(Of(worse, "us-ny-residents").due_ms, At(2025, 12, 25));
  EXPECT_EQ(Of(worse, "us-tx-residents").due_ms, At(2026, 1, 24));
  EXPECT_EQ(Of(worse, "us-tx-attorney-general").due_ms, At(2025, 12, 25));
  EXPECT_EQ(Of(worse, "us-fl-residents").why, "nobody concerned lives where it applies");
  worse.unintelligible = true;
  EXPECT_EQ(Of(worse, "us-ny-residents").state, State::kNotApplicable);
  EXPECT_EQ(Of(worse, "gdpr-33-1").state, State::kDue);
}

TEST(ObligationsTest, ALoginIsEnoughForMostStates) {
  Situation situation = Incident2025();
  situation.classes = {"user.contact.email", "user.authorization.password"};
  EXPECT_EQ(Of(situation, "us-ny-residents").state, State::kDue);
  EXPECT_EQ(Of(situation, "us-tx-residents").state, State::kNotApplicable);
}

TEST(ObligationsTest, CaliforniaCountsDaysSince2026) {
  Situation situation = Incident2025();
  situation.classes = {"user.name", "user.financial.bank_account"};
  const Obligation before = Of(situation, "us-ca-residents-2025");
  EXPECT_EQ(before.state, State::kDue);
  EXPECT_FALSE(before.due_ms);
  EXPECT_EQ(Of(situation, "us-ca-residents").why, "in force from 2026-01-01 only");
  EXPECT_EQ(Of(situation, "us-ca-attorney-general").state, State::kNotApplicable);

  situation.clocks = {{"discovered", At(2026, 2, 10)}, {"notified", At(2026, 2, 3, 12)}};
  EXPECT_EQ(Of(situation, "us-ca-residents-2025").state, State::kNotApplicable);
  EXPECT_EQ(Of(situation, "us-ca-residents").due_ms, At(2026, 3, 5, 12));
  Obligation copy = Of(situation, "us-ca-attorney-general");
  EXPECT_EQ(copy.due_ms, At(2026, 3, 20, 12));
  EXPECT_TRUE(copy.projected);
  situation.done["us-ca-residents"] = At(2026, 2, 20);
  copy = Of(situation, "us-ca-attorney-general");
  EXPECT_EQ(copy.due_ms, At(2026, 3, 7));
  EXPECT_FALSE(copy.projected);
  situation.persons["US-CA"] = 500;
  EXPECT_EQ(Of(situation, "us-ca-attorney-general").why, "500 persons; it begins at 501");
}

TEST(ObligationsTest, DoraChainsItsClocks) {
  Situation situation;
  situation.roles = {"financial-entity"};
  situation.established = {"DE"};
  situation.clocks = {{"aware", At(2026, 3, 2, 8)}};
  situation.now_ms = At(2026, 3, 2, 9);
  EXPECT_EQ(Of(situation, "dora-initial").state, State::kWaiting);
  EXPECT_EQ(Of(situation, "dora-intermediate").state, State::kWaiting);

  situation.clocks["classified"] = At(2026, 3, 2, 10);
  EXPECT_EQ(Of(situation, "dora-initial").due_ms, At(2026, 3, 2, 14));
  situation.clocks["classified"] = At(2026, 3, 3, 6);  // within 24 hours: those are the limit
  EXPECT_EQ(Of(situation, "dora-initial").due_ms, At(2026, 3, 3, 8));
  situation.clocks["classified"] = At(2026, 3, 4, 6);  // late: four hours
  EXPECT_EQ(Of(situation, "dora-initial").due_ms, At(2026, 3, 4, 10));
  EXPECT_EQ(Of(situation, "dora-intermediate").due_ms, At(2026, 3, 7, 10));
  EXPECT_TRUE(Of(situation, "dora-intermediate").projected);

  situation.done["dora-initial"] = At(2026, 3, 4, 7);
  EXPECT_EQ(Of(situation, "dora-intermediate").due_ms, At(2026, 3, 7, 7));
  situation.done["dora-intermediate"] = At(2026, 3, 31, 7);
  EXPECT_EQ(Of(situation, "dora-final").due_ms, At(2026, 4, 30, 7));
}

TEST(ObligationsTest, Nis2CountsItsMonthFromTheNotification) {
  Situation situation;
  situation.roles = {"essential-entity"};
  situation.established = {"FR"};
  situation.clocks = {{"significant", At(2026, 1, 28, 12)}};
  situation.now_ms = At(2026, 1, 28, 13);
  EXPECT_EQ(Of(situation, "nis2-early-warning").due_ms, At(2026, 1, 29, 12));
  EXPECT_EQ(Of(situation, "nis2-notification").due_ms, At(2026, 1, 31, 12));
  EXPECT_EQ(Of(situation, "nis2-final").due_ms, At(2026, 2, 28, 12));
  situation.established = {"US-NY"};
  EXPECT_EQ(Of(situation, "nis2-final").state, State::kNotApplicable);
}

TEST(ObligationsTest, OthersCountAsTheirLawsSay) {
  Situation situation;
  situation.roles = {"us-issuer", "covered-entity", "nydfs-entity", "processor"};
  situation.classes = {"user.health", "user.contact.email"};
  situation.persons = {{"AT", 3}};
  situation.clocks = {{"material", At(2025, 11, 25, 18)},
                      {"discovered", At(2025, 11, 25, 18)},
                      {"determined", At(2025, 11, 25, 18)},
                      {"aware", At(2025, 11, 25, 18)}};
  situation.now_ms = At(2025, 11, 25, 19);
  EXPECT_EQ(Of(situation, "sec-8k-105").due_ms, At(2025, 12, 2, 21, 30));
  EXPECT_EQ(Of(situation, "hipaa-persons").due_ms, At(2026, 1, 24, 18));
  EXPECT_EQ(Of(situation, "hipaa-hhs").state, State::kNotApplicable);
  EXPECT_EQ(Of(situation, "nydfs-500-17").due_ms, At(2025, 11, 28, 18));
  const Obligation processor = Of(situation, "gdpr-33-2");
  EXPECT_EQ(processor.state, State::kDue);
  EXPECT_FALSE(processor.due_ms);
  EXPECT_NE(processor.basis.find("without undue delay"), std::string::npos);
  situation.clocks["material"] = At(2028, 12, 28);
  EXPECT_NE(Of(situation, "sec-8k-105").basis.find("beyond the calendar"), std::string::npos);
}

TEST(ObligationsTest, ProposalsAndPendingRulesNeverCount) {
  Situation situation = Incident2025();
  situation.roles.insert("critical-infrastructure");
  situation.risk = Risk::kHigh;
  EXPECT_EQ(Of(situation, "omnibus-33").state, State::kNotApplicable);
  EXPECT_EQ(Of(situation, "omnibus-33").why, "a proposal, not law: never counted");
  EXPECT_EQ(Of(situation, "circia").state, State::kNotApplicable);
}

TEST(ObligationsTest, RiskIsThePersonsToAssess) {
  Situation situation = Incident2025();
  EXPECT_EQ(Of(situation, "gdpr-34").state, State::kNotApplicable);
  situation.risk = Risk::kHigh;
  EXPECT_EQ(Of(situation, "gdpr-34").state, State::kDue);
  situation.unintelligible = true;
  EXPECT_EQ(Of(situation, "gdpr-34").state, State::kNotApplicable);
  situation.risk = Risk::kUnlikely;
  EXPECT_EQ(Of(situation, "gdpr-33-1").state, State::kNotApplicable);
  situation = Incident2025();
  situation.risk = Risk::kNotAssessed;
  EXPECT_EQ(Of(situation, "gdpr-34").state, State::kWaiting);
  EXPECT_EQ(Of(situation, "gdpr-33-1").state, State::kDue);
  EXPECT_EQ(Of(situation, "gdpr-33-1").assumed.size(), 1U);
}

TEST(ObligationsTest, WhatIsNotKnownIsTakenForTheWorse) {
  Situation situation = Incident2025();
  situation.persons = {{"US", 700}};
  situation.classes = {"user"};
  Obligation texas = Of(situation, "us-tx-attorney-general");
  EXPECT_EQ(texas.state, State::kDue);
  EXPECT_EQ(texas.assumed.size(), 3U);  // the class, the state, the number
  EXPECT_EQ(Of(situation, "gdpr-33-1").state, State::kNotApplicable);
  situation.persons.clear();
  EXPECT_EQ(Of(situation, "gdpr-33-1").state, State::kDue);
  situation.persons = {{"US-NY", 10}};
  EXPECT_EQ(Of(situation, "us-tx-residents").state, State::kNotApplicable);
}

TEST(ObligationsTest, MisspeltNamesAreRefused) {
  for (const auto& spoil :
       std::vector<void (*)(Situation*)>{[](Situation* s) { s->roles.insert("controler"); },
                                         [](Situation* s) { s->clocks["awake"] = 1; },
                                         [](Situation* s) { s->classes.insert("user.nmae"); },
                                         [](Situation* s) { s->done["gdpr-33"] = 1; }}) {
    Situation situation = Incident2025();
    spoil(&situation);
    const auto applied = RepositoryObligations().Apply(situation);
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().code, ErrorCode::kInvalid);
  }
}

TEST(ObligationsTest, EveryMistakeOfTheFileIsToldWithItsLine) {
  const auto loaded = Obligations::Load(R"(schema = 2
version = "2026-01-01"
[clocks]
aware = "we know"
[roles]
controller = "decides"
[fields]
personal = [["user.nmae"]]
[[obligation]]
id = "one"
regime = "R"
article = "A"
who = "W"
whom = "Z"
roles = ["controler"]
residence = ["Germany"]
limits = [{ clocks = ["aware"], hours = 72, days = 3 }, { after = "two", hours = 1 }]
extra = 1
)",
                                        "f");
  ASSERT_FALSE(loaded);
  for (const std::string_view line :
       {"f:1: schema: 1 expected", "f:2: version: a date expected",
        "f:8: fields.personal[0]: a Fid", "f:15: obligation[0].roles: this file has no such name",
        "f:16: obligation[0].residence: places as DE",
        "f:17: obligation[0].limits[0]: more than one unit",
        "f:17: obligation[0].limits[1].after: no obligation before it",
        "f:18: obligation[0].extra: unknown key"}) {
    EXPECT_NE(loaded.error().message.find(line), std::string::npos) << line << "\n"
                                                                    << loaded.error().message;
  }
}

TEST(ObligationsTest, TheRepositorysFileNamesItsVersionAndSources) {
  const ObligationFile& file = RepositoryObligations().file();
  EXPECT_EQ(FormatDate(file.version).substr(0, 2), "20");
  EXPECT_GE(file.sources.size(), 10U);
  EXPECT_GE(file.rules.size(), 30U);
}

}  // namespace
}  // namespace bulkhead
