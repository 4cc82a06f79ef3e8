#include "sieve/sieve.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/percent.h"
#include "sieve/sieve_counters.h"
#include "sieve/sieve_fixture.h"

namespace bulkhead {
namespace {

struct Positive {
  const char* rule;
  const char* text;    // as it stands in the wild
  const char* needle;  // what must not be found afterwards
};

// Made up, or published as examples by those who issue them; written in halves so that scanners of
// code stay quiet.
constexpr Positive kPositives[] = {
    {"bearer", "Bearer q7Rk2mVx9TzL4pWs8NcY", "q7Rk2mVx9TzL4pWs8NcY"},
    {"basic", "Basic YWxhZGRpbjpvcGVuc2VzYW1l", "YWxhZGRpbjpvcGVuc2VzYW1l"},
    {"cookie", "Cookie: theme=dark; uid=88231xyz", "88231xyz"},
    {"jwt",
     "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_"
     "XgL0n3I9P",
     "eyJzdWIiOiIxMjM0NTY3ODkwIn0"},
    {"jwt cut", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3OD",
     "eyJzdWIiOiIxMjM0NTY3OD"},
    {"pem", "-----BEGIN RSA PRIVATE KEY----- MIIEowIBAAKCAQEA7", "MIIEowIBAAKCAQEA7"},
    {"aws id",
     "AKIA"
     "IOSFODNN7EXAMPLE",
     "IOSFODNN7EXAMPLE"},
    {"github",
     "ghp_"
     "16C7e42F292c6912E7710c838347Ae178B4a",
     "16C7e42F292c6912E7710c838347Ae178B4a"},
    {"gitlab",
     "glpat-"
     "Zx9LmQ2rT7vWk4NpB8sY",
     "Zx9LmQ2rT7vWk4NpB8sY"},
    {"slack",
     "xoxb-"
     "263594206564-FGqddMF8t08v8N7Oq4i57vs1",
     "FGqddMF8t08v8N7Oq4i57vs1"},
    {"stripe",
     "sk_live_"
     "4eC39HqLyjWDarjtT1zdp7dc",
     "4eC39HqLyjWDarjtT1zdp7dc"},
    {"openai",
     "sk-proj-"
     "a8Kd72LmPq91ZxTr5VwYb3NcHj6Gf4Se",
     "a8Kd72LmPq91ZxTr5VwYb3NcHj6Gf4Se"},
    {"openai old",
     "sk-"
     "Qm4xT7Rv2Lp9Zw6KsB8dT3BlbkFJ",
     "Qm4xT7Rv2Lp9Zw6KsB8dT3BlbkFJ"},
    {"anthropic",
     "sk-ant-api03-"
     "Lk82mQp0xVz71TrWn5Yb",
     "Lk82mQp0xVz71TrWn5Yb"},
    {"google",
     "AIza"
     "SyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe",
     "SyDaGmWKa4JsXZ"},
    {"sendgrid",
     "SG."
     "ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf09kqeF8tAmbihYzrnopKc",
     "ngeVfQFYQlKU0ufo8x5d1A"},
    {"twilio",
     "SK"
     "5d1ea86a5b0c4e0f9d3b7a2c1f6e8d90",
     "5d1ea86a5b0c4e0f9d3b7a2c1f6e8d90"},
    {"mailchimp", "b8a1c3d5e7f90214365870a9bcdef123-us14", "b8a1c3d5e7f90214365870a9bcdef123"},
    {"npm",
     "npm_"
     "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8",
     "a1b2c3d4e5f6g7h8i9j0"},
    {"huggingface",
     "hf_"
     "abcdefghijKLMNOPqrstuvWXYZabcdefgh",
     "abcdefghijKLMNOPqrstuv"},
    {"telegram",
     "110201543:"
     "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawX",
     "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawX"},
    {"azure", "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsu",
     "Eby8vdM02xNOcqFlqUwJPLlm"},
    {"database", "postgres://app:s3cr3tPw@db.internal:5432/main", "s3cr3tPw"},
    {"password", "password=hunter2hunter", "hunter2hunter"},
    {"generic", "api_key: 9f8Qw2LmZx7Rt5Vp3Kd1", "9f8Qw2LmZx7Rt5Vp3Kd1"},
    {"email", "ada.lovelace@example.org", "ada.lovelace"},
    {"phone", "+14155550132", "4155550132"},
    {"phone spaced", "+44 20 7946 0958", "7946 0958"},
    {"phone nanp", "(415) 555-0132", "555-0132"},
    {"card", "4242 4242 4242 4242", "4242 4242"},
    {"card plain", "378282246310005", "378282246310005"},
    {"iban", "DE89 3704 0044 0532 0130 00", "3704 0044"},
    {"iban plain", "GB29NWBK60161331926819", "NWBK60161331926819"},
    {"ssn", "219-09-9999", "219-09-9999"},
    {"ipv4", "203.0.113.77", "203.0.113.77"},
    {"ipv6", "2001:db8:85a3::8a2e:370:7334", "85a3::8a2e"},
};

bool Holds(const std::string& haystack, const std::string& needle) {
  return haystack.find(needle) != std::string::npos;
}

std::string EscapedAll(const std::string& text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    out += "\\u00";
    out.push_back(kHex[(static_cast<unsigned char>(c) >> 4) & 15]);
    out.push_back(kHex[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

std::string PercentAll(const std::string& text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    out.push_back('%');
    out.push_back(kHex[(static_cast<unsigned char>(c) >> 4) & 15]);
    out.push_back(kHex[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

std::string UrlSafe(std::string text) {
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  while (!text.empty() && text.back() == '=') text.pop_back();
  return text;
}

std::vector<std::pair<std::string, std::string>> Wrapped(const std::string& raw) {
  const std::string percent = PercentEncode(raw);
  const std::string base64 = Base64Encode(raw);
  return {
      {"plain", raw},
      {"in a sentence", "failed with " + raw + " today"},
      {"percent", percent},
      {"percent, all", PercentAll(raw)},
      {"percent, twice", PercentEncode(percent)},
      {"base64", base64},
      {"base64 url", UrlSafe(base64)},
      {"base64 in text", "payload " + base64 + " end"},
      {"base64 in percent", PercentEncode(base64)},
      {"escaped", EscapedAll(raw)},
      {"query", "https://app.example.com/a?utm_source=x&v=" + percent},
      {"allowed query", "https://app.example.com/a?utm_source=" + percent},
      {"allowed query base64", "https://app.example.com/a?ref=" + base64},
      {"fragment", "https://app.example.com/a#v=" + percent},
      {"fragment route", "https://app.example.com/a#/" + percent},
      {"path", "https://app.example.com/u/" + percent + "/edit"},
      {"path base64", "https://app.example.com/u/" + UrlSafe(base64)},
      {"path twice", "https://app.example.com/u/" + PercentEncode(percent)},
      {"reset path", "/reset/" + percent},
      {"json text", "{\"a\":{\"b\":[\"" + raw + "\"]}}"},
      {"json text escaped", "{\"a\":\"" + EscapedAll(raw) + "\"}"},
      {"url in text", "see https://app.example.com/a?x=" + percent + " now"},
      {"title", "Welcome " + raw + " | App"},
  };
}

TEST(SieveTest, NoWrappingCarriesAPositiveThrough) {
  for (const Positive& positive : kPositives) {
    for (const auto& [wrapping, text] : Wrapped(positive.text)) {
      for (const char* name : {"note", "$referrer", "$current_url"}) {
        CleanOutcome outcome;
        const std::string cleaned = CleanedText(name, text, &outcome);
        EXPECT_FALSE(Holds(cleaned, positive.needle))
            << positive.rule << ", " << wrapping << ", " << name << ": " << cleaned;
        for (const std::string& form :
             {PercentEncode(positive.text), Base64Encode(positive.text),
              UrlSafe(Base64Encode(positive.text)), PercentEncode(PercentEncode(positive.text)),
              ToJson(Value(EscapedAll(positive.text)))}) {
          EXPECT_FALSE(Holds(cleaned, form))
              << positive.rule << ", " << wrapping << ", " << name << ": " << cleaned;
        }
        EXPECT_FALSE(Holds(cleaned, text))
            << positive.rule << ", " << wrapping << ", " << name << ": " << cleaned;
        EXPECT_FALSE(outcome.findings.empty()) << positive.rule << ", " << wrapping << ", " << name;
        for (const Finding& finding : outcome.findings) EXPECT_EQ(finding.path, name);
      }
    }
  }
}

TEST(SieveTest, NeighboursDoNotHideASecret) {
  for (const Positive& positive : kPositives) {
    for (const char* before : {"key_", "(", "=", "[", ",", ": "}) {
      const std::string cleaned =
          CleanedText("note", std::string(before).append(positive.text).append(") end"));
      EXPECT_FALSE(Holds(cleaned, positive.needle))
          << positive.rule << ", after " << before << ": " << cleaned;
    }
  }
  for (const char* text :
       {"git@github.com:a/b.git", "see logo@2x.png", "1.2.3.4.5", "version 4.18.2.1"}) {
    EXPECT_TRUE(Holds(CleanedText("note", text), text)) << text;
  }
}

TEST(SieveTest, NamesCarryNothing) {
  for (const Positive& positive : kPositives) {
    ValueObject properties;
    properties.emplace_back(positive.text, Value(1.0));
    properties.emplace_back(PercentEncode(positive.text), Value("x"));
    EXPECT_FALSE(Holds(CleanedJson(properties), positive.needle)) << positive.rule;
    std::string event = std::string("clicked ") + positive.text;
    CleanOutcome outcome;
    TestSieve().CleanEventName(&event, &outcome);
    EXPECT_FALSE(Holds(event, positive.needle)) << positive.rule << event;
    EXPECT_TRUE(outcome.sealed.empty());
  }
}

TEST(SieveTest, ReachesEveryDepth) {
  for (const Positive& positive : kPositives) {
    ValueObject inner;
    inner.emplace_back("z", Value(ValueList{Value(1.0), Value(positive.text)}));
    ValueObject properties;
    properties.emplace_back("a", Value(ValueList{Value(std::move(inner))}));
    CleanOutcome outcome;
    const std::string cleaned = CleanedJson(std::move(properties), &outcome);
    EXPECT_FALSE(Holds(cleaned, positive.needle)) << positive.rule << cleaned;
    ASSERT_FALSE(outcome.findings.empty());
    EXPECT_EQ(outcome.findings[0].path, "a[].z[]");
  }
}

TEST(SieveTest, NamesDecideFirst) {
  ValueObject properties;
  for (const char* name :
       {"$email",      "$name",     "$first_name", "$last_name",    "$phone", "$avatar",
        "E-Mail",      "firstName", "full_name",   "user_phone",    "ssn",    "dob",
        "password",    "apiKey",    "X-API-Key",   "authorization", "cookie", "client_secret",
        "accessToken", "ip",        "user_id",     "gclid"}) {
    properties.emplace_back(name, Value("rawvalue"));
  }
  properties.emplace_back("billing_phone", Value(4155550132.0));
  properties.emplace_back("user_ssn", Value(219099999.0));
  properties.emplace_back("card", Value(4242424242424242.0));
  CleanOutcome outcome;
  const std::string cleaned = CleanedJson(std::move(properties), &outcome);
  EXPECT_FALSE(Holds(cleaned, "rawvalue")) << cleaned;
  EXPECT_FALSE(Holds(cleaned, "4155550132")) << cleaned;
  EXPECT_FALSE(Holds(cleaned, "219099999")) << cleaned;
  EXPECT_FALSE(Holds(cleaned, "4242424242")) << cleaned;
  EXPECT_FALSE(Holds(cleaned, "\"ip\"")) << cleaned;
  EXPECT_TRUE(Holds(cleaned, "\"$email\":\"<email:sealed>\"")) << cleaned;
  bool sealed_phone = false;
  for (const SealRequest& seal : outcome.sealed)
    sealed_phone |= seal.field == "billing_phone" && seal.value == "4155550132";
  EXPECT_TRUE(sealed_phone);
}

TEST(SieveTest, NamesInsideTextDecideToo) {
  const std::string names[] = {"cookie",   "user_id",   "ip",       "credit_card_number",
                               "apiKey",   "firstName", "email",    "user-agent",
                               "password", "deviceId",  "$user_id", "street_address"};
  for (const std::string& name : names) {
    const std::string quoted = "{\"a\":{\"" + name + "\":\"rawvalue7x\"},\"b\":1}";
    for (const std::string& text :
         {quoted, "got " + quoted + " back", quoted.substr(0, quoted.size() - 9),
          "{'" + name + "': 'rawvalue7x'}", "{\"" + name + "\" : [\"x\", {\"y\":\"rawvalue7x\"}]}",
          name + "=\"rawvalue7x\"", ToJson(Value(quoted)), Base64Encode(quoted),
          PercentEncode(quoted)}) {
      if (name == "user-agent" && text.find('[') != std::string::npos) continue;
      CleanOutcome outcome;
      const std::string cleaned = CleanedText("note", text, &outcome);
      EXPECT_FALSE(Holds(cleaned, "rawvalue7x")) << name << ": " << cleaned;
      EXPECT_FALSE(Holds(cleaned, Base64Encode(quoted))) << name << ": " << cleaned;
      EXPECT_FALSE(outcome.findings.empty()) << name;
    }
  }
  EXPECT_FALSE(Holds(CleanedText("note", R"({"user_id":12345678901,"n":7})"), "12345678901"));
  const std::string kept = R"({"token_count":12,"plan":"pro","auth":"oauth","list":["a","b"]})";
  ValueObject properties;
  properties.emplace_back("note", Value(kept));
  EXPECT_EQ(CleanedJson(properties), ToJson(Value(properties)));
}

TEST(SieveTest, TokensKeepEquality) {
  CleanOutcome outcome;
  const std::string a = CleanedText("note", "Ada@Example.org", &outcome);
  EXPECT_EQ(a, CleanedText("note", "ada@example.org"));
  EXPECT_NE(a, CleanedText("note", "bob@example.org"));
  ASSERT_EQ(outcome.sealed.size(), 1U);
  EXPECT_EQ(outcome.sealed[0].field, "note");
  EXPECT_EQ(outcome.sealed[0].value, "Ada@Example.org");
}

TEST(SieveTest, OnlyTheMatchIsReplaced) {
  EXPECT_EQ(CleanedText("note",
                        "order 7 from ghp_"
                        "16C7e42F292c6912E7710c838347Ae178B4a failed"),
            "{\"note\":\"order 7 from <github-token:redacted> failed\"}");
}

TEST(SieveTest, Addresses) {
  EXPECT_EQ(
      CleanedText(
          "$current_url",
          "https://u:p@app.example.com/a/b?utm_source=news&token=abcd1234&tab=2#access_token=zz"),
      "{\"$current_url\":\"https://app.example.com/a/b?utm_source=news&tab=2\"}");
  EXPECT_EQ(CleanedText("current_url_search", "?utm_medium=cpc&email=a%40b.co"),
            "{\"current_url_search\":\"?utm_medium=cpc\"}");
  EXPECT_EQ(CleanedText("current_url_path", "/invite/Xk3"),
            "{\"current_url_path\":\"/invite/<redacted>\"}");
  EXPECT_EQ(
      CleanedText("$referrer",
                  "https://github.com/a/b/commit/9fceb02d0ae598e95dc970b74767f19372d61af8"),
      "{\"$referrer\":\"https://github.com/a/b/commit/9fceb02d0ae598e95dc970b74767f19372d61af8\"}");
}

TEST(SieveTest, CleanTextIsStable) {
  for (const Positive& positive : kPositives) {
    ValueObject once;
    once.emplace_back("note", Value(positive.text));
    CleanOutcome outcome;
    TestSieve().CleanEventProperties(&once, &outcome);
    const std::string first = ToJson(Value(once));
    TestSieve().CleanEventProperties(&once, &outcome);
    EXPECT_EQ(ToJson(Value(once)), first);
  }
}

TEST(SieveTest, UserAgents) {
  const UserAgent agent = TestSieve().LookUpUserAgent(
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/120.0.6099.109 Safari/537.36");
  EXPECT_EQ(agent.browser, "Chrome");
  EXPECT_EQ(agent.browser_major, "120");
  EXPECT_EQ(agent.os, "Windows");
}

TEST(SieveTest, CountersAreBounded) {
  SieveCounters counters;
  for (int i = 0; i < 10000; ++i)
    counters.Add({{"email", std::string("path").append(std::to_string(i)), Action::kTokenAndSeal}},
                 {ProjectId{1}, "web", 1000});
  const auto snapshot = counters.Snapshot();
  EXPECT_LE(snapshot.size(), SieveCounters::kMaxKeys + 64);
  uint64_t sum = 0;
  for (const SieveCount& count : snapshot) sum += count.count;
  EXPECT_EQ(sum, 10000U);
}

}  // namespace
}  // namespace bulkhead
