#include "wire/event_parser.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/limits.h"

namespace bulkhead {
namespace {

constexpr int64_t kNow = 1795478400000;  // 2026-11-24

ParsedEvents Parse(std::string_view json, bool strict = false, bool track = true) {
  EventParseOptions options;
  options.strict = strict;
  options.last_days_only = track;
  options.now_ms = kNow;
  Result<ParsedEvents> parsed = ParseEvents(json, options);
  EXPECT_TRUE(parsed) << json.substr(0, 200);
  return parsed ? std::move(*parsed) : ParsedEvents{};
}

ParsedEvents ParseStrict(std::string_view json) { return Parse(json, true, false); }

// Pieces one after the other; g++ 12 warns without cause about "literal" + std::string.
std::string Join(std::initializer_list<std::string_view> pieces) {
  std::string text;
  for (const std::string_view piece : pieces) text.append(piece);
  return text;
}

std::string EventWith(const std::string& properties) {
  return Join({R"({"event":"e","properties":{)", properties, "}}"});
}

TEST(EventParser, NodeEvent) {
  const ParsedEvents parsed = Parse(
      R"({"event":"Signed Up","properties":{"distinct_id":"u1","plan":"pro","token":"TOKENA","mp_lib":"node","$lib_version":"0.24.0"}})");
  ASSERT_EQ(parsed.events.size(), 1U);
  const ParsedEvent& event = parsed.events[0];
  EXPECT_EQ(event.name, "Signed Up");
  EXPECT_EQ(event.token, "TOKENA");
  EXPECT_EQ(event.distinct_id, "u1");
  EXPECT_EQ(event.time_ms, kNow);
  EXPECT_EQ(event.insert_id, "");
  EXPECT_EQ(ToJson(Value(event.properties)),
            R"({"plan":"pro","mp_lib":"node","$lib_version":"0.24.0"})");
}

TEST(EventParser, IdentifyingPropertiesAreTakenOut) {
  const ParsedEvents parsed = Parse(EventWith(
      R"("distinct_id":"$device:d","$device_id":"d","$user_id":12,"$insert_id":"abc-1","ip":"1.2.3.4","$time":1,
         "$anon_distinct_id":"x","$distinct_ids":["a","b"],"alias":"al","time":1795478356.8465006,"k":1)"));
  ASSERT_EQ(parsed.events.size(), 1U);
  const ParsedEvent& event = parsed.events[0];
  EXPECT_EQ(event.user_id, "12");
  EXPECT_EQ(event.ip, "1.2.3.4");
  EXPECT_EQ(event.time_ms, 1795478356847);
  ASSERT_EQ(event.identifiers.size(), 3U);
  EXPECT_EQ(event.identifiers[1].second, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(ToJson(Value(event.properties)), R"({"k":1})");
}

TEST(EventParser, BatchesKeepGoodRecords) {
  const ParsedEvents parsed = Parse(
      R"([{"event":"a"},{"event":""},7,{"event":"b","properties":[]},{"event":"c","properties":{}}])");
  EXPECT_EQ(parsed.events.size(), 2U);
  ASSERT_EQ(parsed.errors.size(), 3U);
  EXPECT_EQ(parsed.errors[0].index, 1U);
  EXPECT_EQ(parsed.errors[2].field, "properties");
}

TEST(EventParser, Ndjson) {
  EventParseOptions options;
  options.newline_delimited = true;
  options.now_ms = kNow;
  const auto parsed = ParseEvents("{\"event\":\"a\"}\r\n\n{bad\n{\"event\":\"b\"}", options);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->events.size(), 2U);
  ASSERT_EQ(parsed->errors.size(), 1U);
  EXPECT_EQ(parsed->errors[0].index, 1U);
  EXPECT_EQ(ParseEvents("[{\"event\":\"a\"},\n{\"event\":\"b\"}]", options)->events.size(), 2U);
}

TEST(EventParser, TimeRules) {
  const auto time = [](const std::string& text, bool strict, bool track) {
    const ParsedEvents parsed =
        Parse(EventWith("\"distinct_id\":\"u\",\"time\":" + text), strict, track);
    return parsed.events.empty() ? int64_t{-1} : parsed.events[0].time_ms;
  };
  EXPECT_EQ(time("1795478000", false, true), 1795478000000);
  EXPECT_EQ(time("1795478000123", false, true), 1795478000123);
  EXPECT_EQ(time("\"1795478000\"", false, true), 1795478000000);
  EXPECT_EQ(time("1600000000", false, true), -1);  // past the five days
  EXPECT_EQ(time("1600000000", true, false), 1600000000000);
  EXPECT_EQ(time("31535999", true, false), -1);
  EXPECT_EQ(time("31536000", true, false), 31536000000);
  EXPECT_EQ(time("1795480000", true, false), kNow);  // less than an hour ahead
  EXPECT_EQ(time("1795482001", true, false), -1);
  EXPECT_EQ(time("1895482001", false, false), kNow);
  for (const char* bad : {"\"today\"", "true", "[]", "-5", "-1e300"}) {
    EXPECT_EQ(time(bad, false, false), -1) << bad;
  }
  for (const char* far : {"1795478000123000", "\"1795478000123000\"", "1e300", "1e15"}) {
    EXPECT_EQ(time(far, false, true), kNow) << far;
    EXPECT_EQ(time(far, true, false), -1) << far;
  }
  EXPECT_EQ(time("null", false, true), kNow);
  EXPECT_EQ(time("null", true, false), -1);
}

TEST(EventParser, StrictMessagesAreMixpanels) {
  const ParsedEvents parsed =
      ParseStrict(EventWith(R"("distinct_id":"secret-person","$insert_id":"i-1","time":"secret")"));
  ASSERT_EQ(parsed.errors.size(), 1U);
  EXPECT_EQ(parsed.errors[0].field, "properties.time");
  EXPECT_EQ(parsed.errors[0].message,
            "'properties.time' is invalid: must be specified as seconds since epoch");
  EXPECT_EQ(parsed.errors[0].insert_id, "i-1");
}

TEST(EventParser, ForbiddenIds) {
  for (const char* id :
       {"null", "Undefined", "0", "-1", "N/A", "00000000-0000-0000-0000-000000000000", "{}"}) {
    const std::string json =
        EventWith(std::string("\"time\":1795478000,\"distinct_id\":\"") + id + "\"");
    EXPECT_EQ(ParseStrict(json).errors.size(), 1U) << id;
    const ParsedEvents loose = Parse(json);
    ASSERT_EQ(loose.events.size(), 1U);
    EXPECT_EQ(loose.events[0].distinct_id, "");
  }
  EXPECT_EQ(ParseStrict(EventWith(R"("time":1795478000,"distinct_id":"")")).events.size(), 1U);
  EXPECT_EQ(ParseStrict(EventWith(R"("time":1795478000)")).errors.size(), 1U);
}

TEST(EventParser, InsertIds) {
  const auto insert = [](const std::string& id, bool strict) {
    return Parse(
        EventWith("\"time\":1795478000,\"distinct_id\":\"u\",\"$insert_id\":\"" + id + "\""),
        strict, false);
  };
  EXPECT_EQ(insert(std::string(36, 'a'), true).events.size(), 1U);
  EXPECT_EQ(insert(std::string(37, 'a'), true).errors.size(), 1U);
  EXPECT_EQ(insert("a_b", true).errors.size(), 1U);
  EXPECT_EQ(insert("null", true).errors.size(), 1U);
  EXPECT_EQ(insert("null", false).events.at(0).insert_id, "");
  EXPECT_EQ(insert("a_b", false).events.at(0).insert_id, "a_b");
  for (const char* none : {"true", "null", "[1]", "{}"}) {
    const std::string json = EventWith(Join({"\"$insert_id\":\"a\",\"$insert_id\":", none}));
    EXPECT_EQ(Parse(json).events.at(0).insert_id, "") << none;
  }
  EXPECT_EQ(ParseStrict(EventWith(R"("time":1795478000,"distinct_id":"u","$insert_id":true)"))
                .errors.size(),
            1U);
}

TEST(EventParser, Ignore) {
  const ParsedEvents parsed = Parse(
      R"([{"event":"a","properties":{"$ignore":true}},{"event":"a","properties":{"$ignore":"yes"}},
      {"event":"a","properties":{"$ignore":false}},{"event":"a","properties":{"$ignore":""}}])");
  EXPECT_EQ(parsed.ignored, 2U);
  EXPECT_EQ(parsed.events.size(), 2U);
}

std::string Repeated(size_t count, const std::string& text) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

TEST(EventParser, CountsDepthsAndSizes) {
  const auto accepted = [](const std::string& properties) {
    return Parse(EventWith(properties)).events.size() == 1;
  };
  std::string many = "\"p0\":0";
  for (int i = 1; i < 255; ++i) many += Join({",\"p", std::to_string(i), "\":0"});
  EXPECT_TRUE(accepted(many));
  EXPECT_TRUE(accepted(many + ",\"token\":\"t\",\"distinct_id\":\"u\",\"time\":1795478000"));
  EXPECT_FALSE(accepted(many + ",\"q\":0"));
  EXPECT_TRUE(accepted(R"("a":{"b":{"c":{"d":1}}})"));
  EXPECT_FALSE(accepted(R"("a":{"b":{"c":{"d":{}}}})"));
  EXPECT_TRUE(accepted(Join({"\"a\":[0", Repeated(254, ",0"), "]"})));
  EXPECT_FALSE(accepted(Join({"\"a\":[0", Repeated(255, ",0"), "]"})));
  EXPECT_TRUE(accepted(Join({"\"a\":[\"", std::string(8000, 'x'), "\"]"})));
  EXPECT_FALSE(accepted(Join({"\"a\":[\"", std::string(8300, 'x'), "\"]"})));
  EXPECT_TRUE(accepted(Join({"\"a\":\"", std::string(100000, 'x'), "\""})));
  EXPECT_FALSE(accepted(Join({"\"a\":\"", std::string(limits::kMaxEventBytes + 1, 'x'), "\""})));
  EXPECT_FALSE(accepted(Join({"\"", std::string(256, 'n'), "\":1"})));
}

TEST(EventParser, TooManyEvents) {
  const std::string one = R"({"event":"a"},)";
  EventParseOptions options;
  options.now_ms = kNow;
  EXPECT_EQ(
      ParseEvents(Join({"[", Repeated(1999, one), R"({"event":"a"}])"}), options)->events.size(),
      2000U);
  EXPECT_EQ(
      ParseEvents(Join({"[", Repeated(2000, one), R"({"event":"a"}])"}), options).error().code,
      ErrorCode::kLimit);
}

TEST(EventParser, LastOfEqualNamesWins) {
  EXPECT_EQ(ToJson(Value(Parse(EventWith(R"("a":1,"b":2,"a":3)")).events.at(0).properties)),
            R"({"a":3,"b":2})");
  std::string many = "\"p0\":0";
  for (int i = 1; i < 60; ++i) many += Join({",\"p", std::to_string(i), "\":0"});
  const ParsedEvents parsed = Parse(EventWith(many + ",\"p7\":1"));
  EXPECT_EQ(parsed.events.at(0).properties.size(), 60U);
  EXPECT_EQ(Find(parsed.events.at(0).properties, "p7")->number(), 1.0);
}

TEST(EventParser, HalfSurrogatePairsDoNotLoseTheBatch) {
  const ParsedEvents parsed =
      Parse(EventWith(R"("a":"cut \ud83d","b":"\ude00x","c":"\ud83d\ude00","d":"\\ud83d")"));
  ASSERT_EQ(parsed.events.size(), 1U);
  const ValueObject& properties = parsed.events[0].properties;
  EXPECT_EQ(properties[0].second.string(), "cut \xEF\xBF\xBD");
  EXPECT_EQ(properties[1].second.string(), "\xEF\xBF\xBDx");
  EXPECT_EQ(properties[2].second.string(), "\xF0\x9F\x98\x80");
  EXPECT_EQ(properties[3].second.string(), "\\ud83d");
}

TEST(EventParser, EmojiAsTheBrowserSdkEncodesThem) {
  const ParsedEvents parsed = Parse(
      "[{\"event\":\"a\"},{\"event\":\"b\",\"properties\":{\"p\":\"\xED\xA0\xBD\xED\xB8\x80\","
      "\"cut\":\"x\xED\xA0\xBD\"}}]");
  ASSERT_EQ(parsed.events.size(), 2U);
  EXPECT_EQ(parsed.events[1].properties[0].second.string(), "\xF0\x9F\x98\x80");
  EXPECT_EQ(parsed.events[1].properties[1].second.string(), "x\xEF\xBF\xBD");
}

TEST(EventParser, NumbersAndControlCharactersDoNotLoseTheBatch) {
  const ParsedEvents parsed =
      Parse(EventWith("\"big\":100000000000000000000,\"far\":1e400,\"nan\":NaN,\"inf\":-Infinity,"
                      "\"text\":\"two\nlines\""));
  ASSERT_EQ(parsed.events.size(), 1U);
  EXPECT_EQ(ToJson(Value(parsed.events[0].properties)),
            R"({"big":1e+20,"far":null,"nan":null,"inf":null,"text":"two\nlines"})");
}

TEST(EventParser, OneBadElementDoesNotLoseItsNeighbours) {
  const ParsedEvents parsed =
      Parse(R"([{"event":"a"},{"event":undefined},{"event":"b","properties":{"x":"\q"}},)"
            "{\"event\":\"c\",\"properties\":{\"n\":NaN}},{'event':1},{\"event\":\"d\"}]");
  ASSERT_EQ(parsed.events.size(), 3U);
  EXPECT_EQ(parsed.events[1].index, 3U);
  EXPECT_EQ(parsed.events[2].name, "d");
  ASSERT_EQ(parsed.errors.size(), 3U);
  EXPECT_EQ(parsed.errors[0].index, 1U);
  EXPECT_EQ(parsed.errors[0].message, "'event' is invalid: must be JSON");
  const std::string deep =
      Join({R"([{"event":"a"},)", Repeated(5000, "["), Repeated(5000, "]"), "]"});
  EXPECT_EQ(Parse(deep).events.size(), 1U);
  EventParseOptions options;
  EXPECT_EQ(ParseEvents(Join({"[x", Repeated(2000, ",x"), "]"}), options).error().code,
            ErrorCode::kLimit);
}

TEST(EventParser, NdjsonThatBeginsBadly) {
  EventParseOptions options;
  options.newline_delimited = true;
  options.now_ms = kNow;
  for (const char* first : {"garbage", "[garbage", "[1,", "\"", "}"}) {
    const auto parsed =
        ParseEvents(Join({first, "\n{\"event\":\"a\"}\n{\"event\":\"b\"}\n"}), options);
    ASSERT_TRUE(parsed) << first;
    EXPECT_EQ(parsed->events.size(), 2U) << first;
    EXPECT_EQ(parsed->errors.size(), 1U) << first;
  }
}

TEST(EventParser, ADeviceIsNoUser) {
  const std::string json = EventWith(
      R"("time":1795478000,"distinct_id":"d1","$device_id":"d1","$user_id":"$device:d2")");
  const ParsedEvents loose = Parse(json);
  ASSERT_EQ(loose.events.size(), 1U);
  EXPECT_EQ(loose.events[0].user_id, std::nullopt);
  const ParsedEvents strict = ParseStrict(json);
  ASSERT_EQ(strict.errors.size(), 1U);
  EXPECT_EQ(strict.errors[0].message,
            "'properties.$user_id' is invalid: must not be a device's id");
}

TEST(EventParser, TextThatIsNoJson) {
  EventParseOptions options;
  for (const std::string& text :
       {std::string(), std::string("["), std::string("{\"event\":"), std::string("1"),
        std::string("\"x\""), std::string("[{\"event\":\"a\"}"),
        std::string("[{\"event\":\"a\"},{\"event\":}"), Repeated(100000, "["),
        Repeated(5000, "{\"a\":"), std::string("{}{}"), std::string(1, '\0')}) {
    const auto parsed = ParseEvents(text, options);
    ASSERT_FALSE(parsed) << text.substr(0, 40);
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalid);
  }
  const std::string whole = EventWith(R"("a":[1,{"b":"c\u00e9"}],"time":1795478000)");
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(ParseEvents(whole.substr(0, size), options));
}

TEST(CutString, WholeCharacters) {
  std::string text(253, 'a');
  text += "\xE2\x82\xAC";  // would end at 256
  CutString(&text);
  EXPECT_EQ(text, std::string(253, 'a'));
  std::string exact(255, 'b');
  CutString(&exact);
  EXPECT_EQ(exact.size(), 255U);
}

}  // namespace
}  // namespace bulkhead
