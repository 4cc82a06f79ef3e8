#include "wire/profile_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace bulkhead {
namespace {

constexpr int64_t kNow = 1795478400000;

ParsedProfiles Parse(std::string_view json, bool groups = false) {
  ProfileParseOptions options;
  options.groups = groups;
  options.now_ms = kNow;
  Result<ParsedProfiles> parsed = ParseProfiles(json, options);
  EXPECT_TRUE(parsed) << json;
  return parsed ? std::move(*parsed) : ParsedProfiles{};
}

ParsedProfiles Operation(const std::string& text) {
  return Parse(R"({"$token":"T","$distinct_id":"u1",)" + text + "}");
}

TEST(ProfileParser, NodeSet) {
  const ParsedProfiles parsed =
      Operation(R"("$set":{"$email":"a@b.c"},"$ignore_time":true,"$ip":"1.2.3.4")");
  ASSERT_EQ(parsed.profiles.size(), 1U);
  const ParsedProfile& profile = parsed.profiles[0];
  EXPECT_EQ(profile.token, "T");
  EXPECT_EQ(profile.distinct_id, "u1");
  EXPECT_TRUE(profile.ignore_time);
  EXPECT_EQ(profile.ip, "1.2.3.4");
  EXPECT_EQ(profile.time_ms, kNow);
  EXPECT_EQ(profile.operations.at(0).op, ProfileOperator::kSet);
}

TEST(ProfileParser, EveryOperator) {
  const auto json = [](const std::string& text) {
    const ParsedProfiles parsed = Operation(text);
    if (parsed.profiles.empty()) return std::string("refused");
    const ParsedOperation& operation = parsed.profiles[0].operations.at(0);
    return std::to_string(static_cast<int>(operation.op)) + ToJson(Value(operation.properties));
  };
  EXPECT_EQ(json(R"("$set_once":{"a":1})"), R"(2{"a":1})");
  EXPECT_EQ(json(R"("$add":{"k":2,"n":-1.5,"t":"3"})"), R"(3{"k":2,"n":-1.5,"t":3})");
  EXPECT_EQ(json(R"("$add":{"k":"x"})"), "refused");
  EXPECT_EQ(json(R"("$append":{"$transactions":{"$amount":9.5}})"),
            R"(4{"$transactions":{"$amount":9.5}})");
  EXPECT_EQ(json(R"("$union":{"l":["a"],"m":"b"})"), R"(5{"l":["a"],"m":["b"]})");
  EXPECT_EQ(json(R"("$remove":{"l":"a"})"), R"(6{"l":"a"})");
  EXPECT_EQ(json(R"("$unset":["k","l"])"), R"(7{"k":null,"l":null})");
  EXPECT_EQ(json(R"("$unset":"k")"), R"(7{"k":null})");
  EXPECT_EQ(json(R"("$unset":{"k":1})"), "refused");
  EXPECT_EQ(json(R"("$delete":"","$ignore_alias":true)"), "8{}");
  EXPECT_EQ(json(R"("$set":[1])"), "refused");
  EXPECT_EQ(json(R"("x":1)"), "refused");
}

TEST(ProfileParser, BatchOfMixedOperators) {
  const ParsedProfiles parsed = Parse(
      R"([{"$set":{"a":1},"$token":"T","$distinct_id":"user-9","$device_id":"uuid","$user_id":"user-9"},
          {"$set_once":{"initial_utm_source":"x"},"$token":"T","$distinct_id":"user-9"},
          {"$set":{"a":1},"$token":"T"},{"$set":{"a":1},"$distinct_id":"null"},
          {"$append":{"l":1},"$add":{"n":1},"$token":"T","$user_id":"user-9","$time":1795478356.5}])");
  ASSERT_EQ(parsed.profiles.size(), 3U);
  EXPECT_EQ(parsed.profiles[2].operations.size(), 2U);
  EXPECT_EQ(parsed.profiles[2].distinct_id, "user-9");
  EXPECT_EQ(parsed.profiles[2].time_ms, 1795478356500);
  ASSERT_EQ(parsed.errors.size(), 2U);
  EXPECT_EQ(parsed.errors[0].field, "$distinct_id");
  EXPECT_EQ(parsed.errors[1].index, 3U);
}

TEST(ProfileParser, Groups) {
  const ParsedProfiles parsed =
      Parse(R"([{"$set":{"seats":2},"$group_key":"company","$group_id":"acme","$token":"TOKB"},
                {"$set":{"seats":2},"$group_key":"company","$group_id":42,"$token":"TOKB"},
                {"$set":{"seats":2},"$group_id":"acme","$token":"TOKB"}])",
            true);
  ASSERT_EQ(parsed.profiles.size(), 2U);
  EXPECT_EQ(parsed.profiles[0].group_key, "company");
  EXPECT_EQ(parsed.profiles[1].group_id, "42");
  EXPECT_EQ(parsed.errors.size(), 1U);
}

TEST(ProfileParser, Modifiers) {
  EXPECT_EQ(Operation(R"("$set":{},"$ip":"0")").profiles.at(0).ip, "");
  EXPECT_EQ(Operation(R"("$set":{},"$ip":0)").profiles.at(0).ip, "");
  EXPECT_EQ(Operation(R"("$set":{},"$ip":1)").profiles.at(0).ip, std::nullopt);
  EXPECT_TRUE(Operation(R"("$set":{},"$ignore_time":"true")").profiles.at(0).ignore_time);
  EXPECT_FALSE(Operation(R"("$set":{},"$ignore_time":"false")").profiles.at(0).ignore_time);
  EXPECT_EQ(Operation(R"("$set":{},"$time":"soon")").errors.at(0).field, "$time");
}

TEST(ProfileParser, LastOfEqualOperatorsWins) {
  const ParsedProfiles parsed = Operation(
      R"("$set":{"a":1,"b":1},"$unset":["x"],"$set":{"a":2},"$unset":["y"],"$delete":"","$delete":"")");
  ASSERT_EQ(parsed.profiles.size(), 1U);
  const std::vector<ParsedOperation>& operations = parsed.profiles[0].operations;
  ASSERT_EQ(operations.size(), 3U);
  EXPECT_EQ(ToJson(Value(operations[0].properties)), R"({"a":2})");
  EXPECT_EQ(ToJson(Value(operations[1].properties)), R"({"y":null})");
}

TEST(ProfileParser, EverythingReadCountsAgainstTheSize) {
  const auto repeated = [](size_t times, const std::string& member) {
    std::string text = member;
    for (size_t i = 1; i < times; ++i) text.append(",").append(member);
    return Operation(text);
  };
  EXPECT_EQ(repeated(1000, R"("$set":{})").profiles.size(), 1U);
  EXPECT_EQ(repeated(200'000, R"("$set":{})").errors.size(), 1U);
  EXPECT_EQ(repeated(200'000, R"("$unset":"abcd")").errors.size(), 1U);
  const std::string large = std::string(R"("$set":{"a":")").append(200'000, 'x').append("\"}");
  EXPECT_EQ(repeated(5, large).profiles.size(), 1U);
  EXPECT_EQ(repeated(6, large).errors.at(0).message, "'profile' is invalid: is larger than 1 MB");
}

TEST(ProfileParser, Malformed) {
  ProfileParseOptions options;
  for (const char* text : {"", "[", "{\"$set\":", "7", "nul"})
    EXPECT_FALSE(ParseProfiles(text, options)) << text;
  EXPECT_EQ(Parse("[1,[],null]").errors.size(), 3U);
}

}  // namespace
}  // namespace bulkhead
