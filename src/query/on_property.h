// The `on` of Mixpanel's query paths as the property of a report.
#pragma once

#include "base/result.h"
#include "model/report.h"

namespace bulkhead {

// Whether an expression reads one property and nothing else, so that it is a function of that
// property's value.
bool ReadsOneProperty(const Expression& on);

// The property itself, or an expression over it, evaluated per distinct value. kInvalid where it
// reads anything else.
Result<PropertyRef> OnProperty(const Expression& on);

// The same by what its values read as. The rows of Mixpanel's answers have texts for names: "1" and
// 1 are one row, so they are made one before anything is counted.
enum class ListText : unsigned char {
  kWhole = 1,  // a list is one value
  kByElement,  // a list counts as each of its elements
};
Result<PropertyRef> OnText(const Expression& on, ListText lists);

}  // namespace bulkhead
