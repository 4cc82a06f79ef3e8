#include "main/incident_gather.h"

#include <gtest/gtest.h>

#include <map>

#include "egress/naive_ledger.h"
#include "incident/calendar.h"

namespace bulkhead {
namespace {

constexpr int32_t kDay = 20'400;

class IncidentGatherTest : public testing::Test {
 protected:
  static IncidentVersion Of(IncidentKind kind, const std::string& party) {
    IncidentVersion version;
    version.origin.kind = kind;
    version.origin.party = party;
    version.project = 1;
    version.window.first_day = kDay;
    version.window.last_day = kDay + 1;
    return version;
  }
  static ShownEntry Entry(uint64_t index, const std::string& action,
                          const std::vector<uint32_t>& subjects) {
    ShownEntry entry;
    entry.index = index;
    entry.ts_ms = kDay * kDayMs;
    entry.action = action;
    for (const uint32_t number : subjects) entry.subjects.push_back(LedgerSubject(number));
    return entry;
  }
  Result<std::unique_ptr<ExposureSource>> Gather(IncidentVersion* version) {
    const GatherParts parts{nullptr,
                            [this](const ShownRequest& request) -> Result<ShownPage> {
                              asked_.push_back(request);
                              return pages_.at(std::min(asked_.size(), pages_.size()) - 1);
                            },
                            [this](const HoldingsRequest& request) -> Result<HoldingsPage> {
                              core_asked_.push_back(request);
                              return held_;
                            },
                            [this](const HoldingsCall& call) -> Result<HoldingsAnswer> {
                              vault_asked_.push_back(call);
                              return identities_;
                            }};
    return GatherExposure(parts, "root", version);
  }

