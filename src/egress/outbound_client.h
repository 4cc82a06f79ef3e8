// One HTTP request to the outside: the name is looked up once, the address found is judged, and
// that address is connected to, so that no second answer of a name server leads elsewhere.
// Redirects are not followed. Blocking, bounded in time and size.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace bulkhead {

struct OutboundRequest {
  std::string url;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string_view body;
  std::vector<std::string> allowed_internal;  // addresses that may be reached although internal
  std::chrono::seconds timeout{10};           // of all of it
  std::string authorities_file;               // PEM; empty: the system's
};

// A vendor that names each of 2000 messages that it refuses needs half of it.
inline constexpr size_t kMaxOutboundReplyBytes = 1024UL * 1024;

struct OutboundReply {
  int status = 0;
  std::string body;
  std::string retry_after = {};  // the header, as it came
  int64_t at_ms = 0;             // when it came; 0: not known
};

// POST. kDenied: no address of that name may be reached. kUnavailable: no answer. The certificate
// is checked; TLS 1.2 at least.
Result<OutboundReply> Post(const OutboundRequest& request);

}  // namespace bulkhead
