// Small random histories, the same for the engine and for the oracles, and the oracles' plain view
// of them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "model/event.h"
#include "model/report.h"

namespace bulkhead::oracle {

using Random = std::mt19937_64;

// A number in [low, high].
inline int64_t Pick(Random* random, int64_t low, int64_t high) {
  return low + static_cast<int64_t>((*random)() % static_cast<uint64_t>(high - low + 1));
}

struct Scenario {
  std::string zone;
  std::string from;  // the days that reports ask about
  std::string to;
  int64_t now_ms = 0;
  size_t batch_size = 1;
  size_t flush_rows = 1000;
  std::vector<Event> events;  // in order of arrival
  std::vector<ProfileUpdate> profiles;
};

Scenario MakeScenario(uint64_t seed);
std::string Describe(const Scenario& scenario);

// What the contract says is left of a history: duplicates gone, devices' events with their user,
// (time, arrival) order.
struct PlainEvent {
  int64_t time_ms = 0;
  uint64_t arrival = 0;
  std::string name;
  SubjectId person;
  ValueObject properties;
};

struct PlainHistory {
  std::map<SubjectId, std::vector<PlainEvent>> people;  // nobody's events under the zero id
  std::map<SubjectId, ValueObject> profiles;
};

PlainHistory Replay(const Scenario& scenario);

bool Selects(const PlainHistory& history, const EventSelector& selector, const PlainEvent& event);
bool HoldsFor(const PlainHistory& history, const SharedExpression& where, const PlainEvent& event);
// The property's value as JSON; "null" where it is absent.
std::string ValueText(const PlainHistory& history, const PropertyRef& property,
                      const PlainEvent& event);
const Value* ValueOf(const PlainHistory& history, const PropertyRef& property,
                     const PlainEvent& event);
std::optional<Value> ValueOf(const PlainHistory& history, const Expression& expression,
                             const PlainEvent& event);

// Local calendar of a moment, straight from the time zone database.
struct LocalTime {
  int64_t day = 0;     // since 1970-01-01
  int64_t minute = 0;  // of the day
};
LocalTime ToLocal(const std::string& zone, int64_t time_ms);
std::string DayText(int64_t day);
int64_t DayNumber(const std::string& date);
bool InDays(const Scenario& scenario, int64_t time_ms);
// The first moment of a local day.
int64_t DayStartMs(const std::string& zone, int64_t day);
// The label of the bucket a moment belongs to.
std::string BucketText(const std::string& zone, int64_t time_ms, TimeUnit unit);
// The same of buckets of several units, the first of which begins with the first unit that has a
// day of the range; and how many of them lie between the first and the moment's.
std::string BucketText(const Scenario& scenario, int64_t time_ms, TimeUnit unit, int interval);
int64_t BucketNumber(const Scenario& scenario, int64_t time_ms, TimeUnit unit, int interval);

// [begin, end) of each session of one person's events: cut by a pause, and at midnight.
std::vector<std::pair<size_t, size_t>> Sessions(const Scenario& scenario, int64_t timeout_ms,
                                                const std::vector<PlainEvent>& events);

}  // namespace bulkhead::oracle
