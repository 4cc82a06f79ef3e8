#include "wire/record_error.h"

#include <algorithm>
#include <array>

namespace bulkhead {

RecordError InvalidField(size_t index, std::string field, const char* rule) {
  RecordError error;
  error.index = index;
  error.message = "'" + field + "' is invalid: " + rule;
  error.field = std::move(field);
  return error;
}

bool IsForbiddenId(std::string_view id) {
  static constexpr auto kForbidden = std::to_array<std::string_view>(
      {"00000000-0000-0000-0000-000000000000", "anon", "anonymous", "nil", "none", "null", "n/a",
       "na", "undefined", "unknown", "<nil>", "0", "-1", "true", "false", "[]", "{}"});
  if (id.size() > kForbidden.front().size()) return false;
  std::string lower(id);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return std::ranges::find(kForbidden, lower) != kForbidden.end();
}

}  // namespace bulkhead
