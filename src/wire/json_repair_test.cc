#include "wire/json_repair.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bulkhead {
namespace {

constexpr size_t kMax = 1000;

std::string Repaired(std::string_view text) {
  return RepairJson(text, kMax).value_or("nothing to repair");
}

TEST(RepairJson, SurrogatePairsAsSixBytesBecomeTheirCharacter) {
  EXPECT_EQ(Repaired("\"\xED\xA0\xBD\xED\xB8\x80!\""), "\"\xF0\x9F\x98\x80!\"");        // U+1F600
  EXPECT_EQ(Repaired("\"\xED\xA0\x80\xED\xB0\x80\""), "\"\xF0\x90\x80\x80\"");          // U+10000
  EXPECT_EQ(Repaired("\"\xED\xAF\xBF\xED\xBF\xBF\""), "\"\xF4\x8F\xBF\xBF\"");          // U+10FFFF
  EXPECT_EQ(Repaired("\"\xED\xA0\xBD\""), "\"\xEF\xBF\xBD\"");                          // cut
  EXPECT_EQ(Repaired("\"\xED\xB8\x80\xED\xA0\xBD\""), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");  // turned
  EXPECT_EQ(Repaired("\"\xED\xA0\xBD\xED\xA0\xBD\xED\xB8\x80\""),
            "\"\xEF\xBF\xBD\xF0\x9F\x98\x80\"");
}

TEST(RepairJson, BytesThatAreNoUtf8) {
  EXPECT_EQ(Repaired("\"a\xFF z\""), "\"a\xEF\xBF\xBD z\"");
  EXPECT_EQ(Repaired("\"\xC0\xAF\""), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");  // overlong
  EXPECT_EQ(Repaired("\"\xE2\x82\""), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
  EXPECT_EQ(Repaired("\"\xF4\x90\x80\x80\"").size(), 2U + 4 * 3);  // beyond Unicode
  EXPECT_EQ(Repaired("\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\xED\x9F\xBF\""), "nothing to repair");
}

TEST(RepairJson, EscapedHalvesOfPairs) {
  EXPECT_EQ(Repaired(R"("cut \ud83d")"), R"("cut \ufffd")");
  EXPECT_EQ(Repaired(R"("\ude00x")"), R"("\ufffdx")");
  EXPECT_EQ(Repaired(R"("\ud83d\ud83d\ude00")"), R"("\ufffd\ud83d\ude00")");
  EXPECT_EQ(Repaired(R"("\\ud83d \u00e4 \")"), "nothing to repair");
  EXPECT_EQ(Repaired("\"\\"), "nothing to repair");
}

TEST(RepairJson, NumbersThatNoParserHolds) {
  EXPECT_EQ(Repaired("[100000000000000000000,-9223372036854775809,18446744073709551616]"),
            "[100000000000000000000.0,-9223372036854775809.0,18446744073709551616.0]");
  EXPECT_EQ(Repaired("[1e400,-1e400,NaN,Infinity,-Infinity]"), "[null,null,null,null,null]");
  EXPECT_EQ(Repaired(std::string(400, '9')), "null");
  EXPECT_EQ(Repaired("[18446744073709551615,-9223372036854775808,1e-400,0.5,1E5,true]"),
            "nothing to repair");
  EXPECT_EQ(Repaired(R"({"NaN":"Infinity 1e400","undefined":-})"), "nothing to repair");
}

TEST(RepairJson, RawControlCharactersInStrings) {
  EXPECT_EQ(Repaired("{\"a\":\n\"b\nc\td\r\x01\"}"), "{\"a\":\n\"b\\nc\\td\\r\\u0001\"}");
  EXPECT_EQ(Repaired(std::string("\"\0\"", 3)), R"("\u0000")");
}

TEST(RepairJson, GrowsToItsLimitOnly) {
  EXPECT_FALSE(RepairJson("\"" + std::string(kMax, '\x01') + "\"", kMax));
  EXPECT_TRUE(RepairJson("\"" + std::string(kMax / 6 - 2, '\x01') + "\"", kMax));
}

std::vector<std::string> Split(std::string_view text) {
  std::vector<std::string> all;
  ArraySplitter parts(text);
  while (const auto part = parts.Next()) all.emplace_back(*part);
  return all;
}

TEST(ArraySplitter, AtDepthOneOnly) {
  using Parts = std::vector<std::string>;
  EXPECT_EQ(Split(R"([{"a":[1,2]}, x ,"],[\"",[3]])"),
            (Parts{R"({"a":[1,2]})", " x ", R"("],[\"")", "[3]"}));
  EXPECT_EQ(Split(" [ ] "), Parts{});
  EXPECT_EQ(Split("[1,]"), (Parts{"1", ""}));
  EXPECT_EQ(Split("{}"), Parts{});
  EXPECT_EQ(Split(""), Parts{});
}

TEST(ArraySplitter, WholeArrays) {
  for (const char* text : {"[]", " [1,x,\"]\"] \n", "[[[[]]]]", "[{]]"})
    EXPECT_TRUE(ArraySplitter::IsArray(text)) << text;
  for (const char* text : {"", "[", "[1", "[\"]", "[1]]", "[1] 2", "{}", "[\"\\\"]", "[[]"})
    EXPECT_FALSE(ArraySplitter::IsArray(text)) << text;
}

}  // namespace
}  // namespace bulkhead
