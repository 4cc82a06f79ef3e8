#include "http/query_parameters.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/limits.h"
#include "base/percent.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxParameters = 256;
constexpr size_t kMaxListElements = 10'000;
constexpr int64_t kMaxRangeDays = 20LL * 366;

bool ParseInteger(std::string_view text, int64_t* value) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return ec == std::errc{} && end == text.data() + text.size();
}

std::string_view UnitName(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kSecond:
      return "second";
    case TimeUnit::kMinute:
      return "minute";
    case TimeUnit::kHour:
      return "hour";
    case TimeUnit::kDay:
      return "day";
    case TimeUnit::kWeek:
      return "week";
    case TimeUnit::kMonth:
      return "month";
  }
  return "";
}

}  // namespace

std::optional<int64_t> DayNumber(std::string_view date) {
  if (date.size() != 10 || date[4] != '-' || date[7] != '-') {
    return std::nullopt;
  }
  for (const size_t i : {0UL, 1UL, 2UL, 3UL, 5UL, 6UL, 8UL, 9UL}) {
    if (date[i] < '0' || date[i] > '9') {
      return std::nullopt;
    }
  }
  const auto number = [&](size_t at, size_t size) {
    int value = 0;
    std::from_chars(date.data() + at, date.data() + at + size, value);
    return value;
  };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  if (!day.ok()) {
    return std::nullopt;
  }
  return std::chrono::sys_days(day).time_since_epoch().count();
}

std::optional<std::vector<std::string>> ParseTextArray(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::array array;
  if (parser.parse(json.data(), json.size()).get_array().get(array) != simdjson::SUCCESS ||
      array.size() > kMaxListElements) {
    return std::nullopt;
  }
  std::vector<std::string> texts;
  for (const simdjson::dom::element element : array) {
    std::string_view text;
    if (element.get_string().get(text) == simdjson::SUCCESS) {
      texts.emplace_back(text);
    } else if (element.is_number()) {
      texts.push_back(simdjson::minify(element));
    } else {
      return std::nullopt;
    }
  }
  return texts;
}

Result<void> QueryParameters::Add(std::string name, std::string value) {
  for (const auto& [known, known_value] : values_) {
    if (known == name) {
      if (known_value == value) {
        return {};
      }
      return Error{ErrorCode::kInvalid, "a parameter is given twice with different values"};
    }
  }
  if (values_.size() >= kMaxParameters) {
    return Error{ErrorCode::kInvalid, "too many parameters"};
  }
  values_.emplace_back(std::move(name), std::move(value));
  return {};
}

Result<void> QueryParameters::AddForm(std::string_view text) {
  while (!text.empty()) {
    const size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (pair.empty()) {
      continue;
    }
    const size_t equals = pair.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
    Result<void> added =
        Add(PercentDecode(pair.substr(0, equals), true), PercentDecode(value, true));
    if (!added) {
      return added;
    }
  }
  return {};
}

Result<void> QueryParameters::AddJson(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(text.data(), text.size()).get_object().get(object) != simdjson::SUCCESS) {
    return Error{ErrorCode::kInvalid, "the body is not a JSON object"};
  }
  for (const auto& [name, value] : object) {
    std::string_view string;
    Result<void> added;
    if (value.get_string().get(string) == simdjson::SUCCESS) {
      added = Add(std::string(name), std::string(string));
    } else if (!value.is_null()) {
      added = Add(std::string(name), simdjson::minify(value));
    }
    if (!added) {
      return added;
    }
  }
  return {};
}

const std::string* QueryParameters::Find(std::string_view name) const {
  for (const auto& [known, value] : values_) {
    if (known == name) {
      return value.empty() ? nullptr : &value;
    }
  }
  return nullptr;
}

void ParameterReader::Fail(std::string_view name, std::string_view what) {
  if (!error_) {
    error_ = Error{ErrorCode::kInvalid, std::string(name) + ": " + std::string(what)};
  }
}

std::string ParameterReader::Text(std::string_view name, std::string_view fallback) {
  const std::string* value = parameters_.Find(name);
  return value == nullptr ? std::string(fallback) : *value;
}

std::string ParameterReader::RequiredText(std::string_view name) {
  if (!Has(name)) {
    Fail(name, "is required");
  }
  return Text(name);
}