  std::vector<ShownPage> pages_{1};
  std::vector<ShownRequest> asked_;
  HoldingsPage held_;
  std::vector<HoldingsRequest> core_asked_;
  HoldingsAnswer identities_;
  std::vector<HoldingsCall> vault_asked_;
};

TEST_F(IncidentGatherTest, AMembersEntriesPageByPage) {
  ShownEntry reveal = Entry(3, "reveal", {1, 2});
  reveal.fields = {"$email"};
  pages_ = {{{reveal}, ShownPlace{3, 2}, true},
            {{Entry(3, "reveal", {4}), Entry(9, "stream/query", {1})}, std::nullopt, true}};
  pages_[1].entries[0].fields = {"$email"};
  pages_[1].entries[0].forgotten = 1;
  IncidentVersion version = Of(IncidentKind::kMember, "ann");
  const auto source = Gather(&version);
  ASSERT_TRUE(source) << source.error().message;
  const auto exposure = (*source)->Ask();
  EXPECT_EQ(exposure->subjects, 3U);
  EXPECT_EQ(exposure->sends, 4U);
  ASSERT_EQ(version.origin.reads.size(), 2U);
  EXPECT_EQ(version.origin.reads[0].subjects, 3U);  // both parts are one read
  EXPECT_EQ(version.origin.reads[1].entry, 9U);
  EXPECT_EQ(version.origin.remarks.size(), 1U);
  EXPECT_EQ(asked_[0].asker, "root");
  EXPECT_EQ(asked_[0].query.actor, "ann");
  EXPECT_EQ(asked_[0].query.from_ms, kDay * kDayMs);
  EXPECT_EQ(asked_[0].query.to_ms, (kDay + 2) * kDayMs);
  EXPECT_EQ(asked_[1].from, (ShownPlace{3, 2}));
  EXPECT_EQ(exposure->fields.at(0).field, (SentField{"$email", FieldForm::kIdentity}));
  EXPECT_EQ(exposure->fields.at(0).sends, 3U);
}

TEST_F(IncidentGatherTest, WhoeverTheLogDoesNotKnowIsNotFound) {
  IncidentVersion version = Of(IncidentKind::kMember, "ann");
  EXPECT_EQ(Gather(&version).error().code, ErrorCode::kNotFound);
  pages_[0].known = true;
  EXPECT_TRUE(Gather(&version));
  version = Of(IncidentKind::kExport, "ab12");  // known, and nothing was given
  EXPECT_EQ(Gather(&version).error().code, ErrorCode::kNotFound);
  version = Of(IncidentKind::kExport, "entry 1x");
  EXPECT_EQ(Gather(&version).error().code, ErrorCode::kInvalid);
}

TEST_F(IncidentGatherTest, AnExportThatNamesNobodyIsEverybodyOfItsDays) {
  ShownEntry entry = Entry(7, "export", {});
  entry.set = ShownSet::kInScope;
  entry.project = 2;
  entry.scope = "2025-11-01 to 2025-11-03, all events";
  pages_ = {{{entry}, std::nullopt, true}};
  held_.fields = {{"plan", FieldForm::kPlain}};
  held_.sets = {{0}, {}};
  held_.subjects = {{LedgerSubject(1), 0}, {LedgerSubject(2), 1}};
  IncidentVersion version = Of(IncidentKind::kExport, "entry 7");
  const auto source = Gather(&version);
  ASSERT_TRUE(source);
  EXPECT_EQ((*source)->Ask()->subjects, 2U);
  EXPECT_EQ((*source)->Ask()->fields.at(0).subjects, 1U);
  EXPECT_TRUE(version.origin.remarks.empty());
  EXPECT_EQ(core_asked_.at(0).project.value, 2U);
  EXPECT_EQ(core_asked_[0].first_day, *ReadDay("2025-11-01"));
  EXPECT_EQ(core_asked_[0].last_day, *ReadDay("2025-11-03"));
  EXPECT_EQ(asked_[0].query.entry, 7U);
  EXPECT_EQ(version.window.first_day, kDay);  // the day of the entry
  EXPECT_EQ(version.window.last_day, kDay);
  for (const char* scope :
       {"2025-11-01 to 2025-11-03, 2 event names", "2025-11-01 to 2025-11-03, all events, limit 7",
        "all persons, page 0"}) {
    pages_[0].entries[0].scope = scope;
    ASSERT_TRUE(Gather(&version));
    EXPECT_EQ(version.origin.remarks.size(), 1U) << scope;
  }
}

TEST_F(IncidentGatherTest, OurselvesIsEachPartOrAllOfThem) {
  held_.fields = {{"plan", FieldForm::kPlain}};
  held_.sets = {{0}};
  held_.subjects = {{LedgerSubject(1), 0}, {LedgerSubject(2), 0}};
  held_.records = 9;
  held_.totals = {{0, 5, kDay, kDay + 1}};
  identities_.subjects = {{LedgerSubject(2), {"$email", "$name"}}, {LedgerSubject(3), {"$email"}}};
  std::map<std::string, std::pair<uint64_t, uint64_t>> counts;  // subjects, records
  for (const char* part : {"core", "vault", "intake", "everything"}) {
    IncidentVersion version = Of(IncidentKind::kOurselves, part);
    const auto source = Gather(&version);
    ASSERT_TRUE(source);
    counts[part] = {(*source)->Ask()->subjects, (*source)->Ask()->sends};
  }
  EXPECT_EQ(counts["core"], (std::pair<uint64_t, uint64_t>(2, 9)));
  EXPECT_EQ(counts["vault"], (std::pair<uint64_t, uint64_t>(2, 3)));
  EXPECT_EQ(counts["intake"], (std::pair<uint64_t, uint64_t>(2, 9)));
  EXPECT_EQ(counts["everything"], (std::pair<uint64_t, uint64_t>(3, 12)));
  EXPECT_EQ(vault_asked_.size(), 2U);
  EXPECT_EQ(vault_asked_[0].asker.actor, "root");
}

TEST_F(IncidentGatherTest, PagesThatDoNotGoOnEnd) {
  pages_ = {{{}, ShownPlace{0, 0}, true}};
  IncidentVersion member = Of(IncidentKind::kMember, "ann");
  EXPECT_EQ(Gather(&member).error().code, ErrorCode::kCorruption);
  held_.sets = {{}};
  held_.subjects = {{LedgerSubject(1), 0}};
  held_.more = true;
  IncidentVersion core = Of(IncidentKind::kOurselves, "core");
  EXPECT_EQ(Gather(&core).error().code, ErrorCode::kCorruption);
  identities_ = {{{LedgerSubject(1), {"$email"}}}, true};
  IncidentVersion vault = Of(IncidentKind::kOurselves, "vault");
  EXPECT_EQ(Gather(&vault).error().code, ErrorCode::kCorruption);
}

}  // namespace
}  // namespace bulkhead
