// Text of Mixpanel's where/on language to an Expression. Pure and bounded:
// limits::kMaxExpressionBytes of text, limits::kMaxExpressionDepth of nesting. Errors name the
// column, counted from 1, and never quote the text.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/expression.h"

namespace bulkhead {

Result<Expression> ParseExpression(std::string_view text);

// The `on` parameter: an expression, or a bare property name as old clients send ("Browser" =
// properties["Browser"]).
Result<Expression> ParseOn(std::string_view text);

// Arithmetic over metrics: letters A..Z, numbers, + - * / and parentheses. Letters become
// properties["A"].
Result<Expression> ParseFormula(std::string_view text, size_t metric_count);

}  // namespace bulkhead
