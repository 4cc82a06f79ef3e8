// Parameters of the query faces: gathered from the query string and a form or JSON body, read
// strictly. Pure; errors name the parameter and never its value.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/report.h"
#include "wire/expression_parser.h"

namespace bulkhead {

class QueryParameters {
 public:
  // "a=1&b=%20" as URLs and forms have it. A name given twice with different values is an error.
  Result<void> AddForm(std::string_view text);
  // A JSON object: strings as they are, everything else as its JSON text, null as absent.
  Result<void> AddJson(std::string_view text);

  // nullptr: not given, or empty.
  [[nodiscard]] const std::string* Find(std::string_view name) const;

 private:
  Result<void> Add(std::string name, std::string value);
  std::vector<std::pair<std::string, std::string>> values_;
};

// Reads typed parameters and keeps the first error, so that a request is read in one go and checked
// once.
class ParameterReader {
 public:
  explicit ParameterReader(const QueryParameters& parameters) : parameters_(parameters) {}

  [[nodiscard]] bool Has(std::string_view name) const { return parameters_.Find(name) != nullptr; }
  std::string Text(std::string_view name, std::string_view fallback = {});
  std::string RequiredText(std::string_view name);
  int64_t Integer(std::string_view name, int64_t fallback, int64_t least, int64_t most);
  int64_t RequiredInteger(std::string_view name, int64_t least, int64_t most);
  bool Flag(std::string_view name, bool fallback);  // true, false, 1, 0
  // from_date and to_date, both required, real dates in order.
  DateRange Range();
  // A JSON array of strings (or numbers), or one bare string.
  std::vector<std::string> Texts(std::string_view name);
  std::vector<std::string> RequiredTexts(std::string_view name);
  SharedExpression Where(std::string_view name, ConditionOver over = ConditionOver::kEvents);
  SharedExpression On(std::string_view name);
  TimeUnit Unit(std::string_view name, TimeUnit fallback, std::initializer_list<TimeUnit> allowed);
  // The text must be one of these; its index.
  size_t Choice(std::string_view name, std::initializer_list<std::string_view> choices,
                size_t fallback);
  // Parameters whose meaning is not offered: silently ignoring them would give a wrong answer.
  void Unsupported(std::initializer_list<std::string_view> names);

  void Fail(std::string_view name, std::string_view what);
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  const QueryParameters& parameters_;
  std::optional<Error> error_;
};

// A JSON array of strings and numbers as texts; nullopt: something else.
std::optional<std::vector<std::string>> ParseTextArray(std::string_view json);

// Days since 1970 of a real calendar date YYYY-MM-DD.
std::optional<int64_t> DayNumber(std::string_view date);

}  // namespace bulkhead
