#include "oracle/engine_world.h"

#include <unistd.h>

#include <cmath>
#include <cstdlib>

#include "base/check.h"
#include "store/test_keys.h"

namespace bulkhead::oracle {
namespace {

std::string SegmentText(const std::vector<Value>& segment) {
  std::string text;
  for (const Value& value : segment) {
    text += (text.empty() ? "" : ",") + ToJson(value);
  }
  return text;
}

FunnelAnswer::Row RowOf(const std::vector<FunnelStepResult>& steps) {
  FunnelAnswer::Row row;
  row.steps = steps;
  return row;
}

void AddRow(const std::string& segment, const std::vector<FunnelStepResult>& steps,
            std::map<std::string, FunnelAnswer::Row>* rows) {
  if (steps[0].count > 0) {
    (*rows)[segment] = RowOf(steps);
  }
}

}  // namespace

EngineWorld::EngineWorld(const Scenario& scenario) : clock_(scenario.now_ms) {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "bulkhead-oracle-XXXXXX").string();
  Check(mkdtemp(pattern.data()) != nullptr, "a temporary directory");
  dir_ = pattern;
  StoreOptions options;
  options.keys = &TestStoreKeys();
  options.dir = (dir_ / "store").string();
  options.flush_rows = scenario.flush_rows;
  options.background = false;
  options.clock = &clock_;
  Result<std::unique_ptr<Store>> store = Store::Open(options);
  Check(store.has_value(), "the store opens");
  store_ = *std::move(store);
  uint64_t position = 0;
  const auto apply = [&](const Batch& batch) {
    const Result<void> applied = store_->Apply(batch, position, position + 1);
    Check(applied.has_value(), "a batch is applied");
    ++position;
  };
  Batch batch;
  batch.project = ProjectId{1};
  batch.arrival_ms = scenario.now_ms;
  batch.profile_updates = scenario.profiles;
  for (const Event& event : scenario.events) {
    batch.events.push_back(event);
    if (batch.events.size() == scenario.batch_size) {
      apply(batch);
      batch.events.clear();
      batch.profile_updates.clear();
    }
  }
  apply(batch);
  QueryOptions query;
  query.timezone = scenario.zone;
  query.clock = &clock_;
  engine_ = std::make_unique<QueryEngine>(store_.get(), query);
}

EngineWorld::~EngineWorld() {
  engine_.reset();
  store_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

FunnelAnswer EngineFunnel(const QueryEngine& engine, const FunnelReport& report) {
  const Result<FunnelResult> result = engine.Funnel(report);
  Check(result.has_value(), "the funnel answers");
  FunnelAnswer answer;
  AddRow("*", result->steps, &answer.rows);
  for (const FunnelSeries& series : result->series) {
    AddRow(SegmentText(series.segment), series.steps, &answer.rows);
  }
  for (const FunnelBucket& bucket : result->buckets) {
    std::map<std::string, FunnelAnswer::Row> rows;
    for (const FunnelSeries& series : bucket.series) {
      AddRow(series.segment.empty() ? "*" : SegmentText(series.segment), series.steps, &rows);
    }
    if (!rows.empty()) {
      answer.rows_by_day[bucket.date] = std::move(rows);
    }
  }
  return answer;
}

RetentionAnswer EngineRetention(const QueryEngine& engine, const RetentionReport& report) {
  const Result<RetentionResult> result = engine.Retention(report);
  Check(result.has_value(), "the retention report answers");
  RetentionAnswer answer;
  for (const RetentionCohort& cohort : result->cohorts) {
    if (cohort.size == 0) {
      continue;
    }
    std::vector<uint64_t> row{cohort.size};
    row.insert(row.end(), cohort.counts.begin(), cohort.counts.end());
    answer.rows[cohort.date][cohort.segment.empty() ? "*" : SegmentText(cohort.segment)] =
        std::move(row);
    answer.complete[cohort.date] = cohort.complete_buckets;
  }
  answer.average = result->average;
  return answer;
}

InsightsAnswer EngineInsights(const QueryEngine& engine, const InsightsReport& report) {
  const Result<InsightsResult> result = engine.Insights(report);
  Check(result.has_value(), "the insights report answers");
  InsightsAnswer answer;
  for (const InsightsSeries& series : result->series) {
    const std::string segment = SegmentText(series.segment);
    const auto add = [&](const std::string& date, double number) {
      if (!std::isnan(number) && number != 0) {
        answer[segment][date] = number;
      }
    };
    for (size_t b = 0; b < series.values.size(); ++b) {
      add(result->dates[b], series.values[b]);
    }
    add("*", series.overall);
  }
  return answer;
}

InsightsAnswer EngineSegmentation(const QueryEngine& engine, const SegmentationRequest& request) {
  const Result<SeriesTable> result = engine.Segmentation(request);
  Check(result.has_value(), "the segmentation answers");
  InsightsAnswer answer;
  for (const auto& [name, values] : result->rows) {
    Check(!answer.contains(name), "a row's name is its own");
    std::map<std::string, double>& row = answer[name];
    for (size_t b = 0; b < values.size(); ++b) {
      if (values[b] != 0) {
        row[result->dates[b]] = values[b];
      }
    }
  }
  std::erase_if(answer, [](const auto& row) { return row.second.empty(); });
  return answer;
}

std::map<std::string, std::vector<uint64_t>> EngineAddiction(const QueryEngine& engine,
                                                             const AddictionRequest& request) {
  const Result<AddictionResult> result = engine.Addiction(request);
  Check(result.has_value(), "the frequency report answers");
  std::map<std::string, std::vector<uint64_t>> answer;
  for (const AddictionRow& row : result->rows) {
    std::vector<uint64_t> counts = row.counts;
    while (!counts.empty() && counts.back() == 0) {
      counts.pop_back();
    }
    if (!counts.empty()) {
      answer[row.date] = std::move(counts);
    }
  }
  return answer;
}

}  // namespace bulkhead::oracle
