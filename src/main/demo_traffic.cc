#include "main/demo_traffic.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string_view>

#include "base/limits.h"

namespace bulkhead {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kDayMs = 24 * 60 * kMinuteMs;

constexpr std::array kFirstNames = {"Ada", "Grace",    "Linus",  "Barbara",
                                    "Ken", "Margaret", "Edsger", "Radia"};
constexpr std::array kLastNames = {"Stone", "Rivers", "Field", "Woods",
                                   "Marsh", "Hill",   "Brook", "Lake"};
constexpr std::array kBrowsers = {"Chrome", "Safari", "Firefox", "Microsoft Edge"};
constexpr std::array kSystems = {"Mac OS X", "Windows", "Linux", "iOS", "Android"};
constexpr std::array kReferrers = {"https://www.google.com/search?q=llm+api",
                                   "https://news.example.net/item?id=38", "",
                                   "https://github.com/topics/api", ""};
constexpr std::array kDocs = {"/docs/quickstart", "/docs/authentication", "/docs/rate-limits",
                              "/docs/streaming",  "/docs/errors",         "/pricing",
                              "/changelog"};
constexpr std::array kModels = {"small-1", "large-1", "embed-1"};
constexpr std::array kSources = {"newsletter", "google", "conference", "partner"};
// Documentation ranges hold no place, so these are addresses of well-known public resolvers and
// mirrors.
constexpr std::array kAddresses = {"8.8.8.8",      "194.158.119.34", "130.89.148.12",
                                   "200.236.31.3", "133.11.0.1",     "1.1.1.1"};

}  // namespace

struct DemoTraffic::Person {
  std::string device;
  std::string user;
  std::string email;
  std::string name;
  const char* browser;
  const char* system;
  const char* address;
  const char* plan;
  bool signed_in = false;
};

DemoTraffic::DemoTraffic(Options options)
    : options_(std::move(options)),
      random_(options_.seed),
      start_ms_(options_.end_ms - 30 * kDayMs) {}

bool DemoTraffic::Next(DemoRequest* request) {
  while (events_.size() < limits::kMaxEventsPerRequest && HasMore()) {
    PlayPerson();
  }
  std::vector<DemoItem>& source = events_.empty() ? profiles_ : events_;
  if (source.empty()) {
    return false;
  }
  request->is_profiles = &source == &profiles_;
  request->body = "[";
  const size_t count = std::min(source.size(), limits::kMaxEventsPerRequest);
  for (size_t i = 0; i < count; ++i) {
    request->body += i == 0 ? "" : ",";
    request->body += source[i].json;
  }
  request->body += "]";
  source.erase(source.begin(), source.begin() + static_cast<ptrdiff_t>(count));
  return true;
}

bool DemoTraffic::HasMore() const {
  return made_ < options_.events && (options_.people == 0 || people_ < options_.people);
}

std::vector<DemoItem> DemoTraffic::PlayAll() {
  while (HasMore()) {
    PlayPerson();
  }
  std::vector<DemoItem> all = std::move(events_);
  std::ranges::move(profiles_, std::back_inserter(all));
  events_.clear();
  profiles_.clear();
  std::ranges::stable_sort(all, {}, &DemoItem::time_ms);
  return all;
}

std::string DemoTraffic::Hex(size_t digits) {
  std::string text;
  for (size_t i = 0; i < digits; ++i) {
    text += "0123456789abcdef"[Pick(16)];
  }
  return text;
}

int64_t DemoTraffic::Minutes(double mean) {
  const double minutes = -std::log(1.0 - Chance()) * mean;
  return static_cast<int64_t>(minutes * static_cast<double>(kMinuteMs)) + 1500;
}

void DemoTraffic::PlayPerson() {
  const size_t number = ++people_;
  const char* first = kFirstNames[Pick(kFirstNames.size())];
  const char* last = kLastNames[Pick(kLastNames.size())];
  Person person{.device = fmt::format("{}-{}-4{}-a{}-{}", Hex(8), Hex(4), Hex(3), Hex(3), Hex(12)),
                .user = fmt::format("user-{:06}", number),
                .email = fmt::format("{}.{}{}@customer.example", first, last, number),
                .name = fmt::format("{} {}", first, last),
                .browser = kBrowsers[Pick(kBrowsers.size())],
                .system = kSystems[Pick(kSystems.size())],
                .address = kAddresses[Pick(kAddresses.size())],
                .plan = Chance() < 0.8 ? "free" : "pro"};
  int64_t time_ms = start_ms_ + static_cast<int64_t>(Chance() * 28 * static_cast<double>(kDayMs));
  const size_t visits = 1 + Pick(3);
  for (size_t i = 0; i < visits; ++i) {
    PlayVisit(person, &time_ms);
  }
  if (PlaySignUp(person, &time_ms)) {
    person.signed_in = true;
    AddProfile(person, time_ms);
    PlayCustomer(person, &time_ms);
  }
}

void DemoTraffic::PlayVisit(const Person& person, int64_t* time_ms) {
  const size_t pages = 2 + Pick(5);
  for (size_t i = 0; i < pages; ++i) {
    AddEvent(person, "page_viewed", *time_ms, PageProperties(person, kDocs[Pick(kDocs.size())]));
    *time_ms += Minutes(1.5);
  }
  *time_ms += Minutes(600);
}

