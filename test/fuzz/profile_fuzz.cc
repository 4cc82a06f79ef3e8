// Any bytes as profile updates of users and of groups.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/profile_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulkhead;
  if (size < 1) return 0;
  ProfileParseOptions options;
  options.groups = (data[0] & 1) != 0;
  options.newline_delimited = (data[0] & 2) != 0;
  options.now_ms = 1795478400000;
  const auto parsed = ParseProfiles({reinterpret_cast<const char*>(data) + 1, size - 1}, options);
  (void)parsed.has_value();
  return 0;
}
