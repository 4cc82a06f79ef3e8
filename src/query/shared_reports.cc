#include "query/shared_reports.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/limits.h"
#include "query/funnel.h"
#include "query/insights.h"
#include "query/retention.h"
#include "query/suppression.h"

namespace bulkhead {
namespace {

// Equal for equal segments only; "$other" that is somebody's value is another one.
std::string KeyOf(const std::vector<Value>& segment, bool is_other) {
  std::string key = is_other ? "other" : "";
  for (const Value& value : segment) key += ToJson(value) + '\n';
  return key;
}

uint64_t PeopleOf(double value) { return value > 0 ? static_cast<uint64_t>(value) : 0; }

// --- Insights ---

// People behind every metric: by bucket, and last over the whole range.
using Row = std::vector<uint64_t>;

InsightsReport PeopleBehind(const InsightsReport& report) {
  InsightsReport people = report;
  people.formula = nullptr;
  people.formula_text.clear();
  people.segment_limit = limits::kMaxSegmentsInReport;
  for (size_t m = 0; m < people.metrics.size(); ++m) {
    InsightsMetric& metric = people.metrics[m];
    const bool rolling =
        metric.math == Math::kDau || metric.math == Math::kWau || metric.math == Math::kMau;
    if (!rolling) metric.math = Math::kUnique;
    metric.property = {};
    metric.label = std::to_string(m);
  }
  return people;
}

class InsightsShare {
 public:
  InsightsShare(const InsightsResult& people, size_t metrics, uint64_t small_count)
      : small_count_(small_count), people_(metrics) {
    for (const InsightsSeries& series : people.series) {
      Row row;
      for (const double value : series.values) row.push_back(PeopleOf(value));
      row.push_back(PeopleOf(series.overall));
      people_.at(std::stoul(series.metric)).emplace(KeyOf(series.segment, series.is_other), row);
    }
    columns_ = people.dates.size() + 1;
  }

  // Decides for one metric which cells of the shown segments (keys) stay; the last column is the
  // whole range.
  void Decide(size_t metric, const std::vector<std::string>& shown, const std::string& other) {
    Suppression table(small_count_);
    std::vector<std::vector<size_t>> cells;
    for (const std::string& key : shown) {
      const Row row = key == other ? PeopleOfOther(metric, shown) : PeopleOfSegment(metric, key);
      std::vector<size_t>& of_row = cells.emplace_back();
      for (const uint64_t people : row) of_row.push_back(table.AddCell(people));
      table.AddSum({of_row.begin(), of_row.end() - 1}, of_row.back());
    }
    for (size_t column = 0; column < columns_; ++column) {
      std::vector<size_t> of_column;
      for (const auto& row : cells) of_column.push_back(row[column]);
      table.AddSum(std::move(of_column));
    }
    table.Solve();
    for (size_t r = 0; r < shown.size(); ++r) {
      std::vector<bool>& hidden = hidden_[{metric, shown[r]}];
      for (const size_t cell : cells[r]) hidden.push_back(table.IsHidden(cell));
      if (table.IsSmall(cells[r].back())) few_.insert({metric, shown[r]});
    }
  }

  [[nodiscard]] bool IsHidden(size_t metric, const std::string& key, size_t column) const {
    return hidden_.at({metric, key})[column];
  }
  // Even that there is such a segment says something of few people.
  [[nodiscard]] bool IsFew(size_t metric, const std::string& key) const {
    return few_.contains({metric, key});
  }
  [[nodiscard]] size_t columns() const { return columns_; }

 private:
  [[nodiscard]] Row PeopleOfSegment(size_t metric, const std::string& key) const {
    const auto found = people_[metric].find(key);
    return found != people_[metric].end() ? found->second : Row(columns_, 0);
  }
  // At least so many: as in the largest of the segments that it holds.
  [[nodiscard]] Row PeopleOfOther(size_t metric, const std::vector<std::string>& shown) const {
    Row most(columns_, 0);
    for (const auto& [key, row] : people_[metric]) {
      if (std::ranges::find(shown, key) != shown.end()) continue;
      for (size_t c = 0; c < columns_; ++c) most[c] = std::max(most[c], row[c]);
    }
    return most;
  }

