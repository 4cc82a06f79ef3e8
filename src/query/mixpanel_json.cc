#include "query/mixpanel_json.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "model/expression.h"
#include "model/value.h"
#include "query/json_writer.h"

namespace bulkhead {
namespace {

// Members of an object that is open.
void WriteInsights(const std::vector<std::string>& dates, const std::vector<InsightsSeries>& all,
                   Json* json) {
  json->Key("dates").Texts(dates).Key("series").Open('[');
  for (const InsightsSeries& series : all) {
    json->Open('{').Key("metric").Text(series.metric).Key("segment").Segment(series.segment);
    json->OtherMark(series.is_other);
    json->Key("values").Numbers(series.values).Key("overall").Number(series.overall).Close('}');
  }
  json->Close(']');
}

void WriteTimes(const FunnelTimes& times, Json* json) {
  json->Open('{');
  json->Key("avg_s").Number(times.average_s);
  json->Key("median_s").Number(times.median_s);
  json->Key("p90_s").Number(times.p90_s);
  json->Close('}');
}

void WriteSteps(const std::vector<FunnelStepResult>& steps, Json* json) {
  json->Open('[');
  for (const FunnelStepResult& step : steps) {
    json->Open('{').Key("event").Text(step.event).Key("count").Number(step.count);
    json->Key("conversion").Number(step.conversion);
    json->Key("step_conversion").Number(step.step_conversion);
    json->Key("time_from_previous");
    WriteTimes(step.from_previous, json);
    json->Close('}');
  }
  json->Close(']');
}

void WriteFunnelSeries(const std::vector<FunnelSeries>& series, Json* json) {
  json->Open('[');
  for (const FunnelSeries& one : series) {
    json->Open('{').Key("segment").Segment(one.segment);
    json->OtherMark(one.is_other);
    json->Key("steps");
    WriteSteps(one.steps, json);
    json->Close('}');
  }
  json->Close(']');
}

void WriteMixpanelSteps(const std::vector<FunnelStepResult>& steps, Json* json) {
  json->Open('[');
  for (const FunnelStepResult& step : steps) {
    json->Open('{').Key("count").Number(step.count);
    json->Key("avg_time").Number(step.from_previous.average_s);
    json->Key("avg_time_from_start").Number(step.from_start.average_s);
    json->Key("step_conv_ratio").Number(step.step_conversion);
    json->Key("overall_conv_ratio").Number(step.conversion);
    json->Key("goal").Text(step.event).Key("event").Text(step.event);
    json->Close('}');
  }
  json->Close(']');
}

// A value that reads as one of the two keys with a meaning of their own is written as its JSON.
std::string FunnelKey(const FunnelSeries& series) {
  if (series.segment.empty()) {
    return "$overall";
  }
  const std::string text = SegmentText(series.segment);
  const bool taken = text == "$overall" || text == "$other";
  return taken && !series.is_other ? ToJson(Value(text)) : text;
}

void WriteAnalysis(const std::vector<FunnelStepResult>& steps, Json* json) {
  uint64_t worst = 0;
  for (size_t s = 1; s < steps.size(); ++s) {
    if (worst == 0 || steps[s].step_conversion < steps[worst].step_conversion) {
      worst = s;
    }
  }
  json->Open('{').Key("completion").Number(steps.empty() ? 0 : steps.back().count);
  json->Key("starting_amount").Number(steps.empty() ? 0 : steps.front().count);
  json->Key("steps").Number(uint64_t{steps.size()}).Key("worst").Number(worst).Close('}');
}

template <typename Row>
void WriteSegmentedRows(const std::vector<Row>& rows, bool segmented, Json* json,
                        void (*write)(const Row&, Json*)) {
  json->Open('{');
  for (size_t i = 0; i < rows.size();) {
    const std::string& date = rows[i].date;
    json->Key(date);
    if (!segmented) {
      write(rows[i++], json);
      continue;
    }
    json->Open('{');
    for (; i < rows.size() && rows[i].date == date; ++i) {
      json->Key(rows[i].segment);
      write(rows[i], json);
    }
    json->Close('}');
  }
  json->Close('}');
}

}  // namespace

std::string SegmentText(const std::vector<Value>& segment) {
  std::string key;
  for (const Value& value : segment) {
    key += key.empty() ? "" : ", ";
    key += TextOf(value);
  }
  return key;
}

std::string InsightsJson(const InsightsResult& result) {
  Json json;
  json.Open('{');
  WriteInsights(result.dates, result.series, &json);
  if (!result.past_dates.empty()) {
    json.Key("past").Open('{');
    WriteInsights(result.past_dates, result.past_series, &json);
    json.Close('}');
  }
  return json.Close('}').Take();
}

std::string FunnelJson(const FunnelResult& result) {
  Json json;
  json.Open('{').Key("steps");
  WriteSteps(result.steps, &json);
  json.Key("series");
  WriteFunnelSeries(result.series, &json);
  if (!result.buckets.empty()) {
    json.Key("buckets").Open('[');
    for (const FunnelBucket& bucket : result.buckets) {
      json.Open('{').Key("date").Text(bucket.date).Key("series");
      WriteFunnelSeries(bucket.series, &json);
      json.Close('}');
    }
    json.Close(']');
  }
  return json.Close('}').Take();
}

std::string RetentionJson(const RetentionResult& result) {
  Json json;
  json.Open('{').Key("cohorts").Open('[');
  for (const RetentionCohort& cohort : result.cohorts) {
    json.Open('{').Key("date").Text(cohort.date);
    if (!cohort.segment.empty()) {
      json.Key("segment").Segment(cohort.segment);
      json.OtherMark(cohort.is_other);
    }
    json.Key("size").Number(cohort.size).Key("counts").Numbers(cohort.counts);
    json.Key("complete_buckets").Number(uint64_t{cohort.complete_buckets}).Close('}');
  }
  return json.Close(']').Key("average").Numbers(result.average).Close('}').Take();
}

std::string PeopleJson(const PeopleResult& result) {
  Json json;
  json.Open('{').Key("total").Number(result.total).Key("page").Number(uint64_t{result.page});
  json.Key("page_size").Number(uint64_t{result.page_size}).Key("people").Open('[');
  for (const Person& person : result.people) {
    json.Open('{').Key("distinct_id").Text(person.subject.ToHex());
    json.Key("properties").Object(person.properties).Close('}');
  }
  return json.Close(']').Close('}').Take();
}

std::string LifecycleJson(const LifecycleResult& result) {
  Json json;
  json.Open('{').Key("buckets").Open('[');
  for (const LifecycleBucket& bucket : result.buckets) {
    json.Open('{').Key("date").Text(bucket.date).Key("new").Number(bucket.fresh);
    json.Key("returning").Number(bucket.returning);
    json.Key("resurrecting").Number(bucket.resurrecting).Key("dormant").Number(bucket.dormant);
    json.Key("complete").Boolean(bucket.complete).Close('}');
  }
  return json.Close(']').Close('}').Take();
}

std::string SessionsJson(const SessionsResult& result) {
  Json json;
  const auto column = [&json](const SessionsSeries& series, std::string_view name, auto member) {
    json.Key(name).Open('[');
    for (const SessionNumbers& bucket : series.buckets) json.Number(bucket.*member);
    json.Close(']');
  };
  json.Open('{').Key("dates").Texts(result.dates).Key("series").Open('[');
  for (const SessionsSeries& series : result.series) {
    json.Open('{').Key("segment").Segment(series.segment);
    json.OtherMark(series.is_other);
    column(series, "sessions", &SessionNumbers::sessions);
    column(series, "people", &SessionNumbers::people);
    column(series, "avg_s", &SessionNumbers::average_s);
    column(series, "avg_events", &SessionNumbers::average_events);
    const SessionNumbers& all = series.overall;
    json.Key("overall").Open('{').Key("sessions").Number(all.sessions);
    json.Key("people").Number(all.people).Key("avg_s").Number(all.average_s);
    json.Key("median_s").Number(series.median_s).Key("p90_s").Number(series.p90_s);
    json.Key("avg_events").Number(all.average_events).Close('}').Close('}');
  }
  return json.Close(']').Close('}').Take();
}

std::string SeriesTableJson(const SeriesTable& table) {
  Json json;
  json.Open('{').Key("data").Open('{').Key("series").Texts(table.dates).Key("values").Open('{');
  for (const auto& [name, values] : table.rows) {
    json.Key(name).Open('{');
    for (size_t i = 0; i < values.size(); ++i) {
      json.Key(table.dates[i]).Number(values[i]);
    }
    json.Close('}');
  }
  json.Close('}').Close('}').Key("legend_size").Number(uint64_t{table.rows.size()});
  return json.Close('}').Take();
}

std::string SeriesResultsJson(const SeriesTable& table, const std::string& computed_at) {
  Json json;
  json.Open('{').Key("status").Text("ok").Key("computed_at").Text(computed_at);
  json.Key("results").Open('{');
  if (!table.rows.empty()) {
    for (size_t i = 0; i < table.dates.size(); ++i) {
      json.Key(table.dates[i]).Number(table.rows.front().second[i]);
    }
  }
  return json.Close('}').Close('}').Take();
}

std::string NamesJson(const std::vector<std::string>& names) { return Json().Texts(names).Take(); }

std::string TopEventsJson(const std::vector<TopEvent>& events, CountType type) {
  Json json;
  json.Open('{').Key("events").Open('[');
  for (const TopEvent& event : events) {
    json.Open('{').Key("amount").Number(event.amount).Key("event").Text(event.event);
    json.Key("percent_change").Number(event.percent_change).Close('}');
  }
  const char* name = type == CountType::kGeneral  ? "general"
                     : type == CountType::kUnique ? "unique"
                                                  : "average";
  return json.Close(']').Key("type").Text(name).Close('}').Take();
}

std::string PropertyCountsJson(const std::vector<PropertyCount>& counts) {
  Json json;
  json.Open('{');
  for (const PropertyCount& count : counts) {
    json.Key(count.property).Open('{').Key("count").Number(count.count).Close('}');
  }
  return json.Close('}').Take();
}

std::string CohortTableJson(const CohortTable& table) {
  Json json;
  WriteSegmentedRows<CohortTable::Row>(
      table.rows, table.segmented, &json, [](const CohortTable::Row& row, Json* out) {
        out->Open('{').Key("counts").Numbers(row.counts).Key("first").Number(row.first).Close('}');
      });
  return json.Take();
}

std::string AddictionJson(const AddictionResult& result) {
  Json json;
  json.Open('{').Key("data");
  WriteSegmentedRows<AddictionRow>(
      result.rows, result.segmented, &json,
      [](const AddictionRow& row, Json* out) { out->Numbers(row.counts); });
  return json.Close('}').Take();
}

std::string MixpanelFunnelJson(const FunnelResult& result, bool segmented) {
  Json json;
  json.Open('{').Key("meta").Open('{').Key("dates").Open('[');
  for (const FunnelBucket& bucket : result.buckets) {
    json.Text(bucket.date);
  }
  json.Close(']').Close('}').Key("data").Open('{');
  for (const FunnelBucket& bucket : result.buckets) {
    json.Key(bucket.date).Open('{');
    if (segmented) {
      for (const FunnelSeries& series : bucket.series) {
        json.Key(FunnelKey(series));
        WriteMixpanelSteps(series.steps, &json);
      }
    } else if (!bucket.series.empty()) {
      json.Key("steps");
      WriteMixpanelSteps(bucket.series.front().steps, &json);
      json.Key("analysis");
      WriteAnalysis(bucket.series.front().steps, &json);
    }
    json.Close('}');
  }
  return json.Close('}').Close('}').Take();
}

std::string EngageJson(const PeopleResult& result, const std::string& session_id) {
  Json json;
  json.Open('{').Key("page").Number(uint64_t{result.page});
  json.Key("page_size").Number(uint64_t{result.page_size}).Key("results").Open('[');
  for (const Person& person : result.people) {
    json.Open('{').Key("$distinct_id").Text(person.subject.ToHex());
    json.Key("$properties").Object(person.properties).Close('}');
  }
  json.Close(']').Key("session_id").Text(session_id).Key("status").Text("ok");
  return json.Key("total").Number(result.total).Close('}').Take();
}

std::string ActivityJson(const std::vector<ActivityEvent>& events) {
  Json json;
  json.Open('{').Key("status").Text("ok").Key("results").Open('{').Key("events").Open('[');
  for (const ActivityEvent& event : events) {
    json.Open('{').Key("event").Text(event.event).Key("properties").Open('{');
    json.Key("time").Number(std::floor(static_cast<double>(event.time_ms) / 1000.0));
    json.Key("distinct_id").Text(event.person.ToHex());
    for (const auto& [name, value] : event.properties) {
      json.Key(name).Any(value);
    }
    json.Close('}').Close('}');
  }
  return json.Close(']').Close('}').Close('}').Take();
}

}  // namespace bulkhead
