// Writes the benchmark's events: a month of an API platform, the same bytes for the same arguments
// on every machine.
//
//   make_events OUT_DIR [EVENTS] [USERS]
//
//   OUT_DIR/bodies.ndjson  one /import body of 2000 events per line, in order of time, as the SDKs
//   would have sent it OUT_DIR/events.csv     the same events for the peers:
//   user,time,event,insert_id (its number),plan,country,browser,path,status,
//                          latency_ms,endpoint_id,amount (\N where a property is absent)
//
// Users keep their plan, country and browser. They come in sessions. A person's events lie at least
// 3 seconds apart, so that the two-second rule of Mixpanel's funnels, which no peer can express,
// changes nothing.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

constexpr uint32_t kStart = 1788220800;  // 1 September 2026, 00:00 UTC
constexpr uint32_t kSpan = 30 * 86400;
constexpr uint32_t kSlack = 4 * 3600;  // room at the end for pushing apart what overlaps
constexpr size_t kBodyEvents = 2000;
constexpr size_t kEndpoints = 100'000;

struct Name {
  const char* text;
  uint32_t weight;  // of 1000
};
constexpr std::array<Name, 20> kNames = {{
    {"api_call", 330},      {"page_view", 180},       {"docs_read", 90},
    {"playground_run", 70}, {"api_error", 60},        {"dashboard_view", 50},
    {"login", 45},          {"search", 40},           {"key_created", 20},
    {"signup_started", 20}, {"signup_completed", 15}, {"first_api_call", 15},
    {"logout", 14},         {"settings_changed", 11}, {"billing_viewed", 10},
    {"invite_sent", 8},     {"support_opened", 7},    {"email_verified", 6},
    {"plan_upgraded", 5},   {"invoice_paid", 4},
}};
constexpr size_t kApiCall = 0, kPageView = 1, kDocsRead = 2, kApiError = 4, kPlanUpgraded = 18,
                 kInvoicePaid = 19;

constexpr std::array<const char*, 4> kPlans = {"free", "pro", "team", "enterprise"};
constexpr std::array<const char*, 6> kBrowsers = {"Chrome", "Safari", "Firefox",
                                                  "Edge",   "Opera",  "Samsung Internet"};
constexpr std::array<const char*, 40> kCountries = {
    "US", "IN", "GB", "DE", "BR", "FR", "CA", "JP", "KR", "NL", "AU", "ES", "PL", "IT",
    "ID", "MX", "SE", "SG", "TR", "CH", "VN", "UA", "IL", "PT", "AR", "BE", "DK", "NO",
    "FI", "AT", "CZ", "RO", "IE", "NZ", "GR", "ZA", "NG", "PK", "PH", "CL"};

struct Event {
  uint32_t time;
  uint32_t user;
  uint32_t place;  // in the person's own order; together with the user it seeds the properties
  uint32_t name;
};

