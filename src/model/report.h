// Questions and their answers as plain data. wire/report_parser.h makes the questions from JSON,
// query/ answers them, query/report_json.h writes the answers. What each means: docs/reports.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/expression.h"
#include "model/flow_report.h"
#include "model/ids.h"
#include "model/lifecycle_report.h"
#include "model/report_parts.h"
#include "model/sessions_report.h"
#include "model/value.h"

namespace bulkhead {

// --- Insights ---
enum class Math : unsigned char {
  kTotal = 1,
  kUnique,
  kDau,
  kWau,
  kMau,
  kSum,
  kAverage,
  kPercentile,
  kMin,
  kMax,
  kDistinct,
  kPerUserAverage,
};

struct InsightsMetric {
  EventSelector selector;
  Math math = Math::kTotal;
  double percentile = 50;  // kPercentile: median = 50, p90 = 90
  PropertyRef property;    // sum, avg, percentile, min, max, distinct; optional for per_user_avg
                           // (absent: events per user)
  std::string label;       // "A", "B", ... or as the report names it
};

// With which time before a report is compared.
struct InsightsComparison {
  int value = 1;
  TimeUnit unit = TimeUnit::kWeek;  // day, week or month
};

struct InsightsReport {
  ProjectId project;
  DateRange range;
  std::vector<InsightsMetric> metrics;
  TimeUnit unit = TimeUnit::kDay;
  int interval = 1;  // units per bucket
  std::vector<PropertyRef> breakdown;
  SharedExpression global_where;  // over event and user properties; with every metric's own
  SharedExpression formula;       // metrics are properties["A"], ["B"], ...; null = none
  std::string formula_text;
  size_t segment_limit = 200;  // beyond it the smallest go into $other
  size_t rolling = 0;          // > 0: each value is the mean of so many buckets up to it
  bool cumulative = false;     // each value is the sum of all up to it
  std::optional<InsightsComparison> compare;
  bool shared = false;  // for readers outside: counts of few people are not shown
};

struct InsightsSeries {
  std::string metric;
  std::vector<Value> segment;  // one value per breakdown; null = not set; empty = no breakdown
  bool is_other = false;       // the $other series: segment holds "$other"
  std::vector<double> values;  // one per date; kNoValue = nothing to say
  double overall = kNoValue;   // of the whole range, not the sum of the buckets
};

struct InsightsResult {
  std::vector<std::string> dates;  // local start of each bucket
  std::vector<InsightsSeries> series;
  std::vector<std::string> past_dates;  // of the comparison
  std::vector<InsightsSeries> past_series;
};

// --- Funnel ---
enum class FunnelOrder : unsigned char { kLoose = 1, kStrict, kAny };
enum class FunnelCount : unsigned char { kUniques = 1, kTotals, kSessions };

struct FunnelExclusion {
  EventSelector selector;
  size_t after_step = 0;   // index of the step after which it counts
  size_t before_step = 0;  // index of the step before which it counts; > after_step
};

struct FunnelBreakdown {
  PropertyRef property;
  enum class Attribution : unsigned char {
    kFirst = 1,
    kLast,
    kStep
  } attribution = Attribution::kFirst;
  size_t step = 0;  // kStep
};

struct FunnelReport {
  ProjectId project;
  DateRange range;
  std::vector<EventSelector> steps;
  int64_t window_ms = 7LL * 24 * 3600 * 1000;
  int window_sessions = 0;  // > 0: the window is that many sessions instead
  int64_t session_timeout_ms = 30LL * 60 * 1000;
  FunnelOrder order = FunnelOrder::kLoose;
  FunnelCount count = FunnelCount::kUniques;
  std::vector<std::string> hold;  // event properties equal on all steps
  std::vector<FunnelExclusion> exclude;
  std::vector<FunnelBreakdown> breakdown;
  SharedExpression global_where;  // applied to step 1
  std::optional<TimeUnit> unit;   // also one funnel per bucket of the entry's time
  int interval = 1;
  size_t segment_limit = 200;
  bool shared = false;
};

struct FunnelTimes {
  double average_s = kNoValue;
  double median_s = kNoValue;
  double p90_s = kNoValue;
};

struct FunnelStepResult {
  std::string event;
  uint64_t count = 0;
  double conversion = 0;       // of those who entered
  double step_conversion = 0;  // of those who reached the step before
  FunnelTimes from_previous;   // step 1: nothing
  FunnelTimes from_start;
};

struct FunnelSeries {
  std::vector<Value> segment;  // empty = overall
  bool is_other = false;
  std::vector<FunnelStepResult> steps;
};

struct FunnelBucket {
  std::string date;
  std::vector<FunnelSeries> series;  // [0] = overall, then one per segment
};

struct FunnelResult {
  std::vector<FunnelStepResult> steps;  // overall, one funnel over the whole range
  std::vector<FunnelSeries> series;     // per segment where there is a breakdown
  std::vector<FunnelBucket> buckets;    // where the report names a unit
};

// --- Retention ---
enum class RetentionMode : unsigned char {
  kOn = 1,      // came back in the bucket
  kOnOrAfter,   // in it or later
  kOnOrBefore,  // in it or earlier
  kStreak       // in it and in each before it, but for the 0th
};
enum class RetentionBirth : unsigned char { kFirst = 1, kRecurring };

struct RetentionReport {
  ProjectId project;
  DateRange range;
  EventSelector born;
  EventSelector returning;  // empty event = any
  TimeUnit unit = TimeUnit::kDay;
  int interval = 1;                // units per bucket
  int buckets = 7;                 // return buckets after the 0th
  std::vector<int> brackets = {};  // of how many buckets each one shown is made, from the 0th on;
                                   // buckets + 1 together; empty = one each
  RetentionMode mode = RetentionMode::kOn;
  bool calendar = false;
  RetentionBirth birth = RetentionBirth::kFirst;
  std::optional<PropertyRef> breakdown;  // of the birth event
  SharedExpression global_where;
  size_t segment_limit = 200;
  bool shared = false;
};

struct RetentionCohort {
  std::string date;
  std::vector<Value> segment;
  bool is_other = false;
  uint64_t size = 0;
  std::vector<uint64_t> counts;  // buckets + 1 of them; [0] = the 0th
  size_t complete_buckets = 0;   // how many of counts lie wholly in the past
};

struct RetentionResult {
  std::vector<RetentionCohort> cohorts;
  std::vector<double> average;  // share 0..1 over complete buckets, weighted by cohort size;
                                // kNoValue = none complete
};

// --- People ---
struct PeopleReport {
  ProjectId project;
  SharedExpression where;  // over user["..."] and properties["..."], both the profile
  std::optional<std::vector<SubjectId>> subjects;  // absent = all, empty = nobody
  std::vector<std::string> output_properties;      // empty = all
  std::string sort;                                // property; empty = by subject id
  bool descending = false;
  size_t page = 0;
  size_t page_size = 1000;
  bool include_without_profile = false;  // with `subjects`: also those who have none
};

struct Person {
  SubjectId subject;
  ValueObject properties;
};

struct PeopleResult {
  size_t page = 0;
  size_t page_size = 0;
  uint64_t total = 0;
  std::vector<Person> people;
};

using Report = std::variant<InsightsReport, FunnelReport, RetentionReport, PeopleReport, FlowReport,
                            LifecycleReport, SessionsReport>;
ProjectId ProjectOf(const Report& report);

}  // namespace bulkhead
