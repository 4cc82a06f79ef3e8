#include "incident/scorecard.h"

#include "incident/incident_fixture.h"

namespace bulkhead {
namespace {

using Moment = DisclosureMoment;

DisclosureVersion FirstVersion() {
  DisclosureVersion version;
  version.noted_ms = At(2025, 11, 27);
  version.note = "what was published";
  version.times = {{Moment::kVendorAware, {At(2025, 11, 9), "customer's statement"}},
                   {Moment::kCustomerTold, {At(2025, 11, 25), "customer's statement"}},
                   {Moment::kDataHandedOver, {At(2025, 11, 25), "customer's statement"}},
                   {Moment::kPublic, {At(2025, 11, 27), "vendor's page"}}};
  version.answers = {{"numbers", {false, "vendor's page"}},
                     {"fields", {false, "vendor's page"}},
                     {"customers-first", {true, "both pages"}},
                     {"questions", {std::nullopt, "a newspaper"}},
                     {"scope-held", {true, "customer's statement"}}};
  return version;
}

DisclosureVersion Correction() {
  DisclosureVersion version;
  version.noted_ms = At(2025, 12, 19);
  version.note = "more persons concerned";
  version.times = {{Moment::kScopeCorrected, {At(2025, 12, 19), "customer's statement"}}};
  version.answers = {{"scope-held", {false, "customer's statement of December"}}};
  return version;
}

TEST(ScorecardTest, TheIncidentOf2025InNumbers) {
  DisclosureRecord record("vendor", 72);
  ASSERT_TRUE(record.Append(FirstVersion()));
  ASSERT_TRUE(record.Append(Correction()));
  const Scorecard card = MakeScorecard(record);
  ASSERT_EQ(card.scores.size(), 4U);
  EXPECT_EQ(card.scores[0].points, 18);  // 100 x 3 / 16
  EXPECT_EQ(card.scores[0].arithmetic,
            "100 x 3.0 days promised / 16.0 days taken = 18; 13.0 days late");
  EXPECT_EQ(card.scores[0].lines[0].arithmetic,
            "2025-11-25 00:00 UTC - 2025-11-09 00:00 UTC = 16.0 days");
  EXPECT_EQ(card.scores[0].lines[1].arithmetic, "not known");  // when it occurred
  EXPECT_EQ(card.scores[0].lines[4].arithmetic,
            "2025-12-19 00:00 UTC - 2025-11-09 00:00 UTC = 40.0 days");
  EXPECT_EQ(card.scores[1].points, 33);
  EXPECT_EQ(card.scores[1].arithmetic, "100 x 1 yes / (1 yes + 2 no) = 33; 2 open");
  EXPECT_EQ(card.scores[2].points, 0);
  EXPECT_FALSE(card.scores[3].points);
  EXPECT_EQ(card.scores[3].arithmetic, "nothing answered; 4 open");
  ASSERT_EQ(card.corrected.size(), 1U);
  EXPECT_EQ(card.corrected[0].what, "scope-held");
  EXPECT_EQ(card.corrected[0].arithmetic, "yes became no, noted 2025-12-19 00:00 UTC");
  const std::string text = RenderScorecard(card);
  EXPECT_NE(text.find("quickly: 18 (100 x"), std::string::npos);
  EXPECT_NE(text.find("changed: no number (nothing answered"), std::string::npos);
  EXPECT_NE(text.find("16.0 days (customer's statement; customer's statement)\n"),
            std::string::npos);
}

TEST(ScorecardTest, CorrectionsNeverOverwrite) {
  DisclosureRecord record("vendor", 72);
  ASSERT_TRUE(record.Append(FirstVersion()));
  ASSERT_TRUE(record.Append(Correction()));
  DisclosureVersion third;
  third.noted_ms = At(2026, 1, 5);
  third.times = {{Moment::kVendorAware, {std::nullopt, "withdrawn by the vendor"}}};
  ASSERT_TRUE(record.Append(third));
  ASSERT_EQ(record.versions().size(), 3U);
  EXPECT_EQ(record.versions()[0].times.at(Moment::kVendorAware).at_ms, At(2025, 11, 9));
  EXPECT_EQ(record.StateAfter(1).answers.at("scope-held").yes, true);
  EXPECT_EQ(record.StateAfter(2).answers.at("scope-held").yes, false);
  EXPECT_EQ(record.StateAfter(2).times.at(Moment::kVendorAware).at_ms, At(2025, 11, 9));
  EXPECT_FALSE(record.State().times.at(Moment::kVendorAware).at_ms);
  EXPECT_FALSE(MakeScorecard(record).scores[0].points);
  EXPECT_TRUE(record.StateAfter(0).times.empty());
}

TEST(ScorecardTest, RefusesWhatHasNoSourceOrOrder) {
  DisclosureRecord record("vendor", std::nullopt);
  const auto refused = [&](void (*spoil)(DisclosureVersion*)) {
    DisclosureVersion version = Correction();
    spoil(&version);
    return !record.Append(version);
  };
  ASSERT_TRUE(record.Append(FirstVersion()));
  EXPECT_TRUE(refused([](auto* v) { v->noted_ms = At(2025, 11, 26); }));
  EXPECT_TRUE(refused([](auto* v) { v->times[Moment::kPublic].source.clear(); }));
  EXPECT_TRUE(refused([](auto* v) { v->answers["scope-held"].source.clear(); }));
  EXPECT_TRUE(refused([](auto* v) { v->answers["scope"] = {true, "s"}; }));
  EXPECT_TRUE(refused([](auto* v) {
    v->times.clear();
    v->answers.clear();
  }));
  EXPECT_EQ(record.versions().size(), 1U);
  EXPECT_EQ(MakeScorecard(record).scores[0].arithmetic, "the contract promises no time");
}

TEST(ScorecardTest, APromiseThatIsKeptHasAllPoints) {
  DisclosureRecord record("vendor", 24);
  DisclosureVersion version = Correction();
  version.times = {{Moment::kVendorAware, {At(2025, 11, 9), "s"}},
                   {Moment::kCustomerTold, {At(2025, 11, 9, 18), "s"}}};
  ASSERT_TRUE(record.Append(version));
  const Score score = MakeScorecard(record).scores[0];
  EXPECT_EQ(score.points, 100);
  EXPECT_EQ(score.arithmetic, "0.8 days of 1.0 days promised: 100");
}

}  // namespace
}  // namespace bulkhead