int64_t ParameterReader::Integer(std::string_view name, int64_t fallback, int64_t least,
                                 int64_t most) {
  const std::string* value = parameters_.Find(name);
  if (value == nullptr) {
    return fallback;
  }
  int64_t number = 0;
  if (!ParseInteger(*value, &number) || number < least || number > most) {
    Fail(name, "must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
    return fallback;
  }
  return number;
}

int64_t ParameterReader::RequiredInteger(std::string_view name, int64_t least, int64_t most) {
  if (!Has(name)) {
    Fail(name, "is required");
  }
  return Integer(name, least, least, most);
}

bool ParameterReader::Flag(std::string_view name, bool fallback) {
  const std::string* value = parameters_.Find(name);
  if (value == nullptr) {
    return fallback;
  }
  if (*value == "true" || *value == "True" || *value == "1") {
    return true;
  }
  if (*value != "false" && *value != "False" && *value != "0") {
    Fail(name, "must be true or false");
  }
  return false;
}

DateRange ParameterReader::Range() {
  DateRange range;
  range.from = RequiredText("from_date");
  range.to = RequiredText("to_date");
  const std::optional<int64_t> from = DayNumber(range.from);
  const std::optional<int64_t> to = DayNumber(range.to);
  if (!from) {
    Fail("from_date", "must be a date YYYY-MM-DD");
  } else if (!to) {
    Fail("to_date", "must be a date YYYY-MM-DD");
  } else if (*to < *from) {
    Fail("to_date", "must not be before from_date");
  } else if (*to - *from > kMaxRangeDays) {
    Fail("to_date", "is too far from from_date");
  }
  return range;
}

std::vector<std::string> ParameterReader::Texts(std::string_view name) {
  const std::string* value = parameters_.Find(name);
  if (value == nullptr) {
    return {};
  }
  if (value->front() != '[') {
    return {*value};
  }
  std::optional<std::vector<std::string>> texts = ParseTextArray(*value);
  if (!texts) {
    Fail(name, "must be a JSON array of strings");
    return {};
  }
  return std::move(*texts);
}

std::vector<std::string> ParameterReader::RequiredTexts(std::string_view name) {
  std::vector<std::string> texts = Texts(name);
  if (texts.empty()) {
    Fail(name, "is required");
  }
  return texts;
}

SharedExpression ParameterReader::Where(std::string_view name, ConditionOver over) {
  const std::string* value = parameters_.Find(name);
  if (value == nullptr) {
    return nullptr;
  }
  Result<Expression> expression = ParseCondition(*value, over);
  if (!expression) {
    Fail(name, expression.error().message);
    return nullptr;
  }
  return std::make_shared<const Expression>(std::move(*expression));
}

SharedExpression ParameterReader::On(std::string_view name) {
  const std::string* value = parameters_.Find(name);
  if (value == nullptr) {
    return nullptr;
  }
  Result<Expression> expression = ParseOn(*value);
  if (!expression) {
    Fail(name, expression.error().message);
    return nullptr;
  }
  return std::make_shared<const Expression>(std::move(*expression));
}

TimeUnit ParameterReader::Unit(std::string_view name, TimeUnit fallback,
                               std::initializer_list<TimeUnit> allowed) {
  const std::string* value = parameters_.Find(name);
  if (value == nullptr) {
    return fallback;
  }
  std::string names;
  for (const TimeUnit unit : allowed) {
    if (*value == UnitName(unit)) {
      return unit;
    }
    names += names.empty() ? "" : ", ";
    names += UnitName(unit);
  }
  Fail(name, "must be one of " + names);
  return fallback;
}

size_t ParameterReader::Choice(std::string_view name,
                               std::initializer_list<std::string_view> choices, size_t fallback) {
  const std::string* value = parameters_.Find(name);
  if (value == nullptr) {
    return fallback;
  }
  const auto* const found = std::find(choices.begin(), choices.end(), *value);
  if (found != choices.end()) {
    return static_cast<size_t>(found - choices.begin());
  }
  std::string names;
  for (const std::string_view choice : choices) {
    names += names.empty() ? "" : ", ";
    names += choice;
  }
  Fail(name, "must be one of " + names);
  return fallback;
}

void ParameterReader::Unsupported(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (Has(name)) {
      Fail(name, "is not supported");
    }
  }
}

}  // namespace bulkhead
