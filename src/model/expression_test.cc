#include "model/expression.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

class OneValue final : public PropertyLookup {
 public:
  explicit OneValue(std::optional<Value> value) : value_(std::move(value)) {}
  const Value* EventProperty(std::string_view) override { return value_ ? &*value_ : nullptr; }
  const Value* UserProperty(std::string_view) override { return nullptr; }

 private:
  std::optional<Value> value_;
};

std::string Answer(ExpressionOp op, std::optional<Value> value, const ValueList* wanted = nullptr) {
  Expression expression;
  expression.op = op;
  expression.children.resize(wanted == nullptr ? 1 : 2);
  expression.children[0].op = ExpressionOp::kEventProperty;
  if (wanted != nullptr) {
    expression.children[1].literal = Value(*wanted);
  }
  OneValue lookup(std::move(value));
  const std::optional<Value> answer = Evaluate(expression, lookup);
  return answer ? ToJson(*answer) : "not defined";
}

TEST(ExpressionTest, WhatReadsTheSameHasOneText) {
  EXPECT_EQ(Answer(ExpressionOp::kText, Value(1.0)), R"("1")");
  EXPECT_EQ(Answer(ExpressionOp::kText, Value("1")), R"("1")");
  EXPECT_EQ(Answer(ExpressionOp::kText, Value(true)), R"("true")");
  EXPECT_EQ(Answer(ExpressionOp::kText, Value(ValueList{Value(1.0)})), R"("[1]")");
  EXPECT_EQ(Answer(ExpressionOp::kText, std::nullopt), "not defined");
  EXPECT_EQ(Answer(ExpressionOp::kText, Value()), "not defined");
  EXPECT_EQ(Answer(ExpressionOp::kText, Value("undefined")), "not defined");
}

TEST(ExpressionTest, ListsHaveTheTextsOfTheirElements) {
  const ValueList mixed{Value(1.0), Value("1"), Value(), Value("undefined")};
  EXPECT_EQ(Answer(ExpressionOp::kTexts, Value(mixed)), R"(["1","1",null,null])");
  EXPECT_EQ(Answer(ExpressionOp::kTexts, Value(1.0)), R"("1")");
  EXPECT_EQ(Answer(ExpressionOp::kTexts, Value(ValueList{})), "null");
  EXPECT_EQ(Answer(ExpressionOp::kTexts, std::nullopt), "null");
  EXPECT_EQ(Answer(ExpressionOp::kTexts, Value("undefined")), "null");
}

TEST(ExpressionTest, OnlyTheTextsThatAreWanted) {
  const ValueList wanted{Value("1"), Value("b")};
  EXPECT_EQ(Answer(ExpressionOp::kTexts, Value(1.0), &wanted), R"("1")");
  EXPECT_EQ(Answer(ExpressionOp::kTexts, Value("a"), &wanted), "not defined");
  EXPECT_EQ(Answer(ExpressionOp::kTexts, Value("xbx"), &wanted), "not defined");
  EXPECT_EQ(Answer(ExpressionOp::kTexts, std::nullopt, &wanted), "not defined");
  const ValueList list{Value("a"), Value("b")};
  EXPECT_EQ(Answer(ExpressionOp::kTexts, Value(list), &wanted), R"(["b"])");
  const ValueList not_set{Value()};
  EXPECT_EQ(Answer(ExpressionOp::kTexts, std::nullopt, &not_set), "null");
  EXPECT_EQ(Answer(ExpressionOp::kTexts, Value(list), &not_set), "not defined");
}

}  // namespace
}  // namespace bulkhead
