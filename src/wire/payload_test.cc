#include "wire/payload.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "base/base64.h"
#include "base/limits.h"
#include "base/percent.h"
#include "wire/form_parser.h"
#include "wire/gunzip.h"

namespace bulkhead {
namespace {

constexpr std::string_view kForm = "application/x-www-form-urlencoded";
constexpr std::string_view kEvent =
    R"({"event":"Signed Up","properties":{"distinct_id":"u1","plan":"pro>?","token":"TOKENA"}})";

std::string Gzip(std::string_view text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Payload Post(std::string_view type, std::string_view body, std::string_view query = "",
             std::string_view encoding = "") {
  return DecodePayload({query, type, encoding, body});
}

void ExpectEvent(const Payload& payload) {
  ASSERT_FALSE(payload.error) << payload.error->message;
  EXPECT_EQ(payload.json(), kEvent);
}

TEST(Payload, NodeSendsSingleEventsByGet) {
  const std::string query = "ip=0&verbose=1&data=" + PercentEncode(Base64Encode(kEvent));
  const Payload payload = DecodePayload({query, "", "", ""});
  ExpectEvent(payload);
  EXPECT_FALSE(payload.is_json_body);
  EXPECT_EQ(payload.parameters.verbose, 1);
  EXPECT_EQ(payload.parameters.use_ip, false);
}

TEST(Payload, NodePostsBase64WithoutUrlEncoding) {
  // Bytes chosen so that the base64 has '+', '/' and padding; '+' arrives as a space.
  const std::string json = R"({"event":"~~~>>>???~~~","properties":{}} )";
  const std::string encoded = Base64Encode(json);
  ASSERT_NE(encoded.find('+'), std::string::npos);
  const std::string body = "data=" + encoded;
  const Payload payload = Post(kForm, body);
  ASSERT_FALSE(payload.error);
  EXPECT_EQ(payload.json(), json);
}

TEST(Payload, Base64WithoutPaddingAndUrlSafe) {
  std::string encoded = Base64Encode(R"({"event":"~~~>>>???~~~","properties":{}} )");
  while (encoded.back() == '=') encoded.pop_back();
  for (char& c : encoded) c = c == '+' ? '-' : (c == '/' ? '_' : c);
  const std::string body = "data=" + encoded;
  ASSERT_FALSE(Post(kForm, body).error);
}

TEST(Payload, PythonPostsJsonInAFormWithParametersInTheBody) {
  const std::string body = "data=" + PercentEncode(kEvent) + "&verbose=1&ip=0";
  const Payload payload = Post(kForm, body);
  ExpectEvent(payload);
  EXPECT_EQ(payload.parameters.verbose, 1);
  EXPECT_EQ(payload.parameters.use_ip, false);
}

TEST(Payload, BrowserBatchBeaconAndRawJson) {
  const std::string form = "data=" + PercentEncode(Base64Encode(kEvent));
  ExpectEvent(Post(kForm, form, "verbose=1&ip=1&_=1795478393333"));
  ExpectEvent(Post("text/plain;charset=UTF-8", form));
  ExpectEvent(Post("text/plain", kEvent));
  const Payload raw = Post("application/json", kEvent, "ip=1");
  ExpectEvent(raw);
  EXPECT_TRUE(raw.is_json_body);
  EXPECT_FALSE(raw.json_is_owned);
  ExpectEvent(Post("", "\xEF\xBB\xBF" + std::string(kEvent)));
}

TEST(Payload, NdjsonIsToldByContentType) {
  const Payload payload = Post("application/x-ndjson", "{\"a\":1}\n{\"a\":2}\n");
  EXPECT_TRUE(payload.newline_delimited);
  EXPECT_TRUE(payload.is_json_body);
}

TEST(Payload, NdjsonMayBeginBadly) {
  for (const std::string_view body : {"garbage\n{\"a\":1}", "=&%\n{}", "\n\n x\n{}"}) {
    const Payload payload = Post("application/x-ndjson", body);
    ASSERT_FALSE(payload.error) << body;
    EXPECT_TRUE(payload.newline_delimited);
    EXPECT_EQ(payload.json(), body);
  }
  EXPECT_TRUE(Post("application/x-ndjson", " \n").error);
  EXPECT_EQ(Post("application/x-ndjson", Gzip("x\n{}"), "", "gzip").json(), "x\n{}");
}

TEST(Payload, GzipOfJsonAndOfForms) {
  ExpectEvent(Post("application/json", Gzip(kEvent), "", "gzip"));
  ExpectEvent(Post(kForm, Gzip("data=" + Base64Encode(kEvent)), "", "GZIP"));
  ExpectEvent(Post("application/json", Gzip("\xEF\xBB\xBF" + std::string(kEvent)), "", "gzip"));
  ExpectEvent(Post("application/json", kEvent, "", ""));  // imp sends the header empty
  ExpectEvent(Post("application/json", kEvent, "", " "));
  ExpectEvent(Post("application/json", kEvent, "", "identity"));
  EXPECT_EQ(Post("application/json", kEvent, "", "br").error->code, ErrorCode::kInvalid);
  EXPECT_EQ(Post("application/json", kEvent, "", "gzip").error->code, ErrorCode::kInvalid);
}

TEST(Payload, BombsStopAtTheLimit) {
  const std::string bomb = Gzip(std::string(limits::kMaxInflatedBytes + 1, ' '));
  ASSERT_LT(bomb.size(), 20000U);
  EXPECT_EQ(Post("application/json", bomb, "", "gzip").error->code, ErrorCode::kLimit);
  EXPECT_EQ(Post("application/json", std::string(limits::kMaxBodyBytes + 1, ' ')).error->code,
            ErrorCode::kLimit);
}

TEST(Payload, MalformedBodiesAreErrorsWithTheirParameters) {
  for (const std::string_view body :
       {"", "data", "data=%%%", "data=a", "nothing=1", "data=\x01\x02"}) {
    const Payload payload = Post(kForm, body, "verbose=1");
    ASSERT_TRUE(payload.error) << body;
    EXPECT_EQ(payload.parameters.verbose, 1);
    EXPECT_EQ(payload.error->message.find("\x01"), std::string::npos);
  }
}

TEST(Payload, Parameters) {
  const Payload payload = Post("application/json", kEvent,
                               "strict=1&img=1&callback=f&redirect=%2Fx&project_id=12&verbose=2");
  EXPECT_EQ(payload.parameters.strict, true);
  EXPECT_TRUE(payload.parameters.image);
  EXPECT_EQ(payload.parameters.callback, "f");
  EXPECT_EQ(payload.parameters.redirect, "/x");
  EXPECT_EQ(payload.parameters.project_id, 12U);
  EXPECT_EQ(payload.parameters.verbose, 2);
  EXPECT_EQ(Post("", kEvent, "project_id=12x").parameters.project_id, 0U);
  EXPECT_EQ(Post("", kEvent).parameters.use_ip, std::nullopt);
}

TEST(Gunzip, MembersAndDamage) {
  const std::string one = Gzip("hello ");
  const std::string both = one + Gzip("world");
  EXPECT_EQ(Gunzip(both, 100).value(), "hello world");
  EXPECT_EQ(Gunzip(both, 11).value(), "hello world");
  EXPECT_EQ(Gunzip(both, 10).error().code, ErrorCode::kLimit);
  for (size_t size = 0; size < one.size(); ++size) {
    EXPECT_FALSE(Gunzip(std::string_view(one).substr(0, size), 100)) << size;
  }
  EXPECT_FALSE(Gunzip(one + "x", 100));
  EXPECT_EQ(Gunzip(one + std::string(512, '\0'), 100).value(), "hello ");
  EXPECT_FALSE(Gunzip(one + std::string(3, '\0') + "x", 100));
  EXPECT_FALSE(Gunzip(std::string(512, '\0'), 100));
}

TEST(Callback, OnlyNamesOfFunctions) {
  for (const std::string_view name :
       {"f", "_a.$b.c1", "jQuery_12", "mixpanel._jsc[123]", "a[0][1].b", "(function(){})"})
    EXPECT_TRUE(IsValidCallback(name)) << name;
  for (const std::string_view name : {"",
                                      ".",
                                      "a.",
                                      ".a",
                                      "a..b",
                                      "1a",
                                      "a(b)",
                                      "a;b",
                                      "a b",
                                      "<x>",
                                      "a\n",
                                      "[0]",
                                      "a[]",
                                      "a[0",
                                      "a[b]",
                                      "a[0]b",
                                      "a.[0]",
                                      "a[0].",
                                      "a]",
                                      "a[-1]",
                                      "(function(){}) ",
                                      "(function(){})()",
                                      "(function(){a})"}) {
    EXPECT_FALSE(IsValidCallback(name)) << name;
  }
  EXPECT_FALSE(IsValidCallback(std::string(129, 'a')));
}

TEST(Redirect, StaysOnTheHost) {
  const auto allowed = [](std::string_view target) {
    return IsSameOriginRedirect(target, "in.example.org:8787", "https://app.example.org");
  };
  for (const std::string_view target :
       {"/thanks", "/a?b=c#d", "https://in.example.org:8787/x", "HTTP://IN.example.org:8787",
        "https://app.example.org/done"}) {
    EXPECT_TRUE(allowed(target)) << target;
  }
  for (const std::string_view target :
       {"", "//evil.org", "/\\evil.org", "https://evil.org",
        "https://in.example.org:8787.evil.org/", "https://in.example.org:8787@evil.org/",
        "http://app.example.org/", "javascript:alert(1)", "data:text/html,x", "/a\r\nSet-Cookie: x",
        "thanks", "https:///evil.org", "https://app.example.org.evil.org"}) {
    EXPECT_FALSE(allowed(target)) << target;
  }
  EXPECT_FALSE(IsSameOriginRedirect("https://x/", "", ""));
}

TEST(Form, FieldsDecoded) {
  const FormFields form = ParseForm("a=1+2&b=%7B%zz&&c&=d&a=3");
  EXPECT_EQ(*form.Find("a"), "1 2");
  EXPECT_EQ(*form.Find("b"), "{%zz");
  EXPECT_EQ(*form.Find("c"), "");
  EXPECT_EQ(form.Find("e"), nullptr);
}

}  // namespace
}  // namespace bulkhead
