// From a request to its JSON: GET and POST, raw JSON, NDJSON, forms with `data` as base64 or JSON,
// gzip of any of these, and the parameters from query and body together. What clients really send:
// docs/ingestion.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bulkhead {

// All views must outlive the Payload made from it.
struct PayloadRequest {
  std::string_view query;
  std::string_view content_type;
  std::string_view content_encoding;
  std::string_view body;
};

struct PayloadParameters {
  std::optional<bool> use_ip;  // ip=0 / ip=1
  int verbose = 0;
  std::optional<bool> strict;
  bool image = false;
  std::string callback;  // not yet validated
  std::string redirect;  // not yet validated
  std::string api_key;
  std::optional<uint32_t> project_id;
};

struct Payload {
  PayloadParameters parameters;
  bool is_json_body = false;  // raw JSON or NDJSON rather than a form or a query
  bool newline_delimited = false;
  std::string owned;  // backs `json` where the request's bytes had to be decoded
  bool json_is_owned = false;
  std::string_view raw;  // backs `json` otherwise
  std::optional<Error>
      error;  // kInvalid or kLimit: there is no JSON, but the parameters say how to answer

  [[nodiscard]] std::string_view json() const {
    return json_is_owned ? std::string_view(owned) : raw;
  }
};

Payload DecodePayload(const PayloadRequest& request);

// Letters, digits, _ and $ in dotted parts, each with [digits] behind it or not, as the browser SDK
// spells its own (mixpanel._jsc[123]); at most 128 bytes. Or its "(function(){})". Anything else
// could be script.
bool IsValidCallback(std::string_view name);

// `target` stays on the host that was asked (`host`, as in the Host header) or leads back to
// `origin`.
bool IsSameOriginRedirect(std::string_view target, std::string_view host, std::string_view origin);

}  // namespace bulkhead