uint64_t Mix(uint64_t x) {  // splitmix64's finaliser
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

class Random {
 public:
  explicit Random(uint64_t seed) : state_(Mix(seed)) {}
  uint64_t Next() { return Mix(state_++); }
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>((Next() >> 32) * n >> 32); }
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

// The k-th of n falls with 1/k: few are used by all, most by hardly anyone.
class Zipf {
 public:
  explicit Zipf(size_t n) {
    double sum = 0;
    for (size_t k = 1; k <= n; ++k) {
      sum += 1.0 / static_cast<double>(k);
      upto_.push_back(sum);
    }
  }
  size_t Draw(Random* random) const {
    const double at = random->Unit() * upto_.back();
    return static_cast<size_t>(std::lower_bound(upto_.begin(), upto_.end(), at) - upto_.begin());
  }

 private:
  std::vector<double> upto_;
};

uint32_t DrawName(Random* random) {
  uint32_t at = random->Below(1000);
  for (uint32_t i = 0; i < kNames.size(); ++i) {
    if (at < kNames[i].weight) return i;
    at -= kNames[i].weight;
  }
  return 0;
}

// How many events each user has: most few, some thousands; together exactly `events`.
std::vector<uint32_t> DrawActivity(size_t events, size_t users) {
  std::vector<double> weight(users);
  double sum = 0;
  for (size_t u = 0; u < users; ++u) {
    Random random(0xAC70 + u);
    weight[u] =
        std::exp(1.1 * (random.Unit() + random.Unit() + random.Unit() + random.Unit() - 2.0) * 1.7);
    sum += weight[u];
  }
  std::vector<uint32_t> counts(users);
  double carry = 0;
  for (size_t u = 0; u < users; ++u) {
    carry += weight[u] / sum * static_cast<double>(events);
    const double whole = u + 1 == users ? std::round(carry) : std::floor(carry);
    counts[u] = static_cast<uint32_t>(std::max(0.0, whole));
    carry -= whole;
  }
  return counts;
}

void AddUser(uint32_t user, uint32_t count, std::vector<Event>* out) {
  Random random(0x5E55 + static_cast<uint64_t>(user) * 7919);
  std::vector<uint32_t> times;
  while (times.size() < count) {
    uint32_t at = random.Below(kSpan - kSlack);
    const uint32_t length = 1 + random.Below(25);
    for (uint32_t i = 0; i < length && times.size() < count && at < kSpan; ++i) {
      times.push_back(at);
      at += 3 + random.Below(1 + random.Below(240));
    }
  }
  std::sort(times.begin(), times.end());
  uint32_t last = 0;
  for (uint32_t i = 0; i < count; ++i) {  // sessions may overlap: push apart
    const uint32_t at = i == 0 ? times[0] : std::max(times[i], last + 3);
    last = at;
    out->push_back({.time = at, .user = user, .place = i, .name = DrawName(&random)});
  }
}

// Both texts of one event.
class Writer {
 public:
  Writer(FILE* bodies, FILE* csv) : bodies_(bodies), csv_(csv), endpoints_(kEndpoints) {}

  void Add(const Event& event) {
    json_.push_back(in_body_ == 0 ? '[' : ',');
    Random person(0xBEEF + static_cast<uint64_t>(event.user) * 31);
    Random random(Mix(event.user) ^ event.place);
    Begin(event, random.Next());
    const uint32_t plan = person.Below(100);
    Text("plan", kPlans[plan < 70 ? 0 : plan < 90 ? 1 : plan < 98 ? 2 : 3]);
    const uint32_t country = std::min(person.Below(40), person.Below(40));
    Text("country", kCountries[country]);
    Text("browser", kBrowsers[std::min(person.Below(6), person.Below(6))]);
    const bool api = event.name == kApiCall || event.name == kApiError;
    if (event.name == kPageView || event.name == kDocsRead) {
      const uint32_t page = std::min(random.Below(60), random.Below(60));
      Text("path",
           ((event.name == kDocsRead ? "/docs/page-" : "/p/") + std::to_string(page)).c_str());
    } else {
      Absent();
    }
    api ? ApiProperties(event.name == kApiError, &random) : Absent(3);
    if (event.name == kInvoicePaid || event.name == kPlanUpgraded) {
      Number("amount", 5 * (1 + random.Below(80)));
    } else {
      Absent();
    }
    json_ += "}}";
    csv_line_.back() = '\n';
    if (++in_body_ == kBodyEvents) EndBody();
    if (csv_line_.size() > 1 << 20) FlushCsv();
  }

  void Finish() {
    if (in_body_ > 0) EndBody();
    FlushCsv();
  }

 private:
  void Begin(const Event& event, uint64_t insert_id) {
    std::array<char, 256> text{};
    const uint32_t time = kStart + event.time;
    std::snprintf(
        text.data(), text.size(),
        R"({"event":"%s","properties":{"time":%u,"distinct_id":"user-%06u","$insert_id":"%016llx")",
        kNames[event.name].text, time, event.user, static_cast<unsigned long long>(insert_id));
    json_ += text.data();
    std::snprintf(text.data(), text.size(), "%u,%u,%s,%llu,", event.user, time,
                  kNames[event.name].text, static_cast<unsigned long long>(insert_id));
    csv_line_ += text.data();
  }
  void Text(const char* name, const char* value) {
    json_.append(",\"").append(name).append("\":\"").append(value).append("\"");
    csv_line_.append(value).append(",");
  }
  void Number(const char* name, uint32_t value) {
    const std::string text = std::to_string(value);
    json_.append(",\"").append(name).append("\":").append(text);
    csv_line_.append(text).append(",");
  }
  void Absent(int columns = 1) {
    for (int i = 0; i < columns; ++i) csv_line_ += "\\N,";
  }
  void ApiProperties(bool failed, Random* random) {
    constexpr std::array<uint32_t, 5> kFailures = {400, 401, 404, 429, 500};
    Number("status", failed ? kFailures[random->Below(5)] : 200);
    const double spread = random->Unit() + random->Unit() + random->Unit();
    Number("latency_ms", static_cast<uint32_t>(20.0 * std::exp2(spread * 2.0)));
    std::array<char, 32> endpoint{};
    std::snprintf(endpoint.data(), endpoint.size(), "ep_%06zu", endpoints_.Draw(random));
    Text("endpoint_id", endpoint.data());
  }
  void EndBody() {
    json_ += "]\n";
    std::fwrite(json_.data(), 1, json_.size(), bodies_);
    json_.clear();
    in_body_ = 0;
  }
  void FlushCsv() {
    std::fwrite(csv_line_.data(), 1, csv_line_.size(), csv_);
    csv_line_.clear();
  }

  FILE* bodies_;
  FILE* csv_;
  Zipf endpoints_;
  std::string json_, csv_line_;
  size_t in_body_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: make_events OUT_DIR [EVENTS] [USERS]\n");
    return 2;
  }
  const std::string folder = argv[1];
  const size_t events = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 10'000'000;
  const size_t users = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 200'000;
  FILE* bodies = std::fopen((folder + "/bodies.ndjson").c_str(), "wb");
  FILE* csv = std::fopen((folder + "/events.csv").c_str(), "wb");
  if (bodies == nullptr || csv == nullptr) {
    std::fprintf(stderr, "cannot write into %s\n", folder.c_str());
    return 1;
  }
  std::vector<Event> all;
  all.reserve(events);
  const std::vector<uint32_t> activity = DrawActivity(events, users);
  for (uint32_t user = 0; user < users; ++user) AddUser(user, activity[user], &all);
  std::sort(all.begin(), all.end(), [](const Event& a, const Event& b) {
    return a.time != b.time   ? a.time < b.time
           : a.user != b.user ? a.user < b.user
                              : a.place < b.place;
  });
  Writer writer(bodies, csv);
  for (const Event& event : all) writer.Add(event);
  writer.Finish();
  const bool closed = std::fclose(bodies) == 0 && std::fclose(csv) == 0;
  std::printf("{\"events\":%zu,\"users\":%zu}\n", all.size(), users);
  return closed ? 0 : 1;
}
