#include "wire/expression_parser.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/limits.h"

namespace bulkhead {
namespace {

class MapLookup final : public PropertyLookup {
 public:
  const Value* EventProperty(std::string_view name) override { return In(event, name); }
  const Value* UserProperty(std::string_view name) override { return In(user, name); }
  const Value* EventField(std::string_view name) override { return In(fields, name); }

  std::map<std::string, Value, std::less<>> event, user, fields;

 private:
  static const Value* In(const std::map<std::string, Value, std::less<>>& map,
                         std::string_view name) {
    const auto it = map.find(name);
    return it == map.end() ? nullptr : &it->second;
  }
};

// The answer as JSON, or "undefined", "type error", or the parser's error.
std::string Answer(std::string_view text) {
  MapLookup lookup;
  lookup.event.emplace("s", Value("abc"));
  lookup.event.emplace("n", Value(5.0));
  lookup.event.emplace("t", Value(true));
  lookup.event.emplace("z", Value());
  lookup.event.emplace("l", Value(ValueList{Value("a"), Value(2.0)}));
  lookup.user.emplace("$last_seen", Value("2025-01-02T03:04:05"));
  lookup.fields.emplace("$time", Value(1735787045.0));
  const Result<Expression> parsed = ParseExpression(text);
  if (!parsed) {
    return parsed.error().message;
  }
  const std::optional<Value> value = Evaluate(*parsed, lookup);
  if (lookup.type_error()) {
    return "type error";
  }
  return value ? ToJson(*value) : "undefined";
}

TEST(Expression, FollowsTheTypingRules) {
  const std::pair<const char*, const char*> kCases[] = {
      {R"(properties["n"] == 5)", "true"},
      {R"(properties["n"] == "5")", "false"},
      {R"(properties["n"] != "5")", "true"},
      {R"(properties["missing"] == 5)", "false"},
      {R"(properties["missing"] == properties["absent"])", "true"},
      {R"(properties["z"] == null)", "true"},
      {R"(properties["missing"] == null)", "false"},
      {R"(properties["s"] < "b")", "undefined"},
      {R"(properties["n"] >= 5 and properties["n"] < 6)", "true"},
      {R"(properties["n"] / 0)", "undefined"},
      {R"(properties["n"] % 0)", "undefined"},
      {"-7 % 3", "-1"},
      {"7 % -3", "1"},
      {R"(properties["s"] + "d")", R"("abcd")"},
      {R"(properties["s"] + 1)", "undefined"},
      {R"("b" in properties["s"])", "true"},
      {R"("a" in properties["l"])", "true"},
      {R"(2 in properties["l"])", "true"},
      {R"("2" in properties["l"])", "false"},
      {R"(properties["s"] in ["abc", "x"])", "true"},
      {R"(properties["s"] not in ["abc", "x"])", "false"},
      {R"(1 in 2)", "undefined"},
      {R"(properties["missing"] or true)", "true"},
      {R"(properties["missing"] and true)", "false"},
      {R"(properties["n"] and true)", "type error"},
      {R"(not properties["n"])", "type error"},
      // In either order, whatever the other operand is.
      {R"(true and properties["n"])", "type error"},
      {R"(false and properties["n"])", "type error"},
      {R"(properties["n"] and false)", "type error"},
      {R"(properties["n"] or true)", "type error"},
      {R"(true or properties["n"])", "type error"},
      {R"(properties["z"] or true)", "type error"},
      {R"(true or properties["t"])", "true"},
      {R"(false and properties["missing"])", "false"},
      {R"(true or (false and properties["n"]))", "true"},
      {R"(not properties["missing"])", "true"},
      {R"(not properties["t"])", "false"},
      {R"(number("abc"))", "undefined"},
      {"number(null)", "undefined"},
      {R"(number("12.5"))", "12.5"},
      {"number(true)", "1"},
      {"string(null)", "null"},
      {"string(5)", R"("5")"},
      {"string(true)", R"("true")"},
      {"boolean(0)", "false"},
      {R"(boolean("x"))", "true"},
      {"floor(-1.5)", "-2"},
      {"ceil(1.2)", "2"},
      {"round(2.5)", "3"},
      {R"(floor("x"))", "undefined"},
      {R"(defined(properties["z"]))", "true"},
      {R"(defined(properties["missing"]))", "false"},
      {"1 + 2 * 3 == 7", "true"},
      {"(1 + 2) * 3", "9"},
      {R"(user["$last_seen"] >= datetime("2025-01-02T03:04:05"))", "true"},
      {R"(user["$last_seen"] > datetime("2025-01-02T03:04:05"))", "false"},
      {R"(event["$time"] == datetime("2025-01-02T03:04:05"))", "true"},
      {R"('it\'s' == "it's")", "true"},
      {R"("\u00e9" == "é")", "true"},
  };
  for (const auto& [text, expected] : kCases) {
    EXPECT_EQ(Answer(text), expected) << text;
  }
}

TEST(Expression, ErrorsNameTheColumn) {
  EXPECT_EQ(Answer("1 +"), "column 4: a value expected, but the text ends");
  EXPECT_EQ(Answer("(1"), "column 3: a closing bracket expected");
  EXPECT_EQ(Answer("true and 1"), "column 10: and needs booleans");
  EXPECT_EQ(Answer("nonsense(1)"), "column 1: a name that this language does not have");
  EXPECT_EQ(Answer("1 1"), "column 3: something that does not belong there");
  EXPECT_EQ(Answer("\"open"),
            "column 1: a string that does not end, or a character with no meaning");
  EXPECT_EQ(Answer(R"(event["x"])"), "column 7: event has $time, $name and $distinct_id only");
}

std::string ErrorOfCondition(std::string_view text) {
  const Result<Expression> parsed = ParseCondition(text, ConditionOver::kEvents);
  return parsed ? "" : parsed.error().message;
}

TEST(Condition, CanBeTrue) {
  const std::string never = "column 1: a condition expected, this is never true or false";
  for (const char* text :
       {"1", R"("pro")", "null", "[1, 2]", R"(properties["n"] + 1)", R"(-properties["n"])",
        R"(number(properties["n"]))", R"(floor(properties["n"] / 2))", R"((("pro")))"}) {
    EXPECT_EQ(ErrorOfCondition(text), never) << text;
  }
  for (const char* text : {"true", R"(properties["paid"])", R"(boolean(properties["n"]))",
                           R"(not properties["paid"])", R"(1 in [1])"}) {
    EXPECT_EQ(ErrorOfCondition(text), "") << text;
  }
  EXPECT_EQ(ErrorOfCondition(R"(properties["a"] == 1 or "pro")"), "column 25: or needs booleans");
  EXPECT_EQ(ErrorOfCondition(R"(not (properties["a"] + 1))"), "column 6: not needs a boolean");
}

TEST(Condition, OverEventsTheirFieldsHaveNamesOfProperties) {
  const char* const text =
      R"(properties["time"] > 5 and (properties["distinct_id"] == "a" or properties["$distinct_id"] == "b"))";
  const auto events = ParseCondition(text, ConditionOver::kEvents);
  ASSERT_TRUE(events);
  EXPECT_TRUE(EventProperties(*events).empty());
  EXPECT_EQ(EventFields(*events), (std::vector<std::string>{"$time", "$distinct_id"}));
  const auto profiles = ParseCondition(text, ConditionOver::kProfiles);
  ASSERT_TRUE(profiles);
  EXPECT_EQ(EventProperties(*profiles).size(), 3U);
}

TEST(Expression, DepthAndSizeAreBounded) {
  EXPECT_NE(Answer(std::string(5000, '(')).find("nested too deeply"), std::string::npos);
  EXPECT_NE(Answer(std::string(5000, '-') + "1").find("nested too deeply"), std::string::npos);
  std::string chain = "true";
  for (int i = 0; i < 1000; ++i) {
    chain += " and true";
  }
  EXPECT_EQ(Answer(chain), "true");
  std::string sum = "1";
  for (int i = 0; i < 1000; ++i) {
    sum += "+1";
  }
  EXPECT_NE(Answer(sum).find("nested too deeply"), std::string::npos);
  EXPECT_FALSE(ParseExpression(std::string(limits::kMaxExpressionBytes + 1, ' ')).has_value());
}

TEST(Expression, ListsTheNamesItReads) {
  const auto parsed = ParseExpression(
      R"(properties["a"] == 1 and (properties["b"] == user["c"] or properties["a"] == 2))");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(EventProperties(*parsed), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(UserProperties(*parsed), (std::vector<std::string>{"c"}));
}

TEST(Expression, OnTakesBareNames) {
  const auto bare = ParseOn("$browser");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->op, ExpressionOp::kEventProperty);
  EXPECT_EQ(bare->name, "$browser");
  EXPECT_EQ(ParseOn(R"(user["x"])")->op, ExpressionOp::kUserProperty);
}

TEST(Formula, KnowsItsMetrics) {
  EXPECT_TRUE(ParseFormula("A/B*100", 2));
  EXPECT_TRUE(ParseFormula("(A - B) / -A", 2));
  EXPECT_EQ(ParseFormula("A/C", 2).error().message, "column 3: there is no metric of that letter");
  EXPECT_FALSE(ParseFormula("A and B", 2));
}

}  // namespace
}  // namespace bulkhead
