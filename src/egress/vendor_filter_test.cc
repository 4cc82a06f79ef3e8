#include "egress/vendor_filter.h"

#include <gtest/gtest.h>

#include <array>

namespace bulkhead {
namespace {

VendorPolicy PolicyFor(std::vector<VendorEvent> events) {
  VendorPolicy policy;
  policy.project = ProjectId{1};
  policy.time = TimePrecision::kHour;
  policy.events = std::move(events);
  policy.profile = {{"plan*", FieldForm::kPlain}};
  return policy;
}

Event Bought() {
  Event event;
  event.name = "bought";
  event.time_ms = 7'200'000 + 1234;
  event.person.bytes[0] = 1;
  event.properties = {{"amount", Value(1234.0)},
                      {"page", Value("https://example.com/orders/77?x=1")},
                      {"note", Value("free text")},
                      {std::string(kPolicyVersionProperty), Value(3.0)}};
  return event;
}

TEST(VendorFilterTest, WhatNothingNamesDoesNotGo) {
  EXPECT_FALSE(AllowEvent(PolicyFor({}), Bought()));
  EXPECT_FALSE(AllowEvent(PolicyFor({{"sold", {}}}), Bought()));
  const auto bare = AllowEvent(PolicyFor({{"bought", {}}}), Bought());
  ASSERT_TRUE(bare);
  EXPECT_TRUE(bare->fields.empty());
  EXPECT_EQ(bare->time_ms, 7'200'000);
}

TEST(VendorFilterTest, TheFirstRuleAndTheFirstFieldCount) {
  const VendorPolicy policy = PolicyFor(
      {{"bou*", {{"amount", FieldForm::kCoarse}, {"*", FieldForm::kPlain}}}, {"bought", {}}});
  const auto allowed = AllowEvent(policy, Bought());
  ASSERT_TRUE(allowed);
  ASSERT_EQ(allowed->fields.size(), 3U);  // never the policy's version
  EXPECT_EQ(allowed->fields[0].value, Value(1200.0));
  EXPECT_EQ(allowed->fields[0].form, FieldForm::kCoarse);
  EXPECT_EQ(allowed->fields[2].value, Value("free text"));
}

TEST(VendorFilterTest, OfWhatCannotBeCoarsenedNothingStays) {
  const auto allowed = AllowEvent(PolicyFor({{"*", {{"*", FieldForm::kCoarse}}}}), Bought());
  ASSERT_TRUE(allowed);
  for (const OutboundField& field : allowed->fields) {
    EXPECT_NE(field.name, "note");
  }
}

TEST(VendorFilterTest, FilteringTwiceChangesNothing) {
  Batch batch;
  batch.project = ProjectId{1};
  batch.events = {Bought()};
  ProfileUpdate update;
  update.subject.bytes[0] = 9;
  update.properties = {{"plan", Value("pro")}, {"email", Value("x")}};
  ProfileUpdate group = update;
  group.group_key = "company";
  ProfileUpdate removal = update;
  removal.op = ProfileOperator::kUnset;
  batch.profile_updates = {update, group, removal};
  batch.sealed = "box";
  const VendorPolicy policy =
      PolicyFor({{"*", {{"amount", FieldForm::kCoarse}, {"page", FieldForm::kToken}}}});
  const Batch once = FilterBatch(policy, batch);
  const Batch twice = FilterBatch(policy, once);
  ASSERT_EQ(once.events.size(), 1U);
  ASSERT_EQ(once.profile_updates.size(), 1U);
  EXPECT_EQ(once.profile_updates[0].properties, (ValueObject{{"plan", Value("pro")}}));
  EXPECT_EQ(once.sealed, "");
  EXPECT_EQ(once.events[0].properties, twice.events[0].properties);
  EXPECT_EQ(once.events[0].time_ms, twice.events[0].time_ms);
}

TEST(VendorFilterTest, SharesArePartsOfThePeopleAndNobodyIsInTwo) {
  VendorPolicy policies[3];
  std::array<int, 3> got{};
  for (uint32_t part = 1; part <= 3; ++part) {
    policies[part - 1] = PolicyFor({{"*", {}}});
    policies[part - 1].share = {part, 3};
  }
  Event event = Bought();
  for (int i = 0; i < 256; ++i) {
    event.person.bytes[0] = static_cast<uint8_t>(i);
    event.person.bytes[1] = 1;
    ProfileUpdate update;
    update.subject = event.person;
    update.properties = {{"plan", Value("pro")}};
    int vendors = 0;
    for (size_t part = 0; part < 3; ++part) {
      const bool sent = AllowEvent(policies[part], event).has_value();
      EXPECT_EQ(AllowUpdate(policies[part], update).has_value(), sent);
      vendors += sent;
      got[part] += sent;
    }
    EXPECT_EQ(vendors, 1);
  }
  for (const int count : got) {
    EXPECT_NEAR(count, 256 / 3.0, 1.5);
  }
  event.person = {};
  EXPECT_TRUE(AllowEvent(policies[0], event) && AllowEvent(policies[2], event));
}

TEST(VendorFilterTest, SharesOverlapWhereOnePersonCanBeInBoth) {
  EXPECT_TRUE((PeopleShare{1, 2}).Overlaps({1, 3}));
  EXPECT_TRUE((PeopleShare{1, 2}).Overlaps({2, 3}));
  EXPECT_FALSE((PeopleShare{1, 2}).Overlaps({3, 3}));
  EXPECT_FALSE((PeopleShare{2, 2}).Overlaps({1, 2}));
  EXPECT_FALSE((PeopleShare{1, 2}).Overlaps({3, 4}));
  EXPECT_TRUE((PeopleShare{}).Overlaps({100, 100}));
}

TEST(VendorFilterTest, AnotherProjectsEventsDoNotGo) {
  Batch batch;
  batch.project = ProjectId{2};
  batch.events = {Bought()};
  EXPECT_TRUE(FilterBatch(PolicyFor({{"*", {}}}), batch).events.empty());
}

}  // namespace
}  // namespace bulkhead
