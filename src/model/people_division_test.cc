#include "model/people_division.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

namespace bulkhead {
namespace {

constexpr int kPeople = 30'000;

std::vector<SubjectId> People() {
  std::mt19937_64 random(20251109);
  std::vector<SubjectId> people(kPeople);
  for (SubjectId& person : people) {
    for (uint8_t& byte : person.bytes) byte = static_cast<uint8_t>(random());
  }
  return people;
}

VendorPolicies Dividing(const std::vector<std::string>& names, uint32_t project = 1) {
  VendorPolicies policies;
  for (const std::string& name : names) policies[name].project = ProjectId{project};
  DividePeople(&policies);
  return policies;
}

// The one vendor that has them; empty: none or several.
std::string VendorOf(const VendorPolicies& policies, const SubjectId& person) {
  std::string found;
  for (const auto& [name, policy] : policies) {
    if (!policy.share.Has(person)) continue;
    if (!found.empty()) return "";
    found = name;
  }
  return found;
}

TEST(PeopleDivision, EveryPersonIsAtOneVendorInEqualParts) {
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{"acme"},
        {"acme", "zenith"},
        {"a", "b", "c"},
        {"v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10"}}) {
    const VendorPolicies policies = Dividing(names);
    std::map<std::string, int> counts;
    for (const SubjectId& person : People()) ++counts[VendorOf(policies, person)];
    EXPECT_EQ(counts.size(), names.size());
    for (const std::string& name : names) {
      const double expected = kPeople / static_cast<double>(names.size());
      EXPECT_NEAR(counts[name], expected, 5 * std::sqrt(expected)) << name;
      EXPECT_EQ(policies.at(name).share.parts(), names.size());
    }
  }
}

TEST(PeopleDivision, AFurtherVendorTakesFromEachAndMovesNobodyElse) {
  const VendorPolicies before = Dividing({"acme", "lake", "zenith"});
  const VendorPolicies after = Dividing({"acme", "lake", "middle", "zenith"});
  std::map<std::string, int> taken;
  for (const SubjectId& person : People()) {
    const std::string now = VendorOf(after, person);
    const std::string was = VendorOf(before, person);
    if (now == "middle") ++taken[was];
    if (now != "middle") {
      EXPECT_EQ(now, was);
    }
  }
  ASSERT_EQ(taken.size(), 3U);
  for (const auto& [name, count] : taken) EXPECT_NEAR(count, kPeople / 12.0, 250) << name;
}

// Whoever changes this moves people from vendor to vendor, and two of them then have the same ones.
TEST(PeopleDivision, StaysAsItIs) {
  const VendorPolicies policies = Dividing({"acme", "lake", "zenith"});
  std::string places;
  for (uint8_t i = 0; i < 40; ++i) {
    const SubjectId person{{i, static_cast<uint8_t>(7 * i), 3, 4, 5, 6, 7, 8, 9}};
    places += VendorOf(policies, person).substr(0, 1);
  }
  EXPECT_EQ(places, "lzalzlzlazzlzzaaalzzazzazlaalzlazaazazla");
}

TEST(PeopleDivision, ItHangsOnNoShareByNumbers) {
  const VendorPolicies policies = Dividing({"acme", "zenith"});
  int both = 0;
  for (const SubjectId& person : People()) {
    both += PeopleShare::Part(1, 2).Has(person) && policies.at("acme").share.Has(person);
  }
  EXPECT_NEAR(both, kPeople / 4.0, 400);
}

TEST(PeopleDivision, NobodyIsEverywhere) {
  for (const auto& [name, policy] : Dividing({"a", "b", "c"})) {
    EXPECT_TRUE(policy.share.Has(SubjectId()));
  }
}

TEST(PeopleShare, OverlapsWhereOnePersonCanBeInBoth) {
  const auto part = [](uint32_t one, uint32_t of) { return PeopleShare::Part(one, of); };
  EXPECT_TRUE(part(1, 2).Overlaps(part(1, 3)));
  EXPECT_TRUE(part(1, 2).Overlaps(part(2, 3)));
  EXPECT_FALSE(part(1, 2).Overlaps(part(3, 3)));
  EXPECT_FALSE(part(2, 2).Overlaps(part(1, 2)));
  EXPECT_FALSE(part(1, 2).Overlaps(part(3, 4)));
  EXPECT_TRUE(PeopleShare::All().Overlaps(part(100, 100)));
  EXPECT_TRUE(PeopleShare::All().Overlaps(PeopleShare::All()));
  const PeopleShare acme = PeopleShare::Divided("acme", {"zenith"});
  const PeopleShare zenith = PeopleShare::Divided("zenith", {"acme"});
  EXPECT_FALSE(acme.Overlaps(zenith));
  EXPECT_FALSE(zenith.Overlaps(acme));
  EXPECT_TRUE(acme.Overlaps(part(2, 2)));
  EXPECT_TRUE(part(2, 2).Overlaps(acme));
  EXPECT_TRUE(acme.Overlaps(PeopleShare::All()));
  // Of another project, or by a policy that the other vendor does not go by yet.
  EXPECT_TRUE(acme.Overlaps(PeopleShare::Divided("lake", {})));
  EXPECT_TRUE(acme.Overlaps(PeopleShare::Divided("lake", {"acme"})));
}

TEST(PeopleDivision, IsToldInWords) {
  VendorPolicies policies = Dividing({"acme", "zenith"});
  EXPECT_EQ(DivisionInWords(policies),
            (std::vector<std::string>{"acme and zenith divide the people of project 1: each gets "
                                      "about half; share = \"all\" gives a vendor everybody"}));
  EXPECT_EQ(DividesWith(policies, "acme"), std::vector<std::string>{"zenith"});
  EXPECT_TRUE(GetsSamePeopleAs(policies, "acme").empty());
  policies["lake"].project = ProjectId{1};
  policies["lake"].share = PeopleShare::All();
  policies["other"].project = ProjectId{2};
  DividePeople(&policies);
  EXPECT_TRUE(DividesWith(policies, "lake").empty());
  EXPECT_TRUE(DividesWith(policies, "nobody").empty());
  EXPECT_EQ(GetsSamePeopleAs(policies, "acme"), (std::vector<std::string>{"lake", "other"}));
  const std::vector<std::string> lines = DivisionInWords(policies);
  EXPECT_NE(std::ranges::find(lines,
                              "other gets all people of project 2, until another vendor divides "
                              "them with it"),
            lines.end());
  EXPECT_NE(std::ranges::find(lines, "lake gets all people of project 1, whatever others get"),
            lines.end());
  EXPECT_NE(std::ranges::find(
                lines, "acme gets people that lake and other get too: what they do joins them"),
            lines.end());
  EXPECT_NE(DivisionInWords(Dividing({"a", "b", "c"}))[0].find("a, b and c divide"),
            std::string::npos);
}

}  // namespace
}  // namespace bulkhead
