// Any bytes as a request's query, headers and body: decoded, then parsed as events.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/event_parser.h"
#include "wire/payload.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulkhead;
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t query_size = text.empty() ? 0 : data[0] % (text.size() + 1);
  PayloadRequest request;
  request.query = text.substr(0, query_size);
  request.body = text.substr(query_size);
  request.content_encoding = (data[1] & 1) != 0 ? "gzip" : "";
  request.content_type = (data[1] & 2) != 0 ? "application/x-ndjson" : "";
  const Payload payload = DecodePayload(request);
  (void)IsValidCallback(payload.parameters.callback);
  (void)IsSameOriginRedirect(payload.parameters.redirect, "example.org", "https://example.org");
  if (payload.error) return 0;
  EventParseOptions options;
  options.newline_delimited = payload.newline_delimited;
  options.strict = (data[1] & 4) != 0;
  options.last_days_only = (data[1] & 8) != 0;
  options.now_ms = 1795478400000;
  auto parsed = ParseEvents(payload.json(), options);
  if (!parsed) return 0;
  for (ParsedEvent& event : parsed->events) CutStrings(&event.properties);
  return 0;
}
