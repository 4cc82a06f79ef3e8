#include "main/holdings.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "incident/calendar.h"
#include "main/store_fixture.h"

namespace bulkhead {
namespace {

constexpr int32_t kDay = static_cast<int32_t>(RandomBatches::kStartMs / kDayMs);

class HoldingsTest : public StoreFixture {
 protected:
  void Add(uint32_t who, int32_t day, ValueObject properties) {
    AddEvent(who, (int64_t{kDay} + day) * kDayMs + 1000 + static_cast<int64_t>(added_++),
             std::move(properties));
  }

  struct Held {
    std::map<SubjectId, std::set<SentField>> subjects;
    std::map<SentField, uint64_t> records;
    uint64_t events = 0;
  };
  Held List(int32_t first, int32_t last, size_t most = 1000) {
    Held held;
    HoldingsRequest request{"ann", ProjectId{1}, kDay + first, kDay + last, {}};
    for (bool more = true; more;) {
      const auto page = ListHoldings(store_->snapshot(), request, most, 2);
      EXPECT_TRUE(page);
      const auto decoded = DecodeHoldingsPage(EncodeHoldingsPage(*page));
      EXPECT_TRUE(decoded);
      EXPECT_LE(decoded->subjects.size(), most);
      held.events += decoded->records;
      for (const auto& total : decoded->totals) {
        held.records[decoded->fields[total.field]] += total.records;
      }
      for (const auto& [subject, set] : decoded->subjects) {
        EXPECT_LT(request.after, subject);
        request.after = subject;
        for (const uint32_t place : decoded->sets[set]) {
          held.subjects[subject].insert(decoded->fields[place]);
        }
        held.subjects.try_emplace(subject);
      }
      more = decoded->more;
    }
    return held;
  }

  uint64_t added_ = 0;
};

const SentField kPlan{"plan", FieldForm::kPlain};
const SentField kEmail{"$email", FieldForm::kPlain};
const SentField kSealedEmail{"$email", FieldForm::kToken};

TEST_F(HoldingsTest, WhoHasWhichPropertiesInTheWindow) {
  Add(1, 0, {{"plan", Value("a")}});
  Add(1, 5, {{"$email", Value("<email:sealed>")}});
  Add(2, 1, {{"$email", Value("<email:sealed>")}, {"plan", Value("b")}});
  Add(3, 9, {{"plan", Value("c")}});
  Add(0, 1, {{"plan", Value("of nobody")}});
  Apply();
  Add(4, 1, {});
  Apply();
  const Held held = List(0, 5);
  EXPECT_EQ(held.subjects,
            (std::map<SubjectId, std::set<SentField>>{{TestSubject(1), {kPlan, kSealedEmail}},
                                                      {TestSubject(2), {kPlan, kSealedEmail}},
                                                      {TestSubject(4), {}}}));
  EXPECT_EQ(held.records, (std::map<SentField, uint64_t>{{kPlan, 2}, {kSealedEmail, 2}}));
  EXPECT_EQ(held.events, 4U);
  EXPECT_EQ(List(1, 1).subjects.size(), 2U);
  EXPECT_TRUE(List(20, 30).subjects.empty());
}

TEST_F(HoldingsTest, WhatLooksLikeAPlaceholderIsOneOnlyAsAWhole) {
  Add(1, 0, {{"$email", Value("<email:sealed>")}});
  Add(2, 0, {{"$email", Value("<email:")}});
  Add(3, 0, {{"$email", Value("write to <email:sealed>")}});
  Add(4, 0, {{"$email", Value("=x")}});
  Add(5, 0, {{"$email", Value(1.0)}});
  Apply();
  const Held held = List(0, 0);
  EXPECT_EQ(held.records, (std::map<SentField, uint64_t>{{kSealedEmail, 1}, {kEmail, 4}}));
}

TEST_F(HoldingsTest, ProfilesOfThoseWithEventsCount) {
  Add(1, 0, {{"plan", Value("a")}});
  ProfileUpdate update;
  update.op = ProfileOperator::kSet;
  update.time_ms = RandomBatches::kStartMs;
  for (const uint32_t who : {1U, 2U}) {
    update.subject = TestSubject(who);
    update.properties = {{"seats", Value(3.0)}, {"$name", Value("<name:sealed>")}};
    batch_.profile_updates.push_back(update);
  }
  Apply();
  const Held held = List(0, 0);
  ASSERT_EQ(held.subjects.size(), 1U);
  const std::set<SentField>& fields = held.subjects.at(TestSubject(1));
  EXPECT_TRUE(fields.contains({"seats", FieldForm::kPlain}));
  EXPECT_TRUE(fields.contains({"$name", FieldForm::kToken}));
}

TEST_F(HoldingsTest, ADeviceLinkedSinceCountsAsItsUser) {
  Add(9, 0, {{"plan", Value("a")}});
  Apply();
  Add(1, 0, {});
  batch_.events.back().device = TestSubject(9);
  Apply();
  const Held held = List(0, 0);
  EXPECT_EQ(held.subjects, (std::map<SubjectId, std::set<SentField>>{{TestSubject(1), {kPlan}}}));
}

// Against a plain count, with more properties than are looked at together.
TEST_F(HoldingsTest, PagesOfAnySizeAreTheSameList) {
  std::mt19937 random(3);
  std::map<SubjectId, std::set<SentField>> expected;
  std::map<SentField, uint64_t> records;
  for (int i = 0; i < 2000; ++i) {
    const auto who = static_cast<uint32_t>(1 + random() % 40);
    const auto day = static_cast<int32_t>(random() % 10);
    ValueObject properties;
    for (int property = 0; property < 40; ++property) {
      if (random() % 200 != 0) continue;
      const bool sealed = random() % 3 == 0;
      const SentField field{"p" + std::to_string(property),
                            sealed ? FieldForm::kToken : FieldForm::kPlain};
      properties.emplace_back(field.name, Value(sealed ? "<x:0a>" : "v"));
      if (day < 3 || day > 7) continue;
      expected[TestSubject(who)].insert(field);
      ++records[field];
    }
    if (day >= 3 && day <= 7) expected.try_emplace(TestSubject(who));
    std::ranges::sort(properties, {}, &ValueObject::value_type::first);
    Add(who, day, std::move(properties));
    if (i % 700 == 699) Apply();
  }
  Apply();
  for (const size_t most : {1U, 7U, 39U, 40U, 1000U}) {
    const Held held = List(3, 7, most);
    EXPECT_EQ(held.subjects, expected) << most;
    EXPECT_EQ(held.records, records) << most;
  }
}

TEST_F(HoldingsTest, OtherBytesAreNoCall) {
  const HoldingsRequest request{"ann", ProjectId{1}, 1, 2, TestSubject(3)};
  const std::string bytes = EncodeHoldingsRequest(request);
  EXPECT_EQ(DecodeHoldingsRequest(bytes)->asker, "ann");
  EXPECT_FALSE(DecodeHoldingsRequest(bytes + "x"));
  EXPECT_FALSE(DecodeHoldingsRequest(bytes.substr(1)));
  HoldingsPage page;
  page.sets = {{0}};
  EXPECT_FALSE(DecodeHoldingsPage(EncodeHoldingsPage(page)));  // a field that is not there
  page.sets.clear();
  page.subjects = {{TestSubject(1), 0}};
  EXPECT_FALSE(DecodeHoldingsPage(EncodeHoldingsPage(page)));  // nor is the set
}

}  // namespace
}  // namespace bulkhead
