#include "incident/incident_record.h"

#include <gtest/gtest.h>

#include <string>

#include "base/hex.h"
#include "crypto/crypto.h"
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

IncidentVersion MemberVersion() {
  IncidentVersion version = FullVersion();
  version.origin.kind = IncidentKind::kMember;
  version.origin.party = "ann";
  version.origin.leaked = {{"leak.csv", {1, 2, 3}, 10, 9, 8, 7, 6}};
  version.origin.reads = {{17, 1'764'115'200'000, "reveal", 3}};
  version.origin.reads_left_out = 2;
  version.origin.remarks = {"entry 18 names nobody"};
  return version;
}

TEST(IncidentRecordTest, TheSecondFormIsReadAndNothingElse) {
  const std::string bytes = EncodeIncidentVersion(MemberVersion());
  const auto version = DecodeIncidentVersion(bytes);
  ASSERT_TRUE(version);
  EXPECT_EQ(version->origin, MemberVersion().origin);
  EXPECT_EQ(PartyText(*version), "ann");
  const std::string first = EncodeIncidentVersion(FullVersion());
  ASSERT_TRUE(bytes.starts_with(first));
  for (size_t size = first.size() + 1; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeIncidentVersion(bytes.substr(0, size))) << size;
  }
  for (const char form : {'\0', '\1', '\3'}) {
    std::string other = bytes;
    other[first.size()] = form;
    EXPECT_FALSE(DecodeIncidentVersion(other));
  }
  // Of a vendor and nothing more has the first form alone.
  EXPECT_FALSE(DecodeIncidentVersion(first + std::string("\x02\0\0\0\0\0\0", 7)));
  std::string unknown = bytes;
  unknown[first.size() + 1] = 5;  // a kind that is none
  EXPECT_FALSE(DecodeIncidentVersion(unknown));
}

// The bytes of a version that was written before there were kinds.
TEST(IncidentRecordTest, WhatWasWrittenBeforeOpensAsOfAVendor) {
  const auto version = DecodeIncidentVersion(EncodeIncidentVersion(FullVersion()));
  ASSERT_TRUE(version);
  EXPECT_EQ(version->origin, IncidentOrigin{});
  EXPECT_EQ(HexEncode(Sha256(EncodeIncidentVersion(FullVersion()))),
            "d2780f6191ca8ec6a2979f1dde17c5050338e6b4f2570cd76511643f71f7b5ec");
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
