#include "query/flow_json.h"

#include <string_view>

#include "query/json_writer.h"

namespace bulkhead {
namespace {

std::string_view KindName(FlowColumn::Kind kind) {
  switch (kind) {
    case FlowColumn::Kind::kBefore:
      return "before";
    case FlowColumn::Kind::kAnchor:
      return "anchor";
    case FlowColumn::Kind::kAfter:
      break;
  }
  return "after";
}

// Members of an object that is open.
void WriteStep(const FlowStep& step, Json* json) {
  json->Key("event").Text(step.event);
  if (step.expanded) json->Key("value").Any(step.value);
  json->OtherMark(step.is_other);
}

void WriteColumn(const FlowColumn& column, Json* json) {
  json->Open('{').Key("kind").Text(KindName(column.kind));
  json->Key("anchor").Number(uint64_t{column.anchor + 1}).Key("rows").Open('[');
  for (const FlowRow& row : column.rows) {
    json->Open('{');
    WriteStep(row.step, json);
    json->Key("count").Number(row.count).Close('}');
  }
  json->Close(']').Key("dropped").Number(column.dropped).Close('}');
}

void WritePlace(std::string_view name, size_t column, size_t row, Json* json) {
  json->Key(name).Open('[').Number(uint64_t{column}).Number(uint64_t{row}).Close(']');
}

void WritePath(const FlowPath& path, Json* json) {
  json->Open('{').Key("steps").Open('[');
  for (const FlowStep& step : path.steps) {
    json->Open('{');
    WriteStep(step, json);
    json->Close('}');
  }
  json->Close(']').Key("count").Number(path.count).Close('}');
}

}  // namespace

std::string FlowJson(const FlowResult& result) {
  Json json;
  json.Open('{').Key("anchors").Open('[');
  const auto entered = static_cast<double>(result.anchors.front().count);
  for (const FlowReached& anchor : result.anchors) {
    json.Open('{').Key("event").Text(anchor.event).Key("count").Number(anchor.count);
    const double share = entered == 0 ? 0 : static_cast<double>(anchor.count) / entered;
    json.Key("conversion").Number(share).Close('}');
  }
  json.Close(']').Key("columns").Open('[');
  for (const FlowColumn& column : result.columns) WriteColumn(column, &json);
  json.Close(']').Key("links").Open('[');
  for (const FlowLink& link : result.links) {
    json.Open('{');
    WritePlace("from", link.from_column, link.from_row, &json);
    WritePlace("to", link.to_column, link.to_row, &json);
    json.Key("count").Number(link.count).Close('}');
  }
  json.Close(']').Key("paths").Open('[');
  for (const FlowPath& path : result.paths) WritePath(path, &json);
  return json.Close(']').Close('}').Take();
}

}  // namespace bulkhead
