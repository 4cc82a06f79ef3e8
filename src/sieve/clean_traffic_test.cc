// What the sieve must leave alone, and what that costs per event.
#include <gtest/gtest.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <ctime>
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

  // What programs, shops, languages and machines put into properties.
  ValueObject Varied() {
    ValueObject p;
    Programs(&p);
    Vendors(&p);
    Machines(&p);
    Shops(&p);
    Times(&p);
    Prose(&p);
    return p;
  }

 private:
  void Programs(ValueObject* p) {
    p->emplace_back("package",
                    Value(Pick({"@angular/core", "com.example.app", "lodash@4.17.21",
                                "org.springframework.boot:spring-boot-starter:3.2.0",
                                "pkg:npm/%40scope/name@1.0.0", "golang.org/x/net v0.17.0",
                                "react-router-dom/v6", "Microsoft.Extensions.Logging"})));
    p->emplace_back("release", Value("v1." + Digits(1) + ".3-" + Digits(2) + "-g" + Hex(7)));
    p->emplace_back("image",
                    Value("registry.example.com/team/app:1." + Digits(2) + "@sha256:" + Hex(64)));
    p->emplace_back("integrity", Value("sha384-" + Alnum(64)));
    p->emplace_back("etag", Value("W/\"" + Hex(8) + "-" + Alnum(10) + "\""));
    p->emplace_back("selector",
                    Value(Pick({"div.card > a:nth-child(2)", "#root .btn--primary",
                                "//div[@id='main']/ul/li[3]", "button[data-test=save]"})));
    p->emplace_back("file",
                    Value(Pick({"src/components/Button.tsx", "C:\\Program Files\\App\\app.exe",
                                "/usr/lib/x86_64-linux-gnu/libc.so.6", "report-2025-11.pdf"})));
    p->emplace_back("stack",
                    Value("TypeError: Cannot read properties of undefined (reading 'map') at "
                          "render (https://cdn.example.com/assets/index-" +
                          Hex(8) + ".js:1:" + Digits(5) + ")"));
    p->emplace_back("colour", Value("#" + Hex(6)));
    p->emplace_back("flags",
                    Value("{\"new_nav\":true,\"limit\":" + Digits(2) + ",\"plan\":\"pro\"}"));
    p->emplace_back("experiment",
                    Value("exp_2025_q4_pricing:variant-" + Pick({"a", "b", "control"})));
    p->emplace_back("query",
                    Value(Pick({"SELECT count(*) FROM events", "status = 'open' AND age > 30",
                                "{ viewer { login } }", "index < 10 && !done"})));
    p->emplace_back("class_name", Value(Pick({"com.example.billing.InvoiceServiceImpl$Inner",
                                              "std::vector<int, std::allocator<int>>",
                                              "hf_required_characteristic", "sk_buff_head_init"})));
    p->emplace_back("runtime_version", Value("4.8." + Digits(4) + ".0"));
  }

  void Vendors(ValueObject* p) {
    p->emplace_back("customer", Value("cus_" + Alnum(14)));
    p->emplace_back("payment_intent", Value("pi_" + Alnum(24)));
    p->emplace_back("price_id", Value("price_1" + Alnum(23)));
    p->emplace_back("message_id", Value("msg_01" + Alnum(22)));
    p->emplace_back("thread", Value("thread_" + Alnum(24)));
    p->emplace_back("response", Value("resp_" + Hex(48)));
    p->emplace_back("tool_call", Value("call_" + Alnum(24)));
    p->emplace_back("fingerprint", Value("fp_" + Hex(10)));
    p->emplace_back("fine_tuned", Value("ft:gpt-4o-mini:acme::" + Lower(8)));
    p->emplace_back("snowflake", Value("1" + Digits(18)));
    p->emplace_back("ksuid", Value("2" + Alnum(26)));
    p->emplace_back("cuid", Value("c" + Lower(24)));
    p->emplace_back("resource",
                    Value("arn:aws:lambda:eu-west-1:" + Digits(12) + ":function:resize"));
    p->emplace_back("global_id", Value("gid://shop/Product/" + Digits(13)));
    p->emplace_back("urn", Value("urn:uuid:" + Uuid()));
    p->emplace_back("chart", Value("chart_" + Lower(12)));
  }

  void Machines(ValueObject* p) {
    p->emplace_back("pod", Value("api-" + Hex(10) + "-" + Lower(5)));
    p->emplace_back("node", Value("ip-10-0-" + Digits(2) + "-" + Digits(2) + ".internal"));
    p->emplace_back("upstream", Value("127.0.0.1:80" + Digits(2)));
    p->emplace_back("subnet", Value("10.0.0.0/8"));
    p->emplace_back("xray", Value("1-" + Hex(8) + "-" + Hex(24)));
    p->emplace_back("b3", Value(Hex(32) + "-" + Hex(16) + "-1"));
    p->emplace_back("device_model",
                    Value(Pick({"iPhone15,3", "SM-G998B", "Pixel 8 Pro", "2201116SG"})));
    p->emplace_back("gpu", Value("ANGLE (Apple, Apple M1 Pro, OpenGL 4.1)"));
    p->emplace_back("viewport", Value("1440x900@2x"));
    p->emplace_back("accept_language", Value("en-US,en;q=0.9,de;q=0.8"));
    p->emplace_back("content_type",
                    Value("multipart/form-data; boundary=----WebKitFormBoundary" + Lower(16)));
    p->emplace_back("kernel_version", Value("5.15.0-" + Digits(2) + "-generic"));
    p->emplace_back("os_version", Value("10.0.19045." + Digits(4)));
    p->emplace_back("checksum", Value(Hex(128)));
    p->emplace_back("md5_base64", Value(Alnum(22) + "=="));
  }

  void Shops(ValueObject* p) {
    p->emplace_back("isbn", Value("978-3-16-" + Digits(6) + "-0"));
    p->emplace_back("ean", Value("400" + Digits(10)));
    p->emplace_back("vin", Value("1HGCM82633A" + Digits(6)));
    p->emplace_back("parcel", Value("1Z999AA1" + Digits(10)));
    p->emplace_back("container", Value("MSKU" + Digits(7)));
    p->emplace_back("flight", Value("LH" + Digits(4)));
    p->emplace_back("ticket", Value("JIRA-" + Digits(5)));
    p->emplace_back("order_ref", Value("#" + Digits(4) + "-" + Upper(4)));
    p->emplace_back("seat", Value(Digits(2) + "C"));
    p->emplace_back("amount_text",
                    Value(Pick({"\xE2\x82\xAC"
                                "1.234,56",
                                "$1,234.56", "1 234,56 z\xC5\x82", "12.5%", "50 % off"})));
    p->emplace_back("size", Value(Pick({"10-12 UK", "EU 42 2/3", "100x200x30 cm", "1,500 ml"})));
    p->emplace_back("item", Value("ITEM" + Digits(8) + Pick({"-BLK", "-WHT", "/M", "_v2"})));
  }

  void Times(ValueObject* p) {
    p->emplace_back("date_header",
                    Value("Mon, " + Two(28) + " Nov 2025 " + Two(24) + ":" + Two(60) + ":00 GMT"));
    p->emplace_back("local_time", Value("11/" + Two(28) + "/2025 6:" + Two(60) + " PM"));
    p->emplace_back("minute", Value("2025-11-" + Two(28) + " " + Two(24) + ":" + Two(60)));
    p->emplace_back("compact", Value("202511" + Two(28) + "T" + Two(24) + Two(60) + Two(60) + "Z"));
    p->emplace_back("week", Value("2025-W47-1"));
    p->emplace_back("span", Value("PT1H" + Two(60) + "M"));
    p->emplace_back("cron", Value("*/" + Digits(1) + " 12 * * 1-5"));
    p->emplace_back("range", Value("2025-11-01..2025-11-" + Two(28)));
    p->emplace_back("seconds", Value(1.7e9 + static_cast<double>(Below(90000000))));
    p->emplace_back("nanos", Value("17" + Digits(17)));
  }

  void Prose(ValueObject* p) {
    p->emplace_back(
        "title",
        Value(Pick({"\xE4\xBD\xBF\xE3\x81\x84\xE6\x96\xB9 | \xE3\x83\x89\xE3\x82\xAD\xE3\x83\xA5",
                    "Pr\xC3\xA9"
                    "f\xC3\xA9rences & cl\xC3\xA9s d\xE2\x80\x99"
                    "API",
                    "Secret Santa gift guide 2025", "How to reset your password",
                    "\xD0\x9D\xD0\xB0\xD1\x81\xD1\x82\xD1\x80\xD0\xBE\xD0\xB9\xD0\xBA\xD0\xB8",
                    "Token usage: 1,200 of 5,000", "Session 3: Keynote (2025)",
                    "API keys - Settings"})));
    p->emplace_back("label",
                    Value(Pick({"Sign in with Google", "Authorization failed: 401", "auth: oauth2",
                                "password is required", "Invalid token: expired at login",
                                "max_tokens: 4096", "tokens=1500", "keyboard: qwerty-us"})));
    p->emplace_back(
        "reason",
        Value(Pick({"rate limit reached: 500 requests per 60 s", "HTTP/1.1 503 after 3 tries",
                    "card declined (insufficient funds)", "email not verified",
                    "see ticket: OPS-"
                    "4711",
                    "phone number is not valid"})));
    p->emplace_back("place", Value(Pick({"Paris, France", "221B Baker Street",
                                         "Gate 12, Terminal 2", "Z\xC3\xBCrich HB"})));
    p->emplace_back("landing",
                    Value("https://www.example.com/blog/2025/11/" +
                          Pick({"how-we-cut-p99-latency-by-40-percent", "release-2-4-0"}) +
                          "?utm_source=newsletter&utm_campaign=2025-11-" + Two(28)));
    p->emplace_back("crumbs", Value("Home > Docs > API reference > v" + Digits(1)));
    p->emplace_back("emoji", Value("\xF0\x9F\x9A\x80 launch #" + Digits(3)));
    p->emplace_back("handle", Value("@bulkhead_" + Lower(5)));
    p->emplace_back("note", Value("Row " + Digits(4) + ": expected 12 columns, got " + Digits(2) +
                                  "; delimiter=';' quote=none"));
  }

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
  std::string Lower(size_t count) {
    return From("abcdefghijklmnopqrstuvwxyz0123456789", 36, count);
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

void ExpectUntouched(ValueObject (CleanTraffic::*make)(), int count) {
  CleanTraffic traffic(20251124);
  std::map<std::string, int> touched;
  int altered = 0;
  for (int i = 0; i < count; ++i) {
    ValueObject properties = (traffic.*make)();
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
  for (const auto& [what, number] : touched) std::printf("altered: %s: %d\n", what.c_str(), number);
  std::printf("%d of %d altered\n", altered, count);
  EXPECT_LT(altered * 10000, count);
}

TEST(CleanTrafficTest, FewerThanOneInTenThousandIsTouched) {
  ExpectUntouched(&CleanTraffic::Hard, 50000);
}

TEST(CleanTrafficTest, FewerThanOneInTenThousandOfVariedTextIsTouched) {
  ExpectUntouched(&CleanTraffic::Varied, 20000);
}

double ThreadNanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

double NanosecondsPerEvent(std::vector<ValueObject>* events) {
  const double start = ThreadNanoseconds();
  for (ValueObject& event : *events) {
    CleanOutcome outcome;
    TestSieve().CleanEventProperties(&event, &outcome);
  }
  return (ThreadNanoseconds() - start) / static_cast<double>(events->size());
}

TEST(CleanTrafficTest, PrintsItsCost) {
  CleanTraffic traffic(7);
  std::vector<ValueObject> typical;
  std::vector<ValueObject> hard;
  for (int i = 0; i < 100000; ++i) typical.push_back(traffic.Event());
  for (int i = 0; i < 10000; ++i) hard.push_back(traffic.Hard());
  NanosecondsPerEvent(&typical);
  std::printf("12 typical properties: %.0f ns/event\n", NanosecondsPerEvent(&typical));
  std::printf("50 properties, ids that never repeat: %.0f ns/event\n", NanosecondsPerEvent(&hard));
}

}  // namespace
}  // namespace bulkhead
