#include "incident/phishing_risk.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

struct Case {
  std::set<std::string> classes;
  Privileges privileges;
  int score;
  RiskBand band;
};

TEST(PhishingRiskTest, ScoresByTheTable) {
  const Case cases[] = {
      {{}, {}, 0, RiskBand::kNegligible},
      {{"user.contact.email"}, {}, 30, RiskBand::kLow},
      {{"user.contact.phone_number"}, {}, 25, RiskBand::kLow},
      {{"user.contact.email", "user.contact.phone_number"}, {}, 30, RiskBand::kLow},
      // The incident of 2025, an organisation's admin: (30 + 15 + 15) x 1.5.
      {{"user.contact.email", "user.name", "user.professional_information.workplace"},
       {.organisation_admin = true},
       90,
       RiskBand::kTop},
      // Pseudonym, country, browser family.
      {{"user.unique_id", "user.location.coarse", "user.device.telemetry"},
       {},
       5,
       RiskBand::kNegligible},
      {{"user.unique_id", "user.location.coarse"}, {}, 0, RiskBand::kNegligible},
      // Without a way to write to them privileges raise nothing.
      {{"user.name.first", "user.content.private"}, {true, true, true}, 5, RiskBand::kNegligible},
      {{"user.contact.email", "user.name.last", "user.device.cookie_id"},
       {},
       50,
       RiskBand::kRaised},
      {{"user.contact.email", "user.content.private"},
       {.owns_api_key = true, .no_second_factor = true},
       100,  // 55 x 1.4 x 1.3 = 100.1
       RiskBand::kTop},
      {{"user.contact.email", "user.content", "user.payment", "user.name"},
       {true, true, true},
       100,
       RiskBand::kTop},
      {{"user.contact.email", "user.behavior.browsing_history"},
       {.no_second_factor = true},
       54,  // 42 x 1.3 = 54.6
       RiskBand::kRaised},
      // A longer word is another class.
      {{"user.contact.email", "user.names"}, {}, 30, RiskBand::kLow},
  };
  for (const Case& one : cases) {
    const PhishingRisk risk = ScorePhishing(one.classes, one.privileges);
    EXPECT_EQ(risk.score, one.score) << risk.arithmetic;
    EXPECT_EQ(risk.band, one.band) << risk.arithmetic;
  }
}

TEST(PhishingRiskTest, ShowsItsArithmetic) {
  EXPECT_EQ(
      ScorePhishing({"user.contact.email", "user.name"}, {.organisation_admin = true}).arithmetic,
      "(30 e-mail + 15 name) x 1.5 admin = 67");
  EXPECT_EQ(ScorePhishing({"user.device"}, {}).arithmetic,
            "(5 device), no way to write to them: 5, at most 5");
}

TEST(PhishingRiskTest, MoreIsNeverLess) {
  std::set<std::string> classes;
  int before = 0;
  for (const char* one : {"user.device", "user.contact.phone_number", "user.contact.email",
                          "user.name", "user.account", "user.location.precise", "user.payment"}) {
    classes.insert(one);
    const int score = ScorePhishing(classes, {}).score;
    EXPECT_GE(score, before) << one;
    EXPECT_GE(ScorePhishing(classes, {.no_second_factor = true}).score, score);
    before = score;
  }
}

TEST(PhishingRiskTest, BandsHaveTheirBounds) {
  EXPECT_EQ(BandOf(9), RiskBand::kNegligible);
  EXPECT_EQ(BandOf(10), RiskBand::kLow);
  EXPECT_EQ(BandOf(39), RiskBand::kLow);
  EXPECT_EQ(BandOf(40), RiskBand::kRaised);
  EXPECT_EQ(BandOf(69), RiskBand::kRaised);
  EXPECT_EQ(BandOf(70), RiskBand::kTop);
}

TEST(PhishingRiskTest, TheRiskiestAreToldFirst) {
  const auto subject = [](uint8_t first) {
    SubjectId id;
    id.bytes[0] = first;
    return id;
  };
  std::vector<RatedSubject> subjects = {
      {subject(4), 30}, {subject(2), 90}, {subject(9), 30}, {subject(1), 30}};
  OrderForNotice(subjects);
  std::vector<uint8_t> order;
  for (const RatedSubject& one : subjects) order.push_back(one.subject.bytes[0]);
  EXPECT_EQ(order, (std::vector<uint8_t>{2, 1, 4, 9}));
}

}  // namespace
}  // namespace bulkhead
