#include "model/expression.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

namespace bulkhead {
namespace {

using Outcome = std::optional<Value>;

Outcome Finite(double number) {
  if (!std::isfinite(number)) {
    return std::nullopt;
  }
  return Value(number);
}

// Leaves are looked at in place: the commonest comparison, property against literal, copies
// nothing.
bool IsLeaf(const Expression& expression) { return expression.op <= ExpressionOp::kEventField; }

const Value* Peek(const Expression& leaf, PropertyLookup& lookup) {
  switch (leaf.op) {
    case ExpressionOp::kLiteral:
      return &leaf.literal;
    case ExpressionOp::kEventProperty:
      return lookup.EventProperty(leaf.name);
    case ExpressionOp::kUserProperty:
      return lookup.UserProperty(leaf.name);
    default:
      return lookup.EventField(leaf.name);
  }
}

bool SameValue(const Value* a, const Value* b) {
  if (a == nullptr || b == nullptr) {
    return a == b;  // undefined equals undefined and nothing else
  }
  return *a == *b;
}

Outcome CompareNumbers(ExpressionOp op, const Value* a, const Value* b) {
  if (a == nullptr || b == nullptr || !a->is_number() || !b->is_number()) {
    return std::nullopt;
  }
  const double x = a->number();
  const double y = b->number();
  switch (op) {
    case ExpressionOp::kLess:
      return Value(x < y);
    case ExpressionOp::kLessEqual:
      return Value(x <= y);
    case ExpressionOp::kGreater:
      return Value(x > y);
    default:
      return Value(x >= y);
  }
}

Outcome Contains(const Value* needle, const Value* container) {
  if (container == nullptr) {
    return std::nullopt;
  }
  if (container->is_list()) {
    if (needle == nullptr) {
      return Value(false);
    }
    const ValueList& list = container->list();
    return Value(std::find(list.begin(), list.end(), *needle) != list.end());
  }
  if (needle != nullptr && needle->is_string() && container->is_string()) {
    return Value(container->string().find(needle->string()) != std::string::npos);
  }
  return std::nullopt;
}

Outcome Compare(ExpressionOp op, const Value* a, const Value* b) {
  switch (op) {
    case ExpressionOp::kEqual:
      return Value(SameValue(a, b));
    case ExpressionOp::kNotEqual:
      return Value(!SameValue(a, b));
    case ExpressionOp::kIn:
      return Contains(a, b);
    case ExpressionOp::kNotIn: {
      const Outcome contained = Contains(a, b);
      return Value(!contained || !contained->bool_value());
    }
    default:
      return CompareNumbers(op, a, b);
  }
}

Outcome Arithmetic(ExpressionOp op, const Outcome& a, const Outcome& b) {
  if (!a || !b) {
    return std::nullopt;
  }
  if (op == ExpressionOp::kAdd && a->is_string() && b->is_string()) {
    return Value(a->string() + b->string());
  }
  if (!a->is_number() || !b->is_number()) {
    return std::nullopt;
  }
  const double x = a->number();
  const double y = b->number();
  switch (op) {
    case ExpressionOp::kAdd:
      return Finite(x + y);
    case ExpressionOp::kSubtract:
      return Finite(x - y);
    case ExpressionOp::kMultiply:
      return Finite(x * y);
    case ExpressionOp::kDivide:
      return y == 0 ? Outcome() : Finite(x / y);
    default:
      return y == 0 ? Outcome() : Finite(std::fmod(x, y));
  }
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

Outcome ToNumber(const Value& value) {
  if (value.is_number()) {
    return value;
  }
  if (value.is_bool()) {
    return Value(value.bool_value() ? 1.0 : 0.0);
  }
  if (!value.is_string()) {
    return std::nullopt;
  }
  const std::string_view text = Trim(value.string());
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return Finite(number);
}

Outcome ToBoolean(const Value& value) {
  switch (value.kind()) {
    case ValueKind::kNull:
      return Value(false);
    case ValueKind::kBool:
      return value;
    case ValueKind::kNumber:
      return Value(value.number() != 0);
    case ValueKind::kString:
      return Value(!value.string().empty());
    case ValueKind::kList:
      return Value(!value.list().empty());
    case ValueKind::kObject:
      return Value(!value.object().empty());
  }
  return std::nullopt;
}

// Seconds since 1970. Numbers from 1e11 on are milliseconds, as in Mixpanel's own time fields.
Outcome ToDatetime(const Value& value) {
  if (value.is_number()) {
    return Value(std::abs(value.number()) >= 1e11 ? value.number() / 1000.0 : value.number());
  }
  if (value.is_string()) {
    if (const std::optional<int64_t> time_ms = ParseDateTimeMs(value.string())) {
      return Value(static_cast<double>(*time_ms) / 1000.0);
    }
  }
  return std::nullopt;
}

Outcome Cast(ExpressionOp op, const Outcome& operand) {
  if (!operand) {
    return std::nullopt;
  }
  switch (op) {
    case ExpressionOp::kNegate:
      return operand->is_number() ? Value(-operand->number()) : Outcome();
    case ExpressionOp::kFloor:
      return operand->is_number() ? Value(std::floor(operand->number())) : Outcome();
    case ExpressionOp::kRound:
      return operand->is_number() ? Value(std::round(operand->number())) : Outcome();
    case ExpressionOp::kCeil:
      return operand->is_number() ? Value(std::ceil(operand->number())) : Outcome();
    case ExpressionOp::kBoolean:
      return ToBoolean(*operand);
    case ExpressionOp::kNumber:
      return ToNumber(*operand);
    case ExpressionOp::kString:
      return operand->is_null() || operand->is_string() ? *operand : Value(ToJson(*operand));
    default:
      return ToDatetime(*operand);
  }
}

// A boolean operand: undefined counts as false; nullopt = of a type that has no truth.
std::optional<bool> Truth(const Outcome& operand) {
  if (!operand) {
    return false;
  }
  if (!operand->is_bool()) {
    return std::nullopt;
  }
  return operand->bool_value();
}

// Of what the parser lets stand as an operand, only these can have a value that is no boolean.
bool MayLackTruth(const Expression& operand) { return IsLeaf(operand); }

// The answer does not depend on the operands' order: one without truth makes the whole undefined
// also where another decides.
Outcome Connect(const Expression& expression, PropertyLookup& lookup) {
  const bool decisive = expression.op == ExpressionOp::kOr;  // the value that decides
  bool decided = false;
  for (const Expression& child : expression.children) {
    if (decided && !MayLackTruth(child)) {
      continue;
    }
    const std::optional<bool> truth = Truth(Evaluate(child, lookup));
    if (!truth) {
      lookup.NoteTypeError();
      return std::nullopt;
    }
    decided = decided || *truth == decisive;
  }
  return Value(decided == decisive);
}

Outcome Not(const Expression& operand, PropertyLookup& lookup) {
  const std::optional<bool> truth = Truth(Evaluate(operand, lookup));
  if (!truth) {
    lookup.NoteTypeError();
    return std::nullopt;
  }
  return Value(!*truth);
}

Outcome MakeList(const Expression& expression, PropertyLookup& lookup) {
  ValueList list;
  for (const Expression& child : expression.children) {
    if (Outcome element = Evaluate(child, lookup)) {
      list.push_back(*std::move(element));
    }
  }
  return Value(std::move(list));
}

// The text as a value; null where it reads as not set.
Value TextValue(const Value& value) {
  std::string text = TextOf(value);
  return text == kUndefinedText ? Value() : Value(std::move(text));
}

Outcome ToText(const Outcome& operand) {
  if (!operand) {
    return std::nullopt;
  }
  Value text = TextValue(*operand);
  return text.is_null() ? Outcome() : Outcome(std::move(text));
}

Outcome ToTexts(const Expression& expression, PropertyLookup& lookup) {
  const Outcome operand = Evaluate(expression.children[0], lookup);
  const ValueList* wanted =
      expression.children.size() > 1 ? &expression.children[1].literal.list() : nullptr;
  const auto is_wanted = [&](const Value& text) {
    return wanted == nullptr || std::find(wanted->begin(), wanted->end(), text) != wanted->end();
  };
  if (!operand || !operand->is_list() || operand->list().empty()) {
    Value text = operand && !operand->is_list() ? TextValue(*operand) : Value();
    return is_wanted(text) ? Outcome(std::move(text)) : std::nullopt;
  }
  ValueList texts;
  for (const Value& element : operand->list()) {
    Value text = TextValue(element);
    if (is_wanted(text)) {
      texts.push_back(std::move(text));
    }
  }
  return texts.empty() ? Outcome() : Outcome(Value(std::move(texts)));
}

Outcome EvaluateComparison(const Expression& expression, PropertyLookup& lookup) {
  const Expression& left = expression.children[0];
  const Expression& right = expression.children[1];
  if (right.op == ExpressionOp::kLiteral && IsLeaf(left)) {
    return Compare(expression.op, Peek(left, lookup), &right.literal);
  }
  const Outcome a = Evaluate(left, lookup);
  const Outcome b = Evaluate(right, lookup);
  return Compare(expression.op, a ? &*a : nullptr, b ? &*b : nullptr);
}

void Collect(const Expression& expression, ExpressionOp op, std::vector<std::string>* names) {
  if (expression.op == op &&
      std::find(names->begin(), names->end(), expression.name) == names->end()) {
    names->push_back(expression.name);
  }
  for (const Expression& child : expression.children) {
    Collect(child, op, names);
  }
}

// Reads exactly `digits` digits at *at.
std::optional<int> Digits(std::string_view text, size_t* at, size_t digits) {
  if (*at + digits > text.size()) {
    return std::nullopt;
  }
  int number = 0;
  for (size_t i = 0; i < digits; ++i) {
    const char c = text[*at + i];
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    number = number * 10 + (c - '0');
  }
  *at += digits;
  return number;
}

bool Skip(std::string_view text, size_t* at, char c) {
  if (*at < text.size() && text[*at] == c) {
    ++*at;
    return true;
  }
  return false;
}

// The part after the date: milliseconds of the day.
std::optional<int64_t> ParseTimeOfDay(std::string_view text, size_t* at) {
  const std::optional<int> hour = Digits(text, at, 2);
  if (!hour || !Skip(text, at, ':')) {
    return std::nullopt;
  }
  const std::optional<int> minute = Digits(text, at, 2);
  if (!minute || *hour > 23 || *minute > 59) {
    return std::nullopt;
  }
  int64_t ms = (int64_t{*hour} * 60 + *minute) * 60'000;
  if (Skip(text, at, ':')) {
    const std::optional<int> second = Digits(text, at, 2);
    if (!second || *second > 60) {
      return std::nullopt;
    }
    ms += int64_t{*second} * 1000;
    if (Skip(text, at, '.')) {
      int64_t scale = 100;
      const size_t begin = *at;
      while (*at < text.size() && text[*at] >= '0' && text[*at] <= '9') {
        ms += (text[*at] - '0') * scale;
        scale /= 10;
        ++*at;
      }
      if (*at == begin) {
        return std::nullopt;
      }
    }
  }
  return ms;
}

}  // namespace

std::string TextOf(const Value& value) {
  return value.is_null()     ? std::string(kUndefinedText)
         : value.is_string() ? value.string()
                             : ToJson(value);
}

std::optional<Value> Evaluate(const Expression& expression, PropertyLookup& lookup) {
  switch (expression.op) {
    case ExpressionOp::kLiteral:
    case ExpressionOp::kEventProperty:
    case ExpressionOp::kUserProperty:
    case ExpressionOp::kEventField: {
      const Value* value = Peek(expression, lookup);
      return value == nullptr ? Outcome() : Outcome(*value);
    }
    case ExpressionOp::kList:
      return MakeList(expression, lookup);
    case ExpressionOp::kAdd:
    case ExpressionOp::kSubtract:
    case ExpressionOp::kMultiply:
    case ExpressionOp::kDivide:
    case ExpressionOp::kModulo:
      return Arithmetic(expression.op, Evaluate(expression.children[0], lookup),
                        Evaluate(expression.children[1], lookup));
    case ExpressionOp::kEqual:
    case ExpressionOp::kNotEqual:
    case ExpressionOp::kLess:
    case ExpressionOp::kLessEqual:
    case ExpressionOp::kGreater:
    case ExpressionOp::kGreaterEqual:
    case ExpressionOp::kIn:
    case ExpressionOp::kNotIn:
      return EvaluateComparison(expression, lookup);
    case ExpressionOp::kAnd:
    case ExpressionOp::kOr:
      return Connect(expression, lookup);
    case ExpressionOp::kNot:
      return Not(expression.children[0], lookup);
    case ExpressionOp::kText:
      return ToText(Evaluate(expression.children[0], lookup));
    case ExpressionOp::kTexts:
      return ToTexts(expression, lookup);
    case ExpressionOp::kDefined:
      return Value(Evaluate(expression.children[0], lookup).has_value());
    default:
      return Cast(expression.op, Evaluate(expression.children[0], lookup));
  }
}

bool Holds(const Expression& expression, PropertyLookup& lookup) {
  const Outcome outcome = Evaluate(expression, lookup);
  return outcome && outcome->is_bool() && outcome->bool_value();
}

std::vector<std::string> EventProperties(const Expression& expression) {
  std::vector<std::string> names;
  Collect(expression, ExpressionOp::kEventProperty, &names);
  return names;
}

std::vector<std::string> UserProperties(const Expression& expression) {
  std::vector<std::string> names;
  Collect(expression, ExpressionOp::kUserProperty, &names);
  return names;
}

std::vector<std::string> EventFields(const Expression& expression) {
  std::vector<std::string> names;
  Collect(expression, ExpressionOp::kEventField, &names);
  return names;
}

std::optional<int64_t> ParseDateTimeMs(std::string_view text) {
  size_t at = 0;
  const std::optional<int> year = Digits(text, &at, 4);
  if (!year || !Skip(text, &at, '-')) {
    return std::nullopt;
  }
  const std::optional<int> month = Digits(text, &at, 2);
  if (!month || !Skip(text, &at, '-')) {
    return std::nullopt;
  }
  const std::optional<int> day = Digits(text, &at, 2);
  if (!day) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) {
    return std::nullopt;
  }
  int64_t ms = int64_t{std::chrono::sys_days(date).time_since_epoch().count()} * 86'400'000;
  if (Skip(text, &at, 'T') || Skip(text, &at, ' ')) {
    const std::optional<int64_t> time = ParseTimeOfDay(text, &at);
    if (!time) {
      return std::nullopt;
    }
    ms += *time;
    Skip(text, &at, 'Z');
  }
  return at == text.size() ? std::optional<int64_t>(ms) : std::nullopt;
}

}  // namespace bulkhead
