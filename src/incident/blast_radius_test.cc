#include "incident/blast_radius.h"

#include <gtest/gtest.h>

#include "incident/policy_radius.h"
#include "incident/sent_class.h"
#include "sieve/policy_parser.h"

namespace bulkhead {
namespace {

Policy PolicyOf(std::string_view vendors) {
  Result<Policy> policy = ParsePolicy("schema = 1\n" + std::string(vendors), "p");
  EXPECT_TRUE(policy) << policy.error().message;
  return policy ? *std::move(policy) : Policy();
}

std::string Vendor(const std::string& name, const std::string& keys, const std::string& events) {
  return "[vendor." + name + "]\ntype = \"files\"\nproject = 1\n" + keys + "[[vendor." + name +
         ".event]]\n" + events;
}

TEST(SentClassTest, RulesSpeakFirstThenNames) {
  ProjectPolicy rules;
  PolicyRule rule;
  rule.pattern = "plan";
  rule.field_class = "user.financial";
  rules.rules = {rule};
  struct Case {
    std::string_view name;
    FieldForm form;
    std::string_view field_class;
  };
  for (const Case& one : {Case{"plan", FieldForm::kPlain, "user.financial"},
                          Case{"plan", FieldForm::kToken, "user.unique_id"},
                          Case{"$email", FieldForm::kIdentity, "user.contact.email"},
                          Case{"email_address", FieldForm::kCoarse, "user.contact.email"},
                          Case{"$city", FieldForm::kPlain, "user.location.coarse"},
                          Case{"event name", FieldForm::kPlain, "user.behavior"},
                          Case{"colour", FieldForm::kPlain, ""}}) {
    EXPECT_EQ(ClassOfSent(one.name, one.form, rules), one.field_class) << one.name;
  }
}

TEST(BlastRadiusTest, SubjectsTimesRiskByCombination) {
  const BlastRadius radius = RadiusOf({{10, {"user.behavior"}},
                                       {100, {"user.contact.email", "user.name"}},
                                       {5, {"user.behavior"}},
                                       {1000, {}}});
  ASSERT_EQ(radius.lines.size(), 3U);
  EXPECT_EQ(radius.lines[0].points(), 4500U);  // 100 x (30 + 15)
  EXPECT_EQ(radius.lines[1].points(), 75U);    // 15 x 5: nobody can be written to
  EXPECT_EQ(radius.lines[2].points(), 0U);
  EXPECT_EQ(radius.subjects, 1115U);
  EXPECT_EQ(radius.points, 4575U);
}

TEST(BlastRadiusTest, APolicysClassesAreWhatItCouldLetThrough) {
  const Policy policy =
      PolicyOf(Vendor("acme", "identities = [\"$email\"]\nidentity_purpose = \"x\"\n",
                      "name = \"*\"\nplain = [\"$os\"]\ntoken = [\"company\"]\n"));
  EXPECT_EQ(ClassesOf(policy.vendors.at("acme"), {}),
            (std::set<std::string>{"user.behavior", "user.contact.email", "user.device.telemetry",
                                   "user.unique_id"}));
  // A glob opens nothing that the vault alone has.
  EXPECT_FALSE(ClassesOfStore({}).contains("user.contact.email"));
  EXPECT_TRUE(ClassesOfStore({}).contains("user.location.coarse"));
}

ReachBounds Rise(uint32_t percent) { return {percent, std::nullopt}; }
ReachBounds Most(uint32_t points) { return {std::nullopt, points}; }

// Points by hand from the table in docs/vendors.md.
TEST(PolicyRadiusTest, PointsOfATable) {
  struct Case {
    std::string keys, events;
    uint32_t points;
  };
  const std::string email = "identities = [\"$email\"]\nidentity_purpose = \"x\"\n";
  const std::vector<Case> cases = {
      {"", "name = \"Paid\"\n", 1 + 1 + 3},
      {"", "name = \"Paid*\"\n", 5 + 1 + 3},
      {"", "name = \"*\"\n", 10 + 1 + 3},
      {"time = \"exact\"\n", "name = \"*\"\n", 10 + 12 + 3},
      {"time = \"minute\"\nepoch_days = 1\n", "name = \"*\"\n", 10 + 8 + 1},
      {"epoch_days = 366\n", "name = \"*\"\n", 10 + 1 + 13},
      {"", "name = \"*\"\nplain = [\"colour\"]\n", 10 + 1 + 3 + 2},
      {"", "name = \"*\"\nplain = [\"plan\"]\n", 10 + 1 + 3 + 10},
      {"", "name = \"*\"\ncoarse = [\"plan\"]\n", 10 + 1 + 3 + 5},
      {"", "name = \"*\"\ntoken = [\"plan\"]\n", 10 + 1 + 3 + 1},
      {email, "name = \"*\"\n", 10 + 1 + 3 + 30},
      {email + "share = \"1/2\"\n", "name = \"*\"\n", 22},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(PointsOf(ReachOf(PolicyOf(Vendor("acme", one.keys, one.events)))), one.points)
        << one.keys << one.events;
  }
  const auto points = [](const std::string& events) {
    return PointsOf(ReachOf(PolicyOf(Vendor("acme", "", events))));
  };
  EXPECT_GT(points("name = \"*\"\nplain = [\"*\"]\n"),
            points("name = \"*\"\nplain = [\"plan\", \"$os\", \"$current_url\"]\n"));
}

TEST(PolicyRadiusTest, ARiseIsNamed) {
  const PolicyReach before = ReachOf(PolicyOf(Vendor("acme", "", "name = \"*\"\n")));
  const PolicyReach after =
      ReachOf(PolicyOf(Vendor("acme", "", "name = \"*\"\nplain = [\"plan\", \"colour\"]\n")));
  const ReachComparison worse = CompareReach(before, after, Rise(10));
  ASSERT_EQ(worse.rises.size(), 2U);
  EXPECT_EQ(worse.rises[0].vendor, "acme");
  EXPECT_EQ(worse.rises[0].term, "field plan (plain)");
  EXPECT_EQ(worse.rises[0].after, 10U);
  ASSERT_EQ(worse.excesses.size(), 2U);
  EXPECT_EQ(worse.excesses[0], "acme: 14 -> 26 points, a rise by 85%, more than 10%");
  EXPECT_TRUE(CompareReach(before, after, Rise(86)).excesses.empty());
  EXPECT_TRUE(CompareReach(after, before, Rise(0)).excesses.empty());
  EXPECT_TRUE(CompareReach(after, before, {}).rises.empty());
}

TEST(PolicyRadiusTest, OneVendorsRiseIsNotMadeUpForByAnother) {
  const std::string wide = "name = \"*\"\nplain = [\"plan\"]\n";
  const std::string narrow = "name = \"*\"\n";
  const PolicyReach before = ReachOf(PolicyOf(Vendor("a", "", narrow) + Vendor("b", "", wide)));
  const PolicyReach after = ReachOf(PolicyOf(Vendor("a", "", wide) + Vendor("b", "", narrow)));
  const ReachComparison comparison = CompareReach(before, after, Rise(5));
  EXPECT_EQ(comparison.before, comparison.after);
  ASSERT_EQ(comparison.excesses.size(), 1U);
  EXPECT_EQ(comparison.excesses[0].substr(0, 3), "a: ");
}

TEST(PolicyRadiusTest, FromNothingAndAbsolute) {
  const PolicyReach after = ReachOf(PolicyOf(Vendor("acme", "", "name = \"*\"\n")));
  const ReachComparison added = CompareReach({}, after, Rise(1000));
  EXPECT_EQ(added.excesses.size(), 2U);
  EXPECT_EQ(CompareReach(after, after, Most(14)).excesses.size(), 0U);
  EXPECT_EQ(CompareReach(after, after, Most(13)).excesses.size(), 1U);
  const PolicyReach half = ReachOf(PolicyOf(Vendor("acme", "share = \"1/2\"\n", "name = \"*\"\n")));
  EXPECT_EQ(CompareReach(half, after, {}).rises.size(), 1U);
}

TEST(PolicyRadiusTest, WhoDividesThePeopleReachesAPartOfThem) {
  const std::string event = "name = \"*\"\n";
  const PolicyReach alone = ReachOf(PolicyOf(Vendor("a", "", event)));
  const PolicyReach both = ReachOf(PolicyOf(Vendor("a", "", event) + Vendor("b", "", event)));
  EXPECT_EQ(both.at("a").people_parts, 2U);
  EXPECT_EQ(both.at("a").points(), alone.at("a").points() / 2);
  const PolicyReach all =
      ReachOf(PolicyOf(Vendor("a", "share = \"all\"\n", event) + Vendor("b", "", event)));
  EXPECT_EQ(all.at("a").people_parts, 1U);
  EXPECT_EQ(all.at("b").people_parts, 1U);
  EXPECT_EQ(CompareReach(both, all, {}).rises.size(), 2U);
}

}  // namespace
}  // namespace bulkhead
