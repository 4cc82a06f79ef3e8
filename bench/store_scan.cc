// Measures the store alone: applying, size on disk, opening and scanning.
//
//   store_scan DIR [EVENTS] [PEOPLE] [remove]
//
// With `remove` the store then loses 2000 people and the first third of the time.
//
// Events have 40-bit fingerprints, 20 names and 8 properties: plan, country and browser belong to
// the person; path, status, latency and endpoint to some events; amount to few.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "model/event.h"
#include "store/person_scan.h"
#include "store/store.h"
#include "store/test_keys.h"
#include "store/time_scan.h"

namespace bulkhead {
namespace {

constexpr int64_t kStartMs = 1'788'220'800'000;
constexpr int64_t kSpanMs = 30LL * 86'400'000;
constexpr size_t kBatchEvents = 2000;
constexpr int kThreads = 2;

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

SubjectId Person(uint64_t number) {
  SubjectId id;
  for (size_t i = 0; i < 16; ++i) {
    id.bytes[i] = static_cast<uint8_t>(Mix(number * 2 + i / 8) >> (8 * (i % 8)));
  }
  return id;
}

struct Plan {
  uint32_t person;
  int64_t time_ms;
};

// Sessions of up to 25 events some tens of seconds apart, all in the order of time.
std::vector<Plan> PlanEvents(size_t events, size_t people) {
  std::mt19937_64 random(7);
  std::vector<Plan> plan;
  plan.reserve(events + 32);
  while (plan.size() < events) {
    const double u = static_cast<double>(random() >> 11) * 0x1p-53;
    const auto person = static_cast<uint32_t>(static_cast<double>(people) * u * u);
    auto time = static_cast<int64_t>(random() % static_cast<uint64_t>(kSpanMs));
    for (uint64_t i = 1 + random() % 25; i > 0; --i) {
      plan.push_back({person, kStartMs + time});
      time += 3000 + static_cast<int64_t>(random() % 120'000);
    }
  }
  plan.resize(events);
  std::sort(plan.begin(), plan.end(),
            [](const Plan& a, const Plan& b) { return a.time_ms < b.time_ms; });
  return plan;
}

const char* const kEvents[20] = {
    "api_call",         "page_view",      "docs_read",      "playground_run",   "api_error",
    "dashboard_view",   "login",          "search",         "key_created",      "signup_started",
    "signup_completed", "first_api_call", "logout",         "settings_changed", "billing_viewed",
    "invite_sent",      "support_opened", "email_verified", "plan_upgraded",    "invoice_paid"};
constexpr uint32_t kWeights[20] = {330, 180, 90, 70, 60, 50, 45, 40, 20, 20,
                                   15,  15,  14, 11, 10, 8,  7,  6,  5,  4};

Event MakeEvent(const Plan& plan, uint64_t number) {
  const uint64_t draw = Mix(number);
  const uint64_t trait = Mix(plan.person + 99);
  uint32_t at = static_cast<uint32_t>(draw % 1000);
  size_t name = 0;
  while (at >= kWeights[name]) at -= kWeights[name++];
  Event event;
  event.name = kEvents[name];
  event.time_ms = plan.time_ms;
  event.person = Person(plan.person);
  event.insert_id = Mix(number + (1ULL << 40)) | 1;
  ValueObject& properties = event.properties;
  static const char* const kPlans[4] = {"free", "pro", "team", "enterprise"};
  static const char* const kBrowsers[6] = {"Chrome", "Safari", "Firefox", "Edge", "Opera", "Other"};
  properties.emplace_back("plan", Value(kPlans[trait % 4]));
  properties.emplace_back("country", Value("C" + std::to_string((trait >> 8) % 40)));
  properties.emplace_back("browser", Value(kBrowsers[(trait >> 16) % 6]));
  if (name == 1 || name == 2) {
    properties.emplace_back("path", Value("/p/" + std::to_string((draw >> 20) % 50)));
  }
  if (name == 0 || name == 4) {
    static const double kStatus[4] = {200, 200, 404, 500};
    properties.emplace_back("status", Value(kStatus[(draw >> 12) % 4]));
    properties.emplace_back("latency_ms", Value(static_cast<double>((draw >> 24) % 2048)));
    const double u = static_cast<double>((draw >> 35) + 1) * 0x1p-29;
    const auto endpoint = static_cast<uint64_t>(std::pow(100'000.0, u)) - 1;  // falls with 1/k
    properties.emplace_back("endpoint_id", Value("ep_" + std::to_string(endpoint)));
  }
  if (name == 18 || name == 19) {
    properties.emplace_back("amount", Value(static_cast<double>(draw % 100) * 10));
  }
  return event;
}

class FunnelVisitor final : public PersonVisitor {
 public:
  void Visit(const PersonHits& person) override {
    uint32_t step = 0;
    for (const Hit& hit : person.hits) {
      if (((hit.mask >> step) & 1U) != 0 && ++step == 3) break;
    }
    for (uint32_t i = 0; i < step; ++i) ++reached[i];
  }
  uint64_t reached[3] = {};
};

class ActiveDays final : public TimeVisitor {
 public:
  void Visit(const PersonTimes& person) override {
    int64_t end = INT64_MIN;
    for (const int64_t time_ms : person.Of(0).times_ms) {
      if (time_ms < end) continue;
      end = time_ms - time_ms % 86'400'000 + 86'400'000;
      ++days;
    }
  }
  uint64_t days = 0;
};

class SumVisitor final : public RowVisitor {
 public:
  explicit SumVisitor(const ScanContext* context) : context_(*context) {
    for (uint32_t s = 0; s < context->sources(); ++s) {
      counts.emplace_back(context->DictionaryOf(0, s).size() + 1);
    }
  }
  void Visit(const RowBlock& block) override {
    std::vector<uint64_t>& count = counts[block.source];
    context_.Codes(0, block.source).Dispatch([&](auto codes) {
      block.ForEach(0, [&](uint32_t row) { ++count[codes[row]]; });
    });
  }
  std::vector<std::vector<uint64_t>> counts;

 private:
  const ScanContext& context_;
};

double CpuNow() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

template <typename F>
void Measure(const char* what, F&& f) {
  std::vector<double> times;
  std::vector<double> cpu;  // of all threads: what counts where the machine is shared
  std::string note;
  for (int i = 0; i < 9; ++i) {
    const double begin = Now();
    const double cpu_begin = CpuNow();
    note = f();
    times.push_back((Now() - begin) * 1000);
    cpu.push_back((CpuNow() - cpu_begin) * 1000);
  }
  const double first = times[0];
  std::sort(times.begin(), times.end());
  std::sort(cpu.begin(), cpu.end());
  std::printf("%-34s first %7.1f ms  median %7.1f ms  least %7.1f ms  cpu %7.1f ms  %s\n", what,
              first, times[times.size() / 2], times[0], cpu[0], note.c_str());
}

std::unique_ptr<ScanContext> Prepare(const Store& store, ScanSpec spec) {
  auto context = ScanContext::Prepare(store.snapshot(), std::move(spec));
  Check(context.has_value(), "prepare failed");
  return std::move(*context);
}

void MeasureScans(const Store& store) {
  Measure("3-step funnel", [&] {
    ScanSpec spec;
    spec.filters = {
        {"signup_started", nullptr}, {"signup_completed", nullptr}, {"first_api_call", nullptr}};
    const auto context = Prepare(store, spec);
    std::vector<FunnelVisitor> tasks(kThreads);
    std::vector<PersonVisitor*> visitors;
    for (FunnelVisitor& task : tasks) visitors.push_back(&task);
    ScanPersons(*context, visitors);
    uint64_t reached[3] = {};
    for (const FunnelVisitor& task : tasks) {
      for (size_t i = 0; i < 3; ++i) reached[i] += task.reached[i];
    }
    return std::to_string(reached[0]) + " " + std::to_string(reached[1]) + " " +
           std::to_string(reached[2]);
  });
  Measure("daily active people, all events", [&] {
    ScanSpec spec;
    spec.filters = {{"", nullptr}};
    const auto context = Prepare(store, spec);
    auto scan = TimeScan::Prepare(*context, TimeScan::Resolution::kQuarterHour);
    Check(scan.has_value() && *scan != nullptr, "time scan failed");
    uint64_t active = 0;
    for (const auto& visitor : RunTimes<ActiveDays>(
             **scan, kThreads, std::nullopt, [] { return std::make_unique<ActiveDays>(); })) {
      active += visitor->days;
    }
    return std::to_string(active);
  });
  for (const char* event : {"api_call", ""}) {
    Measure(event[0] != 0 ? "api_call by status" : "all events by plan", [&] {
      ScanSpec spec;
      spec.filters = {{event, nullptr}};
      spec.properties = {event[0] != 0 ? "status" : "plan"};
      const auto context = Prepare(store, spec);
      std::vector<SumVisitor> tasks(kThreads, SumVisitor(context.get()));
      std::vector<RowVisitor*> visitors;
      for (SumVisitor& task : tasks) visitors.push_back(&task);
      ScanRows(*context, visitors);
      uint64_t rows = 0;
      for (const SumVisitor& task : tasks) {
        for (const auto& counts : task.counts) {
          rows += std::accumulate(counts.begin(), counts.end(), uint64_t{0});
        }
      }
      return std::to_string(rows);
    });
  }
}

void MeasureRemoval(Store* store, size_t people) {
  std::vector<SubjectId> gone;
  for (size_t i = 0; i < 2000; ++i) gone.push_back(Person(i * people / 2000));
  const uint64_t before = store->stats().events;
  double begin = Now();
  Check(store->EraseSubjects(gone).has_value(), "erase failed");
  std::printf("erase 2000 people, %llu events: %.2f s\n",
              static_cast<unsigned long long>(before - store->stats().events), Now() - begin);
  Check(store->SetRetention({.days = 20, .events = {}}).has_value(), "rules failed");
  begin = Now();
  Check(store->ExpireNow(kStartMs + kSpanMs).has_value(), "expire failed");
  std::printf("expire %llu events: %.2f s\n",
              static_cast<unsigned long long>(store->stats().expired_rows), Now() - begin);
}

int Main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: store_scan DIR [EVENTS] [PEOPLE] [remove]\n");
    return 2;
  }
  const size_t events = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 10'000'000;
  const size_t people = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 200'000;
  StoreOptions options;
  options.keys = &TestStoreKeys();
  const ManualClock clock(kStartMs + kSpanMs);
  options.clock = &clock;
  options.dir = argv[1];
  auto store = Store::Open(options);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return 1;
  }
  if ((*store)->stats().events == 0) {
    const std::vector<Plan> plan = PlanEvents(events, people);
    double applying = 0;
    uint64_t position = 0;
    for (size_t begin = 0; begin < plan.size(); begin += kBatchEvents, ++position) {
      Batch batch;
      for (size_t i = begin; i < std::min(plan.size(), begin + kBatchEvents); ++i) {
        batch.events.push_back(MakeEvent(plan[i], i));
      }
      const double start = Now();
      const Result<void> applied = (*store)->Apply(batch, position, position + 1);
      applying += Now() - start;
      Check(applied.has_value(), "apply failed");
    }
    std::printf("applied %zu events at %.3f us each\n", plan.size(),
                applying * 1e6 / static_cast<double>(plan.size()));
    const double flush = Now();
    Check((*store)->Flush().has_value(), "flush failed");
    std::printf("flush %.2f s, %llu segments\n", Now() - flush,
                static_cast<unsigned long long>((*store)->stats().segments));
    MeasureScans(**store);
    const double compact = Now();
    Check((*store)->Compact().has_value(), "compact failed");
    std::printf("compact %.2f s\n", Now() - compact);
  }
  store->reset();
  const double open = Now();
  store = Store::Open(options);
  std::printf("open %.1f ms\n", (Now() - open) * 1000);
  const StoreStats stats = (*store)->stats();
  std::printf("%.2f bytes per event in %llu segments\n",
              static_cast<double>(stats.disk_bytes) / static_cast<double>(stats.events),
              static_cast<unsigned long long>(stats.segments));
  MeasureScans(**store);
  if (argc > 4) MeasureRemoval(store->get(), people);
  return 0;
}

}  // namespace
}  // namespace bulkhead

int main(int argc, char** argv) { return bulkhead::Main(argc, argv); }
