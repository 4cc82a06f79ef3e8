// The JSON of /track and /import to events, raw still: ids, IP and values are as sent, and only
// intake/ holds them, until they are pseudonyms or clean. Pure. Limits and rules:
// docs/ingestion.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/value.h"
#include "wire/record_error.h"

namespace bulkhead {

struct ParsedEvent {
  size_t index = 0;  // in the request
  std::string name;
  std::string token;
  std::optional<std::string> distinct_id;  // absent and "" differ: no id was sent, and: nobody
  std::optional<std::string> device_id;
  std::optional<std::string> user_id;
  int64_t time_ms = 0;
  std::string insert_id;
  std::optional<std::string> ip;  // properties.ip; "" = the event asks for no place
  // Further ids, such as $anon_distinct_id or alias, by property name; $distinct_ids has several.
  std::vector<std::pair<std::string, std::vector<std::string>>> identifiers;
  ValueObject properties;  // the rest, strings at full length
};

struct ParsedEvents {
  std::vector<ParsedEvent> events;
  std::vector<RecordError> errors;
  size_t ignored = 0;  // asked for by $ignore
};

struct EventParseOptions {
  bool newline_delimited = false;
  bool strict = false;          // /import's rules; else what can be mended is mended
  bool last_days_only = false;  // /track: older than limits::kMaxTrackAgeMs is refused
  int64_t now_ms = 0;
};

// An error: the text is no JSON, or holds too many records. What is wrong with one record is in
// `errors`.
Result<ParsedEvents> ParseEvents(std::string_view json, const EventParseOptions& options);

// Cuts every string, in lists and objects too, at limits::kMaxStringBytes and whole UTF-8
// characters.
void CutStrings(ValueObject* properties);
void CutString(std::string* text);

}  // namespace bulkhead
