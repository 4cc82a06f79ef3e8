// The text of data/obligations.toml as it was when the program was built (cmake/obligations.cmake).
#pragma once

#include <string_view>

namespace bulkhead {

std::string_view ShippedObligations();

}  // namespace bulkhead
