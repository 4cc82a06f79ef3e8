// Arbitrary text as an expression: refused with a column, or an expression that evaluates.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "model/value.h"
#include "wire/expression_parser.h"

namespace {

class SameEverywhere final : public bulkhead::PropertyLookup {
 public:
  explicit SameEverywhere(const bulkhead::Value* value) : value_(value) {}
  const bulkhead::Value* EventProperty(std::string_view) override { return value_; }
  const bulkhead::Value* UserProperty(std::string_view) override { return value_; }
  const bulkhead::Value* EventField(std::string_view) override { return value_; }

 private:
  const bulkhead::Value* value_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulkhead;  // NOLINT
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Value number(3.5);
  const Value string("a");
  const Value list(ValueList{Value("a"), Value(1.0), Value()});
  const Value yes(true);
  if (const Result<Expression> parsed = ParseExpression(text)) {
    for (const Value* value : {static_cast<const Value*>(nullptr), &number, &string, &list, &yes}) {
      SameEverywhere lookup(value);
      const bool defined = Evaluate(*parsed, lookup).has_value();
      SameEverywhere again(value);
      Check(defined == Evaluate(*parsed, again).has_value(), "evaluation has one answer");
    }
  } else {
    Check(parsed.error().message.starts_with("column "), "an error names the column");
  }
  (void)ParseOn(text).has_value();
  (void)ParseFormula(text, 3).has_value();
  return 0;
}
