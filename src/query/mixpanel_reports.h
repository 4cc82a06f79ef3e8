// Requests and answers of Mixpanel's query API as plain data: what HTTP makes of parameters, and
// what it gets back. Dates are YYYY-MM-DD, both inclusive, in the project's time zone unless said
// otherwise.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/report.h"

namespace bulkhead {

enum class CountType : unsigned char {
  kGeneral = 1,
  kUnique,
  kAverage
};  // average: events per person

// Dates and one row of numbers per event name or segment, largest first. NaN = no value.
struct SeriesTable {
  std::vector<std::string> dates;
  std::vector<std::pair<std::string, std::vector<double>>> rows;
};

// GET /segmentation, /segmentation/{sum,average,numeric}. sum and average answer with one row named
// by the event.
struct SegmentationRequest {
  enum class Kind : unsigned char { kSeries = 1, kSum, kAverage, kNumeric };
  Kind kind = Kind::kSeries;
  std::string event;
  DateRange range;
  SharedExpression on;  // kSeries: optional
  SharedExpression where;
  CountType type = CountType::kGeneral;
  TimeUnit unit = TimeUnit::kDay;
  int interval = 1;
  size_t limit = 60;
};

// GET /events. Either `range`, or empty dates and `interval` = that many units back from now.
struct EventsRequest {
  std::vector<std::string> events;
  CountType type = CountType::kGeneral;
  TimeUnit unit = TimeUnit::kDay;
  int interval = 0;
  DateRange range;
};

// GET /events/properties
struct EventPropertyRequest {
  std::string event;
  std::string property;
  std::vector<std::string> values;  // empty = all
  CountType type = CountType::kGeneral;
  TimeUnit unit = TimeUnit::kDay;
  int interval = 0;
  DateRange range;
  size_t limit = 255;
};

// GET /events/{names,top}, /events/properties/{top,values}: over the last 31 days (top: today
// against yesterday).
struct NamesRequest {
  std::string event;     // properties/*
  std::string property;  // properties/values
  CountType type = CountType::kGeneral;
  size_t limit = 255;
};

struct TopEvent {
  std::string event;
  double amount = 0;
  double percent_change =
      0;  // as a share: 0.5 = half more than yesterday until the same time of day
};

struct PropertyCount {
  std::string property;
  uint64_t count = 0;
};

// GET /retention
struct CohortRetentionRequest {
  RetentionReport report;  // birth = kRecurring for retention_type=compounded
  SharedExpression on;     // of the birth event
  size_t limit = 255;
};

struct CohortTable {
  struct Row {
    std::string date;
    std::string segment;  // empty where there is no `on`
    uint64_t first = 0;
    std::vector<uint64_t> counts;
  };
  bool segmented = false;
  std::vector<Row> rows;
};

// GET /retention/addiction
struct AddictionRequest {
  DateRange range;
  TimeUnit unit = TimeUnit::kDay;       // day, week, month
  TimeUnit sub_unit = TimeUnit::kHour;  // hour, day
  EventSelector selector;
  SharedExpression on;
  size_t limit = 255;
};

struct AddictionRow {
  std::string date;
  std::string segment;           // empty where there is no `on`
  std::vector<uint64_t> counts;  // [k] = persons active in at least k + 1 sub-units
};

struct AddictionResult {
  bool segmented = false;
  std::vector<AddictionRow> rows;
};

// GET /stream/query
struct ActivityRequest {
  std::vector<SubjectId> subjects;
  DateRange range;
  size_t limit = 0;  // 0 = all; else the latest so many
};

struct ActivityEvent {
  std::string event;
  int64_t time_ms = 0;
  SubjectId person;
  ValueObject properties;
};

// GET /export. Dates are UTC.
struct ExportRequest {
  std::string from;
  std::string to;
  std::vector<std::string> events;  // empty = all
  SharedExpression where;
  size_t limit = 0;  // 0 = all
  bool time_in_ms = false;
};

}  // namespace bulkhead