  uint64_t small_count_;
  size_t columns_ = 0;
  std::vector<std::map<std::string, Row>> people_;
  std::map<std::pair<size_t, std::string>, std::vector<bool>> hidden_;
  std::set<std::pair<size_t, std::string>> few_;
};

// Hides in one series what any of the metrics behind it may not show; whether it is shown at all.
bool ShareSeries(const InsightsShare& share, const std::vector<size_t>& metrics,
                 InsightsSeries* series) {
  const std::string key = KeyOf(series->segment, series->is_other);
  bool shown = true;
  for (const size_t metric : metrics) {
    shown = shown && !(share.IsFew(metric, key) && !series->segment.empty());
    for (size_t c = 0; c < share.columns(); ++c) {
      if (!share.IsHidden(metric, key, c)) continue;
      (c < series->values.size() ? series->values[c] : series->overall) = kNoValue;
    }
  }
  return shown;
}

// --- Funnels ---

// One funnel's place in the table: which bucket (the empty date is the whole range), which segment.
using FunnelPlace = std::pair<std::string, std::string>;
constexpr const char* kOverall = "overall";

template <typename Result, typename Take>
void ForEachFunnel(Result* result, const Take& take) {
  take(FunnelPlace{"", kOverall}, &result->steps);
  const auto all = [&](const std::string& date, auto* series) {
    for (auto& one : *series) {
      const bool overall = one.segment.empty();
      take(FunnelPlace{date, overall ? kOverall : KeyOf(one.segment, one.is_other)}, &one.steps);
    }
  };
  all("", &result->series);
  for (auto& bucket : result->buckets) all(bucket.date, &bucket.series);
}

class FunnelShare {
 public:
  FunnelShare(const FunnelResult& people, uint64_t small_count) : table_(small_count) {
    ForEachFunnel(&people, [this](const FunnelPlace& place, const auto* steps) {
      std::vector<size_t>& cells = cells_[place];
      if (!cells.empty()) return;
      for (const FunnelStepResult& step : *steps) cells.push_back(table_.AddCell(step.count));
      table_.AddChain(cells);
    });
    AddSums();
    table_.Solve();
  }

  void Hide(const FunnelPlace& place, std::vector<FunnelStepResult>* steps) const {
    const auto found = cells_.find(place);
    const auto hidden = [&](size_t step) {
      return found == cells_.end() || table_.IsHidden(found->second[step]);
    };
    for (size_t s = 0; s < steps->size(); ++s) {
      FunnelStepResult& step = (*steps)[s];
      const bool before_hidden = s > 0 && hidden(s - 1);
      if (hidden(s) || hidden(0)) step.conversion = kNoValue;
      if (hidden(s) || before_hidden) step.step_conversion = kNoValue;
      if (hidden(s)) {
        step.count = kHiddenCount;
        step.from_previous = step.from_start = {};
      }
    }
  }
  [[nodiscard]] bool IsFew(const FunnelPlace& place) const {
    const auto found = cells_.find(place);
    return found == cells_.end() || table_.IsSmall(found->second.front());
  }

 private:
  // Segments add up to the whole, and so do buckets.
  void AddSums() {
    std::map<std::pair<std::string, size_t>, std::vector<size_t>> by_date, by_segment;
    for (const auto& [place, cells] : cells_) {
      for (size_t s = 0; s < cells.size(); ++s) {
        if (place.second != kOverall) by_date[{place.first, s}].push_back(cells[s]);
        if (!place.first.empty()) by_segment[{place.second, s}].push_back(cells[s]);
      }
    }
    for (const auto& [key, cells] : by_date) {
      table_.AddSum(cells, CellAt({key.first, kOverall}, key.second));
    }
    for (const auto& [key, cells] : by_segment) {
      table_.AddSum(cells, CellAt({"", key.first}, key.second));
    }
  }
  [[nodiscard]] size_t CellAt(const FunnelPlace& place, size_t step) const {
    const auto found = cells_.find(place);
    return found != cells_.end() ? found->second[step] : Suppression::kNoCell;
  }

