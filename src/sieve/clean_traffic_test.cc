// What the sieve must leave alone, and what that costs per event.
#include <gtest/gtest.h>

#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "sieve/sieve_fixture.h"

namespace bulkhead {
namespace {

class CleanTraffic {
 public:
  explicit CleanTraffic(uint64_t seed) : random_(seed) {}

  ValueObject Event() {
    ValueObject p;
    p.emplace_back("mp_lib", Value("web"));
    p.emplace_back("$lib_version", Value("2.72.0"));
    p.emplace_back("$browser",
                   Value(Pick({"Chrome", "Safari", "Firefox", "Microsoft Edge", "Mobile Safari"})));
    p.emplace_back("$browser_version", Value(static_cast<double>(100 + Below(30))));
    p.emplace_back("$os", Value(Pick({"Mac OS X", "Windows", "iOS", "Android", "Linux"})));
    p.emplace_back("$screen_height", Value(static_cast<double>(600 + Below(1200))));
    p.emplace_back("$screen_width", Value(static_cast<double>(800 + Below(2000))));
    p.emplace_back(
        "$city", Value(Pick({"Berlin", "San Francisco", "S\xC3\xA3o Paulo", "New York", "Tokyo"})));
    p.emplace_back("mp_country_code", Value(Pick({"DE", "US", "BR", "JP", "GB"})));
    p.emplace_back("plan", Value(Pick({"free", "pro", "enterprise", "pay_as_you_go"})));
    p.emplace_back("model", Value(Pick({"gpt-4o-mini-2024-07-18", "claude-3-5-sonnet-20241022",
                                        "text-embedding-3-small"})));
    p.emplace_back("$current_url",
                   Value("https://platform.example.com/" +
                         Pick({"docs/api/chat", "settings/usage", "playground", "login"})));
    return p;
  }

  // Ids, versions, times, prices: one of each kind of thing that looks like something else.
  ValueObject Hard() {
    ValueObject p = Event();
    p.emplace_back("request_id", Value(Uuid()));
    p.emplace_back("commit", Value(Hex(40)));
    p.emplace_back("digest", Value("sha256:" + Hex(64)));
    p.emplace_back("trace_id", Value(Hex(32)));
    p.emplace_back("span_id", Value(Hex(16)));
    p.emplace_back("traceparent", Value("00-" + Hex(32) + "-" + Hex(16) + "-01"));
    p.emplace_back("order", Value("ORD-2025-" + Digits(6)));
    p.emplace_back("invoice", Value("INV/" + Digits(4) + "/" + Digits(5)));
    p.emplace_back("sku", Value(Pick({"TSHIRT-XL-RED-", "SKU", "AB-12-"}) + Digits(5)));
    p.emplace_back("order_number", Value(Digits(10)));
    p.emplace_back("app_version", Value("1." + Digits(2) + ".3." + Digits(2)));
    p.emplace_back("sdk", Value("v2." + Digits(1) + ".1-rc." + Digits(1) + "+20240115"));
    p.emplace_back("at", Value("2025-11-" + Two(28) + "T" + Two(24) + ":" + Two(60) + ":" +
                               Two(60) + "." + Digits(3) + "Z"));
    p.emplace_back("at_ms", Value(1.7e12 + static_cast<double>(Below(90000000000ULL))));
    p.emplace_back("at_us", Value(1.7e15 + static_cast<double>(Below(90000000000000ULL))));
    p.emplace_back("at_text", Value("17" + Digits(11)));
    p.emplace_back("price", Value("$" + Digits(2) + "." + Digits(2)));
    p.emplace_back("revenue", Value(static_cast<double>(Below(100000)) / 100));
    p.emplace_back("total", Value("1,2" + Digits(2) + "," + Digits(3) + ".50"));
    p.emplace_back("prompt_tokens", Value(static_cast<double>(Below(128000))));
    p.emplace_back("org_id", Value("org-" + Alnum(24)));
    p.emplace_back("project_id", Value("proj_" + Alnum(24)));
    p.emplace_back("completion", Value("chatcmpl-" + Alnum(29)));
    p.emplace_back("nano_id", Value(Alnum(21)));
    p.emplace_back("ulid", Value("01HF" + Upper(22)));
    p.emplace_back("object_id", Value("65" + Hex(22)));
    p.emplace_back("session_uuid", Value(Uuid()));
    p.emplace_back("duration", Value("00:" + Two(60) + ":" + Two(60)));
    p.emplace_back("ratio", Value("0." + Digits(15)));
    p.emplace_back("resolution", Value("1920x1080"));
    p.emplace_back("host", Value("10.0." + Digits(1) + ".12"));
    p.emplace_back("mac_os", Value("10.15.7"));
    p.emplace_back(
        "page_title",
        Value("Usage " + Pick({"- Platform", "| API: keys & limits", "(beta) - token counts"})));
    p.emplace_back("error", Value("Error: token: unexpected end of input at line " + Digits(2)));
    p.emplace_back("package", Value("@scope/name@1." + Digits(2) + ".0"));
    p.emplace_back("email_verified", Value(true));
    p.emplace_back("utm_campaign", Value("2025_q" + Digits(1) + "_launch-emea"));
    p.emplace_back("event_link", Value("https://platform.example.com/orgs/" + Uuid() +
                                       "/usage?utm_source=news&page=" + Digits(1)));
    return p;
  }

