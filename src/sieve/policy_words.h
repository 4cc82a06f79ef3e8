// What certain texts of the policy file must look like. Inside sieve/, for its parsers.
#pragma once

#include <string>
#include <string_view>

namespace bulkhead {

// Letters, digits, '-', '_', '.', which it does not begin with; up to 64.
bool IsPolicyName(std::string_view text);
// A host's name of two labels or more, in lower case: letters, digits, '-'; up to 253 bytes.
bool IsDomainName(std::string_view text);
// An IP address, without a port.
bool IsIpAddress(const std::string& text);
// scheme://host[:port][/path]; no user, no fragment.
bool IsWebUrl(std::string_view url, bool plain_http);

}  // namespace bulkhead
