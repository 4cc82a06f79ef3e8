#include "incident/incident_record.h"

#include <gtest/gtest.h>

#include <string>

#include "incident/incident_versions_fixture.h"

namespace bulkhead {
namespace {

TEST(IncidentRecordTest, WhatIsWrittenIsReadAndNothingElse) {
  const std::string bytes = EncodeIncidentVersion(FullVersion(2));
  const auto version = DecodeIncidentVersion(bytes);
  ASSERT_TRUE(version);
  EXPECT_EQ(EncodeIncidentVersion(*version), bytes);
  EXPECT_EQ(version->window.epoch, 2U);
  EXPECT_EQ(version->exposure.residence, FullVersion().exposure.residence);
  EXPECT_FALSE(version->facts.answers.at("logs").yes.has_value());
  EXPECT_EQ(version->facts.moments.at(DisclosureMoment::kPublic).source, "asked");
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeIncidentVersion(bytes.substr(0, size))) << size;
  }
  EXPECT_FALSE(DecodeIncidentVersion(bytes + '\0'));
}

TEST(IncidentRecordTest, OtherSpellingsOfTheSameAreRefused) {
  IncidentFacts facts;
  facts.roles = {"a", "b"};
  std::string bytes = EncodeIncidentFacts(facts);
  ASSERT_TRUE(DecodeIncidentFacts(bytes));
  const size_t a = bytes.find('a');
  std::swap(bytes[a], bytes[a + 2]);  // not in order
  EXPECT_FALSE(DecodeIncidentFacts(bytes));
  std::swap(bytes[a], bytes[a + 2]);
  bytes[bytes.size() - 9] = 7;  // a risk that is none
  EXPECT_FALSE(DecodeIncidentFacts(bytes));
}

TEST(IncidentRecordTest, NamesOfIncidents) {
  EXPECT_TRUE(IsIncidentId("2025-11-26-1"));
  EXPECT_TRUE(IsIncidentId("2025-11-26-12"));
  for (const char* wrong :
       {"2025-11-26", "2025-11-26-", "2025-11-26-0", "2025-11-26-01", "2025-02-30-1",
        "2025-11-26-1x", "2025-11-26-1/../x", "", "2025-11-26-1234567"}) {
    EXPECT_FALSE(IsIncidentId(wrong)) << wrong;
  }
}

TEST(IncidentRecordTest, FactsNeedSourcesAndKnownNames) {
  EXPECT_FALSE(FaultOfFacts(FullVersion().facts).has_value());
  IncidentFacts facts = FullVersion().facts;
  facts.moments[DisclosureMoment::kOccurred] = {1, ""};
  EXPECT_TRUE(FaultOfFacts(facts).has_value());
  facts = FullVersion().facts;
  facts.answers["how so"] = {true, "mail"};
  EXPECT_TRUE(FaultOfFacts(facts).has_value());
  facts = FullVersion().facts;
  facts.classes["plan"] = "user.wealth";
  EXPECT_TRUE(FaultOfFacts(facts).has_value());
  facts = FullVersion().facts;
  facts.measures.emplace_back(kMaxIncidentTextBytes + 1, 'x');
  EXPECT_TRUE(FaultOfFacts(facts).has_value());
}

}  // namespace
}  // namespace bulkhead
