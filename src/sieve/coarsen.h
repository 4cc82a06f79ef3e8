// What the action "coarsen" leaves of a value of no special kind.
#pragma once

#include "model/value.h"

namespace bulkhead {

// Numbers keep two significant digits, dates their day, addresses scheme and host; lists and
// objects member by member. False: there is text of which nothing may stay; the value is then
// unspecified. Coarsening twice changes nothing.
bool CoarsenValue(Value* value);

}  // namespace bulkhead
