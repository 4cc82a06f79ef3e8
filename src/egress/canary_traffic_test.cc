// Whether canaries can be told from real subjects by whoever has the vendor's whole data, and
// whether the search would find canaries that are worse made.
#include "egress/canary_traffic.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>

#include "base/faulty_file_system.h"
#include "base/sanitized.h"
#include "egress/canary_flock.h"
#include "egress/canary_ids.h"
#include "egress/canary_search.h"

namespace bulkhead {
namespace {

constexpr size_t kSubjects = 4000;
constexpr int kDays = 30;

class CanaryTrafficTest : public testing::Test {
 protected:
  CanaryTrafficTest() {
    InitCrypto();
    keys_.Add(1, RandomSecret(kKeyBytes));
    policy_.canaries = 50;
    policy_.time = TimePrecision::kExact;
    epoch_.number = 1;
  }

  // What a vendor has in the end, by subject. `seed`: of the traffic and of the epoch's key.
  std::vector<SearchedSubject> SendThroughFlock(const MadeUpTraffic& traffic, uint64_t seed) {
    epoch_.key = SecretBytes(fmt::format("{:032}", seed));
    FaultyFileSystem fs;
    EXPECT_TRUE(fs.CreateDirs("v"));
    Result<CanaryFlock> flock = CanaryFlock::Open({&fs, "v/canaries", "acme", &keys_});
    EXPECT_TRUE(flock);
    std::map<SubjectId, SearchedSubject> subjects;
    uint64_t position = 0;
    for (const Event& event : traffic.events()) {
      Batch batch;
      batch.arrival_ms = event.time_ms + 2000;
      batch.events = {event};
      batch.events[0].time_ms = CoarsenTime(event.time_ms, policy_.time);
      const Result<void> woven = flock->Weave(policy_, epoch_, ++position, &batch);
      EXPECT_TRUE(woven) << woven.error().message;
      for (Event& sent : batch.events) {
        const SubjectId person = sent.person;
        subjects[person].canary = CanaryNumber(person).has_value();
        subjects[person].events.push_back(std::move(sent));
      }
    }
    std::vector<SearchedSubject> all;
    for (auto& [person, subject] : subjects) all.push_back(std::move(subject));
    return all;
  }

  // Real subjects as they are, and canaries that `make` makes of some of them.
  template <typename Make>
  static std::vector<SearchedSubject> WithNaive(const MadeUpTraffic& traffic, const Make& make) {
    std::map<SubjectId, SearchedSubject> subjects;
    for (const Event& event : traffic.events()) subjects[event.person].events.push_back(event);
    std::vector<SearchedSubject> all;
    size_t place = 0;
    for (auto& [person, subject] : subjects) {
      if (place++ % 100 == 0) all.push_back({true, make(subject.events)});
      all.push_back(std::move(subject));
    }
    return all;
  }

  struct Found {
    double area = 0;
    size_t canaries = 0;
    double best_feature = 0;  // the area of the feature that tells most
  };
  static Found Search(std::vector<SearchedSubject> subjects) {
    CanarySearch search(std::move(subjects));
    const std::vector<bool> labels = search.labels();
    Found found;
    found.canaries = static_cast<size_t>(std::ranges::count(labels, true));
    found.area = AreaUnderCurve(LearntScores(search.features(), labels, 7), labels);
    std::string best;
    for (size_t f = 0; f < search.feature_names().size(); ++f) {
      std::vector<double> scores;
      for (const auto& row : search.features()) scores.push_back(row[f]);
      const double area = AreaUnderCurve(scores, labels);
      if (std::max(area, 1 - area) > found.best_feature) {
        found.best_feature = std::max(area, 1 - area);
        best = search.feature_names()[f];
      }
    }
    fmt::print("{} canaries among {}: area {:.3f}; by one number at most {:.3f} ({})\n",
               found.canaries, labels.size(), found.area, found.best_feature, best);
    return found;
  }

  KeyRing keys_;
  VendorPolicy policy_;
  VendorEpoch epoch_;
};

TEST_F(CanaryTrafficTest, NobodyFindsThem) {
  if (kSanitized) {
    GTEST_SKIP() << "a statistic over much traffic: another build has the same numbers";
  }
  double sum = 0;
  constexpr int kRuns = 3;
  for (uint64_t seed = 1; seed <= kRuns; ++seed) {
    const MadeUpTraffic traffic(kSubjects, kDays, seed);
    const Found found = Search(SendThroughFlock(traffic, seed));
    EXPECT_GT(found.canaries, 20U);
    sum += found.area;
  }
  EXPECT_LT(sum / kRuns, 0.6);  // of 35 canaries chance alone has 0.05 either way
}

TEST_F(CanaryTrafficTest, CopiesAreFound) {
  if (kSanitized) {
    GTEST_SKIP() << "a statistic over much traffic: another build has the same numbers";
  }
  const MadeUpTraffic traffic(kSubjects, kDays, 1);
  EXPECT_GT(Search(WithNaive(traffic, [](std::vector<Event> events) { return events; })).area, 0.9);
}

TEST_F(CanaryTrafficTest, ASteadyRateIsFound) {
  if (kSanitized) {
    GTEST_SKIP() << "a statistic over much traffic: another build has the same numbers";
  }
  const MadeUpTraffic traffic(kSubjects, kDays, 1);
  const auto steady = [](std::vector<Event> events) {
    const int64_t first = events.front().time_ms;
    const int64_t step = (events.back().time_ms - first) / static_cast<int64_t>(events.size());
    for (size_t i = 0; i < events.size(); ++i) {
      events[i].time_ms = first + 137'531 + static_cast<int64_t>(i) * step;
    }
    return events;
  };
  EXPECT_GT(Search(WithNaive(traffic, steady)).area, 0.8);
}

}  // namespace
}  // namespace bulkhead
