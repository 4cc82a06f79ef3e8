#include "main/report_table.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>

namespace bulkhead {
namespace {

namespace dom = simdjson::dom;

std::string Cell(const dom::element& value) {
  switch (value.type()) {
    case dom::element_type::STRING:
      return std::string(value.get_string().value_unsafe());
    case dom::element_type::INT64:
    case dom::element_type::UINT64:
      return simdjson::minify(value);
    case dom::element_type::DOUBLE:
      return fmt::format("{:.6g}", value.get_double().value_unsafe());
    case dom::element_type::NULL_VALUE:
      return "-";
    default:
      return simdjson::minify(value);
  }
}

std::string Field(const dom::element& object, std::string_view name) {
  dom::element value;
  return object[name].get(value) == simdjson::SUCCESS ? Cell(value) : "-";
}

dom::array ArrayField(const dom::element& object, std::string_view name) {
  static dom::parser empty_parser;
  static const dom::array empty =
      empty_parser.parse(std::string_view("[]")).get_array().value_unsafe();
  dom::array found;
  return object[name].get(found) == simdjson::SUCCESS ? found : empty;
}

std::string Percent(const dom::element& object, std::string_view name) {
  double share = 0;
  return object[name].get(share) == simdjson::SUCCESS ? fmt::format("{:.1f} %", share * 100) : "-";
}

std::string Seconds(const dom::element& object, std::string_view name) {
  double seconds = 0;
  if (object[name].get(seconds) != simdjson::SUCCESS) {
    return "-";
  }
  if (seconds < 120) {
    return fmt::format("{:.0f} s", seconds);
  }
  return seconds < 7200 ? fmt::format("{:.0f} min", seconds / 60)
                        : fmt::format("{:.1f} h", seconds / 3600);
}

std::string Duration(const dom::element& step, std::string_view name) {
  dom::element times;
  return step["time_from_previous"].get(times) == simdjson::SUCCESS ? Seconds(times, name) : "-";
}

std::string SegmentName(const dom::element& series) {
  std::string name;
  for (const dom::element part : ArrayField(series, "segment")) {
    name += (name.empty() ? "" : " / ") + Cell(part);
  }
  return name;
}

void AppendSteps(const dom::element& holder, const std::string& segment, bool with_segment,
                 Table* table) {
  for (const dom::element step : ArrayField(holder, "steps")) {
    std::vector<std::string> row;
    if (with_segment) {
      row.push_back(segment);
    }
    row.insert(row.end(), {Field(step, "event"), Field(step, "count"), Percent(step, "conversion"),
                           Duration(step, "median_s"), Duration(step, "p90_s")});
    table->push_back(std::move(row));
  }
}

Table FunnelTable(const dom::element& answer) {
  const dom::array series = ArrayField(answer, "series");
  const bool segmented = series.begin() != series.end();
  Table table;
  table.push_back({"step", "count", "conversion", "median time", "p90 time"});
  if (segmented) {
    table.front().insert(table.front().begin(), "segment");
  }
  AppendSteps(answer, "(all)", segmented, &table);
  for (const dom::element one : series) {
    AppendSteps(one, SegmentName(one), true, &table);
  }
  return table;
}

Table InsightsTable(const dom::element& answer) {
  Table table;
  std::vector<std::string> heading = {"date"};
  std::vector<dom::array> columns;
  for (const dom::element series : ArrayField(answer, "series")) {
    const std::string segment = SegmentName(series);
    heading.push_back(Field(series, "metric") + (segment.empty() ? "" : " · " + segment));
    columns.push_back(ArrayField(series, "values"));
  }
  table.push_back(std::move(heading));
  size_t row_number = 0;
  for (const dom::element date : ArrayField(answer, "dates")) {
    std::vector<std::string> row = {Cell(date)};
    for (const dom::array& column : columns) {
      dom::element value;
      row.push_back(column.at(row_number).get(value) == simdjson::SUCCESS ? Cell(value) : "-");
    }
    table.push_back(std::move(row));
    ++row_number;
  }
  return table;
}

Table RetentionTable(const dom::element& answer) {
  Table table;
  table.push_back({"cohort", "size"});
  for (const dom::element cohort : ArrayField(answer, "cohorts")) {
    std::vector<std::string> row = {Field(cohort, "date"), Field(cohort, "size")};
    for (const dom::element count : ArrayField(cohort, "counts")) {
      row.push_back(Cell(count));
    }
    while (table.front().size() < row.size()) {
      table.front().push_back(std::to_string(table.front().size() - 2));
    }
    table.push_back(std::move(row));
  }
  std::vector<std::string> average = {"average", ""};
  for (const dom::element share : ArrayField(answer, "average")) {
    double number = 0;
    average.push_back(share.get(number) == simdjson::SUCCESS ? fmt::format("{:.1f} %", number * 100)
                                                             : "-");
  }
  table.push_back(std::move(average));
  return table;
}

std::string StepName(const dom::element& step) {
  dom::element value;
  return Field(step, "event") +
         (step["value"].get(value) == simdjson::SUCCESS ? " = " + Cell(value) : "");
}

// The commonest paths; the columns of the picture are in the JSON.
Table FlowTable(const dom::element& answer) {
  Table table = {{"path", "count"}};
  for (const dom::element path : ArrayField(answer, "paths")) {
    std::string steps;
    for (const dom::element step : ArrayField(path, "steps")) {
      steps += (steps.empty() ? "" : " > ") + StepName(step);
    }
    table.push_back({std::move(steps), Field(path, "count")});
  }
  return table;
}

Table LifecycleTable(const dom::element& answer) {
  Table table = {{"date", "new", "returning", "resurrecting", "dormant"}};
  for (const dom::element bucket : ArrayField(answer, "buckets")) {
    table.push_back({Field(bucket, "date"), Field(bucket, "new"), Field(bucket, "returning"),
                     Field(bucket, "resurrecting"), Field(bucket, "dormant")});
  }
  return table;
}

Table SessionsTable(const dom::element& answer) {
  Table table = {{"segment", "sessions", "people", "average", "median", "events"}};
  for (const dom::element series : ArrayField(answer, "series")) {
    dom::element all;
    if (series["overall"].get(all) != simdjson::SUCCESS) continue;
    const std::string segment = SegmentName(series);
    table.push_back({segment.empty() ? "(all)" : segment, Field(all, "sessions"),
                     Field(all, "people"), Seconds(all, "avg_s"), Seconds(all, "median_s"),
                     Field(all, "avg_events")});
  }
  return table;
}

Table RecordsTable(const dom::element& answer) {
  Table table = {{"record"}};
  for (const dom::element record : ArrayField(answer, "results")) {
    table.push_back({std::string(simdjson::minify(record))});
  }
  return table;
}

bool LooksNumeric(const std::string& cell) {
  return !cell.empty() &&
         (cell == "-" || std::isdigit(static_cast<unsigned char>(cell.front())) != 0);
}

// Display columns of UTF-8 text: one per code point.
size_t Width(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

Result<Table> TableOfAnswer(std::string_view report, std::string_view json) {
  dom::parser parser;
  dom::element answer;
  if (parser.parse(simdjson::padded_string(json)).get(answer) != simdjson::SUCCESS) {
    return Error{ErrorCode::kInvalid, "the answer is not JSON"};
  }
  if (report == "funnel") {
    return FunnelTable(answer);
  }
  if (report == "insights") {
    return InsightsTable(answer);
  }
  if (report == "flow") {
    return FlowTable(answer);
  }
  if (report == "lifecycle") {
    return LifecycleTable(answer);
  }
  if (report == "sessions") {
    return SessionsTable(answer);
  }
  return report == "retention" ? RetentionTable(answer) : RecordsTable(answer);
}

std::string FormatTable(const Table& table) {
  std::vector<size_t> widths;
  for (const auto& row : table) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], Width(row[i]));
    }
  }
  std::string text;
  for (size_t r = 0; r < table.size(); ++r) {
    for (size_t i = 0; i < table[r].size(); ++i) {
      const std::string& cell = table[r][i];
      const std::string padding(widths[i] - Width(cell), ' ');
      const bool right = r == 0 ? i > 0 : LooksNumeric(cell);
      text += (i == 0 ? "" : "  ") + (right ? padding + cell : cell + padding);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
    if (r == 0) {
      size_t total = 0;
      for (const size_t width : widths) {
        total += width + 2;
      }
      text += std::string(total < 2 ? 0 : total - 2, '-') + '\n';
    }
  }
  return text;
}

std::string FormatCsv(const Table& table) {
  std::string text;
  for (const auto& row : table) {
    for (size_t i = 0; i < row.size(); ++i) {
      std::string cell = row[i];
      if (!cell.empty() &&
          std::string_view("=+-@\t\r").find(cell.front()) != std::string_view::npos &&
          cell != "-") {
        cell.insert(cell.begin(), '\'');
      }
      text += i == 0 ? "" : ",";
      if (cell.find_first_of(",\"\n\r") == std::string::npos) {
        text += cell;
        continue;
      }
      text += '"';
      for (const char c : cell) {
        text += c == '"' ? "\"\"" : std::string(1, c);
      }
      text += '"';
    }
    text += "\r\n";
  }
  return text;
}

}  // namespace bulkhead
