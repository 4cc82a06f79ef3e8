// The JSON of /engage and /groups to profile updates, raw still. Pure. Rules: docs/ingestion.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/event.h"
#include "wire/record_error.h"

namespace bulkhead {

struct ParsedOperation {
  ProfileOperator op = ProfileOperator::kSet;
  ValueObject properties;  // kUnset: names with null values; kDelete: empty
};

struct ParsedProfile {
  size_t index = 0;
  std::string token;        // $token; empty if none
  std::string distinct_id;  // of a user profile
  std::string group_key;    // of a group profile
  std::string group_id;
  int64_t time_ms = 0;
  bool ignore_time = false;
  std::optional<std::string> ip;            // $ip; "" = no place
  std::vector<ParsedOperation> operations;  // at most one of each operator
};

struct ParsedProfiles {
  std::vector<ParsedProfile> profiles;
  std::vector<RecordError> errors;
};

struct ProfileParseOptions {
  bool newline_delimited = false;
  bool groups = false;
  int64_t now_ms = 0;
};

// An error: the text is no JSON, or holds too many records.
Result<ParsedProfiles> ParseProfiles(std::string_view json, const ProfileParseOptions& options);

}  // namespace bulkhead
