// The where/on language of Mixpanel's query API as plain data, and its evaluation.
// wire/expression_parser.h makes these from text. Typing rules: docs/reports.md. An Expression is
// immutable once parsed and may be shared by threads.
//
// For whoever scans columns: an expression that reads one event property and no user property or
// event field is a function of that property's dictionary code, so evaluate it once per distinct
// value (code 0 = absent: lookup returns nullptr) and keep a bit per code.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/value.h"

namespace bulkhead {

enum class ExpressionOp : unsigned char {
  kLiteral = 1,    // literal
  kEventProperty,  // properties["name"]
  kUserProperty,   // user["name"]
  kEventField,     // event["name"]: $time (UTC seconds), $name, $distinct_id
  kList,           // [children...]
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kNegate,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn,
  kAnd,
  kOr,
  kNot,
  kDefined,
  kFloor,
  kRound,
  kCeil,
  kBoolean,
  kNumber,
  kString,
  kDatetime,

  // Not in the language: values by what they read as, so that reports whose rows have texts for
  // names count what reads the same together. Null and the text "undefined" read as not set.
  kText,   // of the value as a whole; undefined where not set
  kTexts,  // of a list its elements' texts, else the one text; null where not set. With a second
           // operand, a literal list: those in it only, undefined where none is
};

struct Expression {
  ExpressionOp op = ExpressionOp::kLiteral;
  Value literal;                     // kLiteral
  std::string name;                  // kEventProperty, kUserProperty, kEventField
  std::vector<Expression> children;  // operands; parsed trees are bounded in depth and size
};

using SharedExpression = std::shared_ptr<const Expression>;  // null = no condition

// Where names get their values. nullptr = undefined; a null Value is null. Pointers need to live
// only until the next call.
class PropertyLookup {
 public:
  virtual ~PropertyLookup() = default;
  [[nodiscard]] virtual const Value* EventProperty(std::string_view name) = 0;
  [[nodiscard]] virtual const Value* UserProperty(std::string_view name) = 0;
  [[nodiscard]] virtual const Value* EventField(std::string_view) { return nullptr; }

  // Set when `and`, `or` or `not` met a value that is neither a boolean nor undefined; the result
  // is then undefined.
  void NoteTypeError() { type_error_ = true; }
  [[nodiscard]] bool type_error() const { return type_error_; }

 private:
  bool type_error_ = false;
};

inline constexpr std::string_view kUndefinedText = "undefined";

// What a value reads as: itself for a string, its JSON for others, kUndefinedText for null.
std::string TextOf(const Value& value);

// nullopt = undefined.
std::optional<Value> Evaluate(const Expression& expression, PropertyLookup& lookup);

// True only where the expression is the boolean true: undefined, null and every other type do not
// select.
bool Holds(const Expression& expression, PropertyLookup& lookup);

// The names an expression reads, each once, in order of first appearance.
std::vector<std::string> EventProperties(const Expression& expression);
std::vector<std::string> UserProperties(const Expression& expression);
std::vector<std::string> EventFields(const Expression& expression);

// A date-time "YYYY-MM-DD[THH:MM[:SS[.fff]]][Z]" as UTC milliseconds.
std::optional<int64_t> ParseDateTimeMs(std::string_view text);

}  // namespace bulkhead
