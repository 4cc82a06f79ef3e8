#include "egress/shared_subjects.h"

#include <algorithm>
#include <set>

#include "egress/ledger_fixture.h"

namespace bulkhead {
namespace {

const std::vector<std::string> kVendors = {"a-vendor", "b-vendor", "c-vendor", "none"};

std::set<SubjectId> SubjectsOf(const NaiveLedger& naive, const std::string& vendor) {
  std::set<SubjectId> subjects;
  for (const auto& [subject, fields] : naive.Subjects(AllOf(vendor))) subjects.insert(subject);
  subjects.erase(SubjectId());
  return subjects;
}

std::set<SubjectId> Both(const std::set<SubjectId>& a, const std::set<SubjectId>& b) {
  std::set<SubjectId> both;
  std::ranges::set_intersection(a, b, std::inserter(both, both.end()));
  return both;
}

void ExpectSameCounts(const Ledger& ledger, const NaiveLedger& naive, size_t most_bytes) {
  SharedCounts expected;
  for (size_t i = 0; i < kVendors.size(); ++i) {
    for (size_t j = i + 1; j < kVendors.size(); ++j) {
      const size_t both =
          Both(SubjectsOf(naive, kVendors[i]), SubjectsOf(naive, kVendors[j])).size();
      if (both != 0) expected[{kVendors[i], kVendors[j]}] = both;
    }
  }
  const Result<SharedCounts> counted = CountSharedSubjects(ledger, kVendors, most_bytes);
  ASSERT_TRUE(counted) << counted.error().message;
  EXPECT_EQ(*counted, expected);
}

void ExpectSameFound(const Ledger& ledger, const NaiveLedger& naive, uint32_t subjects) {
  std::vector<SubjectId> asked;
  for (uint32_t i = 0; i < subjects + 20; ++i) asked.push_back(LedgerSubject(i));
  std::ranges::sort(asked);
  const std::vector<std::string> vendors = {"a-vendor", "c-vendor"};
  std::set<SubjectId> known = SubjectsOf(naive, "a-vendor");
  known.merge(SubjectsOf(naive, "c-vendor"));
  const std::set<SubjectId> expected = Both(known, {asked.begin(), asked.end()});
  const Result<std::vector<SubjectId>> found = SubjectsSentTo(ledger, vendors, asked);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(*found, std::vector<SubjectId>(expected.begin(), expected.end()));
  EXPECT_TRUE(SubjectsSentTo(ledger, {}, asked)->empty());
}

TEST(SharedSubjects, AreThoseOfTheLedgersSimplestForm) {
  for (uint64_t seed = 0; seed < 12 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const uint32_t subjects = seed % 2 == 0 ? 12 : 3000;
    FaultyFileSystem fs;
    RandomSends random(seed, subjects);
    NaiveLedger naive;
    std::unique_ptr<Ledger> ledger = OpenLedger(fs);
    for (int step = 0; step < 60; ++step) {
      const LedgerBatch batch = random.Next(40);
      naive.Record(batch);
      ASSERT_TRUE(ledger->Record(batch));
      if (random.Below(10) == 0) {
        ASSERT_TRUE(ledger->Fold());
      } else if (random.Below(10) == 0) {
        const std::vector<SubjectId> gone = random.Subjects(subjects / 8 + 1);
        naive.Forget(gone);
        ASSERT_TRUE(ledger->Forget(gone));
      }
    }
    ExpectSameCounts(*ledger, naive, size_t{1} << 20);
    ExpectSameCounts(*ledger, naive, 100);  // as many passes as that takes
    ExpectSameFound(*ledger, naive, subjects);
  }
}

TEST(SharedSubjects, AreOfOneEpochWhereThatIsAsked) {
  FaultyFileSystem fs;
  const std::unique_ptr<Ledger> ledger = OpenLedger(fs);
  const std::vector<SentFields> fields = {{{"plan", FieldForm::kPlain}}};
  ASSERT_TRUE(ledger->Record({"a-vendor", 1, 20'000, 1, fields, {{LedgerSubject(1), 0}}}));
  ASSERT_TRUE(ledger->Fold());
  ASSERT_TRUE(ledger->Record({"a-vendor", 2, 20'001, 2, fields, {{LedgerSubject(2), 0}}}));
  const auto scanned = [&](std::optional<uint32_t> epoch) {
    std::set<SubjectId> subjects;
    EXPECT_TRUE(ledger->ScanSubjects("a-vendor", epoch, [&](std::span<const SubjectId> block) {
      subjects.insert(block.begin(), block.end());
    }));
    return subjects;
  };
  EXPECT_EQ(scanned(1), std::set<SubjectId>{LedgerSubject(1)});
  EXPECT_EQ(scanned(2), std::set<SubjectId>{LedgerSubject(2)});
  EXPECT_EQ(scanned(std::nullopt).size(), 2U);
  EXPECT_TRUE(scanned(3).empty());
}

}  // namespace
}  // namespace bulkhead
