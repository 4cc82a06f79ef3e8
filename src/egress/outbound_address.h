// Where a name leads: looked up once, so that no second answer of a name server leads elsewhere,
// and judged before anything is connected to.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace bulkhead {

// The addresses of a host, in the resolver's order, that may be reached (egress/web_address.h).
// kUnavailable: the name has none. kDenied: all of them lie inside and none is listed.
Result<std::vector<std::string>> FindAddresses(const std::string& host,
                                               const std::vector<std::string>& allowed_internal);

}  // namespace bulkhead
