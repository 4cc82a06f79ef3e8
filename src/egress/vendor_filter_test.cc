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

std::optional<AllowedMessage> Allow(const VendorPolicy& policy, const Event& event) {
  return AllowEvent(policy, event, event.person);
}

TEST(VendorFilterTest, WhatNothingNamesDoesNotGo) {
  EXPECT_FALSE(Allow(PolicyFor({}), Bought()));
  EXPECT_FALSE(Allow(PolicyFor({{"sold", {}}}), Bought()));
  const auto bare = Allow(PolicyFor({{"bought", {}}}), Bought());
  ASSERT_TRUE(bare);
  EXPECT_TRUE(bare->fields.empty());
  EXPECT_EQ(bare->time_ms, 7'200'000);
}

TEST(VendorFilterTest, TheFirstRuleAndTheFirstFieldCount) {
  const VendorPolicy policy = PolicyFor(
      {{"bou*", {{"amount", FieldForm::kCoarse}, {"*", FieldForm::kPlain}}}, {"bought", {}}});
  const auto allowed = Allow(policy, Bought());
  ASSERT_TRUE(allowed);
  ASSERT_EQ(allowed->fields.size(), 3U);  // never the policy's version
  EXPECT_EQ(allowed->fields[0].value, Value(1200.0));
  EXPECT_EQ(allowed->fields[0].form, FieldForm::kCoarse);
  EXPECT_EQ(allowed->fields[2].value, Value("free text"));
}

TEST(VendorFilterTest, OfWhatCannotBeCoarsenedNothingStays) {
  const auto allowed = Allow(PolicyFor({{"*", {{"*", FieldForm::kCoarse}}}}), Bought());
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
  const Batch once = FilterBatch(policy, batch, {});
  const Batch twice = FilterBatch(policy, once, {});
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
    policies[part - 1].share = PeopleShare::Part(part, 3);
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
      const bool sent = Allow(policies[part], event).has_value();
      EXPECT_EQ(AllowUpdate(policies[part], update, update.subject).has_value(), sent);
      vendors += sent;
      got[part] += sent;
    }
    EXPECT_EQ(vendors, 1);
  }
  for (const int count : got) {
    EXPECT_NEAR(count, 256 / 3.0, 1.5);
  }
  event.person = {};
  EXPECT_TRUE(Allow(policies[0], event) && Allow(policies[2], event));
}

TEST(VendorFilterTest, WhoeverHasADeviceIsPlacedByIt) {
  VendorPolicy acme = PolicyFor({{"*", {}}});
  VendorPolicy zenith = acme;
  acme.share = PeopleShare::Divided("acme", {"zenith"});
  zenith.share = PeopleShare::Divided("zenith", {"acme"});
  Batch batch;
  batch.project = ProjectId{1};
  PlacingIds ids;
  for (uint8_t i = 1; i < 200; ++i) {
    Event event = Bought();
    event.person = SubjectId{{1, i}};
    batch.events.push_back(event);
    ProfileUpdate update;
    update.subject = event.person;
    update.properties = {{"plan", Value("pro")}};
    batch.profile_updates.push_back(update);
    ids[event.person] = SubjectId{{2, i}};
  }
  const Batch here = FilterBatch(acme, batch, ids);
  const Batch there = FilterBatch(zenith, batch, ids);
  EXPECT_EQ(here.events.size() + there.events.size(), 199U);
  EXPECT_EQ(here.profile_updates.size(), here.events.size());
  for (const Event& event : here.events) EXPECT_TRUE(acme.share.Has(ids.at(event.person)));
  EXPECT_NE(here.events.size(), FilterBatch(acme, batch, {}).events.size());
}

TEST(VendorFilterTest, AnotherProjectsEventsDoNotGo) {
  Batch batch;
  batch.project = ProjectId{2};
  batch.events = {Bought()};
  EXPECT_TRUE(FilterBatch(PolicyFor({{"*", {}}}), batch, {}).events.empty());
}

}  // namespace
}  // namespace bulkhead
