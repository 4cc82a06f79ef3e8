// Fideslang's names for classes of data (version 3.2, CC BY 4.0), which policy rules use to say
// what a property holds.
#pragma once

#include <string_view>

namespace bulkhead {

// Of the taxonomy's current names; deprecated ones are none.
bool IsFieldClass(std::string_view name);

}  // namespace bulkhead
