// Where something may be sent: a URL taken apart, and which addresses lie inside of the
// organisation. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bulkhead {

struct WebAddress {
  bool tls = true;
  std::string host;  // a name or an address, without brackets
  uint16_t port = 443;
  std::string target;  // path and query, "/" at least
};

// http or https, without user and fragment. kInvalid otherwise.
Result<WebAddress> ParseWebAddress(std::string_view url);

// Whether an address (as text) is not one of the public internet's: loopback, private, link-local,
// shared, documentation, multicast, and IPv6 that only wraps such a one (RFC 6890). True for text
// that is no address.
bool IsInternalAddress(std::string_view address);

// Whether data may be sent there: to public addresses, and to internal ones that are listed, as
// written or in another spelling.
bool MayReach(std::string_view address, const std::vector<std::string>& allowed_internal);

}  // namespace bulkhead
