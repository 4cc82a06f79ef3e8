#include "model/value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "model/ids.h"

namespace bulkhead {
namespace {

std::string Number(double number) { return ToJson(Value(number)); }
std::string Text(std::string_view text) { return ToJson(Value(text)); }

TEST(Value, Numbers) {
  EXPECT_EQ(Number(0), "0");
  EXPECT_EQ(Number(-3), "-3");
  EXPECT_EQ(Number(1700000000000), "1700000000000");
  EXPECT_EQ(Number(9007199254740992), "9007199254740992");
  EXPECT_EQ(Number(-9007199254740992), "-9007199254740992");
  EXPECT_EQ(Number(0.1), "0.1");
  EXPECT_EQ(Number(1e100), "1e+100");
  EXPECT_EQ(Number(std::nan("")), "null");
  EXPECT_EQ(Number(-std::numeric_limits<double>::infinity()), "null");
  for (const double number : {-0.0, 1.0 / 3, 5e-324, 1.7976931348623157e308, 1e21, 123456.789}) {
    EXPECT_EQ(std::strtod(Number(number).c_str(), nullptr), number) << Number(number);
  }
}

TEST(Value, Strings) {
  EXPECT_EQ(Text("plain"), "\"plain\"");
  EXPECT_EQ(Text("\"\\\b\f\n\r\t\x01\x1F"), "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\"");
  EXPECT_EQ(Text(std::string_view("\0", 1)), "\"\\u0000\"");
  EXPECT_EQ(Text("h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"),
            "\"h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\"");
}

TEST(Value, BytesThatAreNoUtf8AreReplaced) {
  const std::string replaced = "\xEF\xBF\xBD";
  // A lone continuation, overlong forms, a surrogate, past the last code point, cut off.
  EXPECT_EQ(Text("a\x80z"), "\"a" + replaced + "z\"");
  EXPECT_EQ(Text("\xC0\xAF"), "\"" + replaced + replaced + "\"");
  EXPECT_EQ(Text("\xE0\x80\x80"), "\"" + replaced + replaced + replaced + "\"");
  EXPECT_EQ(Text("\xED\xA0\x80"), "\"" + replaced + replaced + replaced + "\"");
  EXPECT_EQ(Text("\xF4\x90\x80\x80"), "\"" + replaced + replaced + replaced + replaced + "\"");
  EXPECT_EQ(Text("\xE2\x82"), "\"" + replaced + replaced + "\"");
  EXPECT_EQ(Text("\xE2\x82\""), "\"" + replaced + replaced + "\\\"\"");
}

TEST(Value, NestedAndFound) {
  const ValueObject object{{"a", Value(ValueList{Value(1.0), Value(), Value(true)})},
                           {"b", Value(ValueObject{})}};
  EXPECT_EQ(ToJson(Value(object)), R"({"a":[1,null,true],"b":{}})");
  EXPECT_EQ(Find(object, "b"), &object[1].second);
  EXPECT_EQ(Find(object, "c"), nullptr);
  EXPECT_EQ(Value(object), Value(object));
  EXPECT_FALSE(Value(object) == Value("a"));
}

TEST(SubjectId, Hex) {
  SubjectId id;
  id.bytes[0] = 0xAB;
  id.bytes[15] = 1;
  EXPECT_EQ(id.ToHex(), "ab000000000000000000000000000001");
  EXPECT_EQ(SubjectId::FromHex(id.ToHex()), id);
  EXPECT_EQ(id.Prefix(), 0xAB00000000000000U);
  EXPECT_FALSE(SubjectId::FromHex("ab"));
  EXPECT_FALSE(SubjectId::FromHex(std::string(32, 'g')));
  EXPECT_FALSE(SubjectId::FromHex(std::string(33, 'a')));
}

}  // namespace
}  // namespace bulkhead
