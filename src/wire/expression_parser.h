// Text of Mixpanel's where/on language to an Expression. Pure and bounded:
// limits::kMaxExpressionBytes of text, limits::kMaxExpressionDepth of nesting. Errors name the
// column, counted from 1, and never quote the text.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/expression.h"

namespace bulkhead {

Result<Expression> ParseExpression(std::string_view text);

// A condition (`where`): an expression that can be true. What never is one, such as a number or
// arithmetic, is refused. Over events the names that Mixpanel gives the event's own fields mean
// them: properties["time"], ["distinct_id"] and ["$distinct_id"].
enum class ConditionOver : unsigned char { kEvents = 1, kProfiles };
Result<Expression> ParseCondition(std::string_view text, ConditionOver over);

// The `on` parameter: an expression, or a bare property name as old clients send ("Browser" =
// properties["Browser"]).
Result<Expression> ParseOn(std::string_view text);

// Arithmetic over metrics: letters A..Z, numbers, + - * / and parentheses. Letters become
// properties["A"].
Result<Expression> ParseFormula(std::string_view text, size_t metric_count);

}  // namespace bulkhead