  Suppression table_;
  std::map<FunnelPlace, std::vector<size_t>> cells_;
};

void DropFew(const FunnelShare& share, const std::string& date, std::vector<FunnelSeries>* series) {
  std::erase_if(*series, [&](const FunnelSeries& one) {
    return !one.segment.empty() && share.IsFew({date, KeyOf(one.segment, one.is_other)});
  });
}

// --- Retention ---

// The average over what is shown.
void AverageShown(RetentionResult* result) {
  for (size_t bucket = 0; bucket < result->average.size(); ++bucket) {
    double people = 0, back = 0;
    for (const RetentionCohort& cohort : result->cohorts) {
      const bool shown = cohort.size != kHiddenCount && cohort.counts[bucket] != kHiddenCount;
      if (!shown || bucket >= cohort.complete_buckets) continue;
      people += static_cast<double>(cohort.size);
      back += static_cast<double>(cohort.counts[bucket]);
    }
    result->average[bucket] = people > 0 ? back / people : kNoValue;
  }
}

// The numbers of its cells: the size, then one for each bucket.
std::vector<size_t> AddCohort(const RetentionCohort& cohort, Suppression* table) {
  std::vector<size_t> cells = {table->AddCell(cohort.size)};
  for (const uint64_t count : cohort.counts) {
    cells.push_back(table->AddCell(count));
    table->AddChain({cells.front(), cells.back()});
  }
  return cells;
}

}  // namespace

Result<InsightsResult> RunSharedInsights(const ReportContext& context, const InsightsReport& report,
                                         uint64_t small_count) {
  Result<InsightsResult> result = RunInsights(context, report);
  if (!result) return result;
  const Result<InsightsResult> people = RunInsights(context, PeopleBehind(report));
  if (!people) return people.error();
  InsightsShare share(*people, report.metrics.size(), small_count);
  std::vector<std::string> shown;
  std::string other = "none";
  for (const InsightsSeries& series : result->series) {
    std::string key = KeyOf(series.segment, series.is_other);
    if (series.is_other) other = key;
    if (std::ranges::find(shown, key) == shown.end()) shown.push_back(std::move(key));
  }
  for (size_t m = 0; m < report.metrics.size(); ++m) share.Decide(m, shown, other);
  std::vector<size_t> all(report.metrics.size());
  for (size_t m = 0; m < all.size(); ++m) all[m] = m;
  std::erase_if(result->series, [&](InsightsSeries& series) {
    std::vector<size_t> behind = all;
    if (report.formula == nullptr) {
      std::erase_if(behind, [&](size_t m) { return report.metrics[m].label != series.metric; });
    }
    return !ShareSeries(share, behind, &series);
  });
  return result;
}

Result<FunnelResult> RunSharedFunnel(const ReportContext& context, const FunnelReport& report,
                                     uint64_t small_count) {
  Result<FunnelResult> result = RunFunnel(context, report);
  if (!result) return result;
  FunnelReport by_people = report;
  by_people.count = FunnelCount::kUniques;
  const Result<FunnelResult> people =
      report.count == FunnelCount::kUniques ? *result : RunFunnel(context, by_people);
  if (!people) return people.error();
  const FunnelShare share(*people, small_count);
  ForEachFunnel(&*result, [&](const FunnelPlace& place, std::vector<FunnelStepResult>* steps) {
    share.Hide(place, steps);
  });
  DropFew(share, "", &result->series);
  for (FunnelBucket& bucket : result->buckets) DropFew(share, bucket.date, &bucket.series);
  return result;
}

Result<RetentionResult> RunSharedRetention(const ReportContext& context,
                                           const RetentionReport& report, uint64_t small_count) {
  Result<RetentionResult> result = RunRetention(context, report);
  if (!result) return result;
  Suppression table(small_count);
  std::vector<std::vector<size_t>> cells;
  std::map<std::pair<std::string, size_t>, std::vector<size_t>> by_date, by_segment;
  for (const RetentionCohort& cohort : result->cohorts) {
    cells.push_back(AddCohort(cohort, &table));
    for (size_t c = 0; c < cells.back().size(); ++c) {
      by_date[{cohort.date, c}].push_back(cells.back()[c]);
      by_segment[{KeyOf(cohort.segment, cohort.is_other), c}].push_back(cells.back()[c]);
    }
  }
  for (const auto* sums : {&by_date, &by_segment}) {
    for (const auto& [key, members] : *sums) table.AddSum(members);
  }
  table.Solve();
  for (size_t i = 0; i < cells.size(); ++i) {
    RetentionCohort& cohort = result->cohorts[i];
    if (table.IsHidden(cells[i][0])) cohort.size = kHiddenCount;
    for (size_t b = 0; b < cohort.counts.size(); ++b) {
      if (table.IsHidden(cells[i][b + 1])) cohort.counts[b] = kHiddenCount;
    }
  }
  size_t at = 0;
  std::erase_if(result->cohorts, [&](const RetentionCohort& cohort) {
    return table.IsSmall(cells[at++][0]) && !cohort.segment.empty();
  });
  AverageShown(&*result);
  return result;
}

}  // namespace bulkhead
