// Whether a text names a time zone that this machine has rules for.
#pragma once

#include <string_view>

namespace bulkhead {

bool IsTimezoneName(std::string_view name);

}  // namespace bulkhead
