// What the sieve costs on the benchmark's events: processor time of one thread, so that what else
// the machine does counts little.
//
//   sieve_cost FOLDER [EVENTS]
//
// FOLDER/bodies.ndjson is what make_events wrote. Fails above 2 microseconds an event.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "crypto/crypto.h"
#include "sieve/sieve.h"
#include "wire/event_parser.h"

namespace {

constexpr double kTargetNanoseconds = 2000;
constexpr int kRounds = 5;

double ThreadNanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::vector<bulkhead::ParsedEvent> ReadEvents(const std::string& path, size_t most) {
  std::vector<bulkhead::ParsedEvent> events;
  std::ifstream file(path);
  for (std::string body; events.size() < most && std::getline(file, body);) {
    auto parsed = bulkhead::ParseEvents(body, {.strict = true, .now_ms = 1800000000000});
    if (!parsed) continue;
    for (bulkhead::ParsedEvent& event : parsed->events) events.push_back(std::move(event));
  }
  return events;
}

// The events are copied outside the measured time.
double NanosecondsPerEvent(const bulkhead::Sieve& sieve,
                           const std::vector<bulkhead::ParsedEvent>& events) {
  std::vector<bulkhead::ParsedEvent> copies = events;
  const double start = ThreadNanoseconds();
  for (bulkhead::ParsedEvent& event : copies) {
    bulkhead::CleanOutcome outcome;
    sieve.CleanEventName(&event.name, &outcome);
    sieve.CleanEventProperties(&event.properties, &outcome);
  }
  return (ThreadNanoseconds() - start) / static_cast<double>(copies.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: sieve_cost FOLDER [EVENTS]\n");
    return 2;
  }
  const size_t most = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 200'000;
  bulkhead::InitCrypto();
  const bulkhead::KeyedHash key{
      bulkhead::SecretBytes(std::string_view("0123456789abcdef0123456789abcdef"))};
  auto sieve = bulkhead::Sieve::Create({"", "/usr/share/uap-core/regexes.yaml", &key});
  const std::vector<bulkhead::ParsedEvent> events =
      ReadEvents(std::string(argv[1]) + "/bodies.ndjson", most);
  if (!sieve || events.empty()) {
    std::fprintf(stderr, "no events in %s\n", argv[1]);
    return 2;
  }
  double best = NanosecondsPerEvent(**sieve, events);
  for (int round = 1; round < kRounds; ++round)
    best = std::min(best, NanosecondsPerEvent(**sieve, events));
  std::printf("{\"events\":%zu,\"ns_per_event\":%.0f,\"target\":%.0f}\n", events.size(), best,
              kTargetNanoseconds);
  return best <= kTargetNanoseconds ? 0 : 1;
}