bool DemoTraffic::PlaySignUp(const Person& person, int64_t* time_ms) {
  if (Chance() > 0.55) {
    return false;
  }
  AddEvent(person, "signup_started", *time_ms,
           PageProperties(person, "/signup") +
               fmt::format(R"(,"utm_source":"{}")", kSources[Pick(kSources.size())]));
  *time_ms += Minutes(2);
  if (Chance() > 0.72) {
    return false;
  }
  Person known = person;
  known.signed_in = true;
  AddEvent(known, "signup_completed", *time_ms, PageProperties(person, "/welcome"));
  *time_ms += Minutes(3);
  return true;
}

void DemoTraffic::PlayCustomer(const Person& person, int64_t* time_ms) {
  AddEvent(person, "playground_opened", *time_ms, PageProperties(person, "/playground"));
  *time_ms += Minutes(4);
  if (Chance() < 0.65) {
    AddEvent(person, "api_key_created", *time_ms, R"(,"scopes":["chat","embeddings"])");
    *time_ms += Minutes(30);
    AddEvent(person, "first_api_call", *time_ms,
             fmt::format(R"(,"model":"{}","status":200)", kModels[Pick(3)]));
    int64_t billing_ms = *time_ms;
    PlayCalls(person, time_ms);
    PlayBilling(person, &billing_ms);
  }
  if (Chance() < 0.05) {
    AddEvent(
        person, "feedback_sent", *time_ms,
        fmt::format(R"(,"message":"Please write to {} or call +1 415 555 26{:02}","rating":{})",
                    person.email, Pick(100), 1 + Pick(5)));
  }
}

// Some only try the API for a day or two; the others build on it, call it every few days and now
// and then give up.
void DemoTraffic::PlayCalls(const Person& person, int64_t* time_ms) {
  const bool builds = Chance() < 0.6;
  const double stops = builds ? 0.05 : 0.5;
  const double pause_minutes = (builds ? 2.2 : 0.7) * 1440;
  do {
    const size_t calls = 1 + Pick(builds ? 9 : 5);
    for (size_t i = 0; i < calls && *time_ms < options_.end_ms; ++i) {
      *time_ms += Minutes(12);
      AddCall(person, *time_ms);
    }
    *time_ms += Minutes(pause_minutes);
  } while (*time_ms < options_.end_ms && Chance() > stops);
}

void DemoTraffic::AddCall(const Person& person, int64_t time_ms) {
  const bool failed = Chance() < 0.04;
  std::string extra =
      fmt::format(R"(,"model":"{}","status":{},"latency_ms":{},"tokens_used":{})", kModels[Pick(3)],
                  failed ? 401 : 200, 80 + Pick(1900), 50 + Pick(4000));
  if (failed && Chance() < 0.3) {
    extra += fmt::format(R"(,"error":"401 for Authorization: Bearer {}")", Hex(40));
  }
  AddEvent(person, "api_request", time_ms, extra);
}

void DemoTraffic::PlayBilling(const Person& person, int64_t* time_ms) {
  if (Chance() > 0.4) {
    return;
  }
  *time_ms += Minutes(90);
  AddEvent(person, "billing_opened", *time_ms, PageProperties(person, "/settings/billing"));
  if (Chance() < 0.6) {
    *time_ms += Minutes(3);
    AddEvent(person, "payment_succeeded", *time_ms,
             fmt::format(R"(,"amount":{}.{:02},"currency":"USD")", 5 + Pick(200), Pick(100)));
  }
}

void DemoTraffic::AddProfile(const Person& person, int64_t time_ms) {
  profiles_.push_back(
      {time_ms, true,
       fmt::format(
           R"({{"$token":"{}","$distinct_id":"{}","$time":{},"$ip":"{}","$set":{{"$email":"{}","$name":"{}","plan":"{}","organization":"org-{}"}}}})",
           options_.token, person.user, time_ms / 1000, person.address, person.email, person.name,
           person.plan, Hex(6))});
}

void DemoTraffic::AddEvent(const Person& person, const char* name, int64_t time_ms,
                           const std::string& extra) {
  if (time_ms >= options_.end_ms) {
    return;
  }
  const std::string identity =
      person.signed_in
          ? fmt::format(R"("distinct_id":"{0}","$user_id":"{0}","$device_id":"{1}")", person.user,
                        person.device)
          : fmt::format(R"("distinct_id":"$device:{0}","$device_id":"{0}")", person.device);
  events_.push_back(
      {time_ms, false,
       fmt::format(
           R"({{"event":"{}","properties":{{"token":"{}",{},"time":{}.{:03},"$insert_id":"{}","$browser":"{}","$os":"{}","ip":"{}","plan":"{}"{}}}}})",
           name, options_.token, identity, time_ms / 1000, time_ms % 1000, Hex(16), person.browser,
           person.system, person.address, person.plan, extra)});
  ++made_;
}

std::string DemoTraffic::PageProperties(const Person& person, const char* path) {
  return fmt::format(R"(,"$current_url":"https://platform.example{}{}","$referrer":"{}")", path,
                     LeakyQuery(person), kReferrers[Pick(kReferrers.size())]);
}

std::string DemoTraffic::LeakyQuery(const Person& person) {
  const double chance = Chance();
  if (chance < 0.005) {
    return fmt::format("?email={}", person.email);
  }
  if (chance < 0.012) {
    return fmt::format("?access_token={}", Hex(40));
  }
  if (chance < 0.015) {
    return fmt::format("/reset/{}", Hex(32));
  }
  return chance < 0.3 ? fmt::format("?utm_source={}", kSources[Pick(kSources.size())]) : "";
}

}  // namespace bulkhead