 private:
  uint64_t Below(uint64_t n) { return random_() % n; }
  std::string Pick(const std::vector<const char*>& from) { return from[Below(from.size())]; }
  std::string From(const char* alphabet, size_t letters, size_t count) {
    std::string out;
    for (size_t i = 0; i < count; ++i) out.push_back(alphabet[Below(letters)]);
    return out;
  }
  std::string Hex(size_t count) { return From("0123456789abcdef", 16, count); }
  std::string Digits(size_t count) { return From("0123456789", 10, count); }
  std::string Alnum(size_t count) {
    return From("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 62, count);
  }
  std::string Upper(size_t count) { return From("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 32, count); }
  std::string Two(uint64_t below) {
    const uint64_t n = below == 28 ? 1 + Below(28) : Below(below);
    std::string out(n < 10 ? "0" : "");
    return out.append(std::to_string(n));
  }
  std::string Uuid() {
    std::string out = Hex(8);
    for (const size_t part : {size_t{4}, size_t{4}, size_t{4}, size_t{12}})
      out.append(1, '-').append(Hex(part));
    return out;
  }

  std::mt19937_64 random_;
};

TEST(CleanTrafficTest, FewerThanOneInTenThousandIsTouched) {
  CleanTraffic traffic(20251124);
  std::map<std::string, int> touched;
  int events = 0;
  int altered = 0;
  for (; events < 200000; ++events) {
    ValueObject properties = traffic.Hard();
    const ValueObject before = properties;
    CleanOutcome outcome;
    TestSieve().CleanEventProperties(&properties, &outcome);
    if (outcome.findings.empty()) {
      ASSERT_EQ(ToJson(Value(properties)), ToJson(Value(before)));
      continue;
    }
    ++altered;
    for (const Finding& finding : outcome.findings) ++touched[finding.rule + " at " + finding.path];
  }
  for (const auto& [what, count] : touched) std::printf("altered: %s: %d\n", what.c_str(), count);
  EXPECT_LT(altered * 10000, events);
}

double NanosecondsPerEvent(std::vector<ValueObject>* events) {
  const auto start = std::chrono::steady_clock::now();
  for (ValueObject& event : *events) {
    CleanOutcome outcome;
    TestSieve().CleanEventProperties(&event, &outcome);
  }
  const auto spent =
      std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
  return spent / static_cast<double>(events->size());
}

TEST(CleanTrafficTest, PrintsItsCost) {
  CleanTraffic traffic(7);
  std::vector<ValueObject> typical;
  std::vector<ValueObject> hard;
  for (int i = 0; i < 100000; ++i) typical.push_back(traffic.Event());
  for (int i = 0; i < 20000; ++i) hard.push_back(traffic.Hard());
  NanosecondsPerEvent(&typical);
  std::printf("12 typical properties: %.0f ns/event\n", NanosecondsPerEvent(&typical));
  std::printf("50 properties, ids that never repeat: %.0f ns/event\n", NanosecondsPerEvent(&hard));
}

}  // namespace
}  // namespace bulkhead
