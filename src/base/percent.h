// Percent encoding of URLs and forms.
#pragma once

#include <string>
#include <string_view>

namespace bulkhead {

// Wrong escapes stay as they are. `plus_is_space`: as forms have it.
std::string PercentDecode(std::string_view text, bool plus_is_space);

// Everything but unreserved characters.
std::string PercentEncode(std::string_view text);

}  // namespace bulkhead
