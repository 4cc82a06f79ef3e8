// A property value, as JSON has them. Numbers are doubles, as in the SDKs and in Mixpanel's
// reports.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace bulkhead {

class Value;
using ValueList = std::vector<Value>;
using ValueObject =
    std::vector<std::pair<std::string, Value>>;  // in the order sent; keys unique (last one wins)

enum class ValueKind : unsigned char {
  kNull = 0,
  kBool = 1,
  kNumber = 2,
  kString = 3,
  kList = 4,
  kObject = 5
};

class Value {
 public:
  Value() = default;
  explicit Value(bool b) : data_(b) {}
  explicit Value(double d) : data_(d) {}
  explicit Value(std::string s) : data_(std::move(s)) {}
  explicit Value(std::string_view s) : data_(std::string(s)) {}
  explicit Value(const char* s) : data_(std::string(s)) {}
  explicit Value(ValueList list) : data_(std::move(list)) {}
  explicit Value(ValueObject object) : data_(std::move(object)) {}

  [[nodiscard]] ValueKind kind() const { return static_cast<ValueKind>(data_.index()); }
  [[nodiscard]] bool is_null() const { return kind() == ValueKind::kNull; }
  [[nodiscard]] bool is_string() const { return kind() == ValueKind::kString; }
  [[nodiscard]] bool is_number() const { return kind() == ValueKind::kNumber; }
  [[nodiscard]] bool is_bool() const { return kind() == ValueKind::kBool; }
  [[nodiscard]] bool is_list() const { return kind() == ValueKind::kList; }
  [[nodiscard]] bool is_object() const { return kind() == ValueKind::kObject; }

  [[nodiscard]] bool bool_value() const { return std::get<bool>(data_); }
  [[nodiscard]] double number() const { return std::get<double>(data_); }
  [[nodiscard]] const std::string& string() const { return std::get<std::string>(data_); }
  [[nodiscard]] std::string& string() { return std::get<std::string>(data_); }
  [[nodiscard]] const ValueList& list() const { return std::get<ValueList>(data_); }
  [[nodiscard]] ValueList& list() { return std::get<ValueList>(data_); }
  [[nodiscard]] const ValueObject& object() const { return std::get<ValueObject>(data_); }
  [[nodiscard]] ValueObject& object() { return std::get<ValueObject>(data_); }

  friend bool operator==(const Value& a, const Value& b);

 private:
  std::variant<std::monostate, bool, double, std::string, ValueList, ValueObject> data_;
};

// Compact JSON text: no white space, shortest number that reads back the same, integers up to 2^53
// without a fraction.
void AppendJson(const Value& value, std::string* out);
void AppendJsonString(std::string_view text, std::string* out);
void AppendJsonNumber(double number, std::string* out);
std::string ToJson(const Value& value);
// A text as JSON has it, in quotation marks.
std::string JsonString(std::string_view text);

// The member of that name, or nullptr.
const Value* Find(const ValueObject& object, std::string_view name);

}  // namespace bulkhead
