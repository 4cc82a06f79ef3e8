#include "oracle/history.h"

#include <date/date.h>
#include <date/tz.h>

#include <algorithm>
#include <tuple>

namespace bulkhead::oracle {
namespace {

SubjectId Id(uint8_t kind, int64_t number) {
  SubjectId id;
  id.bytes[0] = static_cast<uint8_t>(number * 37);
  id.bytes[1] = static_cast<uint8_t>(number);
  id.bytes[15] = kind;
  return id;
}

ValueObject RandomProperties(Random* random) {
  ValueObject properties;
  switch (Pick(random, 0, 10)) {
    case 0:
      properties.emplace_back("p", Value());
      break;
    case 1:
      properties.emplace_back("p", Value(ValueList{Value("a"), Value("b")}));
      break;
    case 2:
      properties.emplace_back("p", Value(ValueList{Value("a"), Value("a"), Value(1.0)}));
      break;
    case 3:
      properties.emplace_back("p", Value(1.0));
      break;
    case 4:
    case 5:
      properties.emplace_back("p", Value("a"));
      break;
    case 6:
      properties.emplace_back("p", Value("b"));
      break;
    case 7:  // reads as another value does
      properties.emplace_back("p", Value("1"));
      break;
    case 8:
      properties.emplace_back("p", Value("undefined"));
      break;
    default:
      break;
  }
  if (Pick(random, 0, 3) != 0) {
    properties.emplace_back("n", Pick(random, 0, 9) == 0
                                     ? Value("x")
                                     : Value(static_cast<double>(Pick(random, -4, 12)) / 2));
  }
  return properties;
}

int64_t RandomTime(Random* random, int64_t start_ms, int64_t days) {
  const int64_t hour = Pick(random, 0, days * 24 - 1) * 3'600'000;
  switch (Pick(random, 0, 3)) {
    case 0:
      return start_ms + hour;  // many events at the same moment
    case 1:
      return start_ms + hour + Pick(random, 0, 8) * 500;  // within the grace
    case 2:
      return start_ms + hour + Pick(random, 0, 3'599'999);
    default:
      return start_ms + hour / 8 + Pick(random, 0, 60) * 60'000;
  }
}

// A zone and a day on which its clocks change, which every history has in its range: by an hour, by
// half an hour, at midnight and over it; and a turn of the year without any.
struct Change {
  const char* zone;
  const char* day;
};
constexpr Change kChanges[] = {
    {"Europe/Berlin", "2025-03-30"},
    {"Europe/Berlin", "2025-10-26"},
    {"America/New_York", "2025-03-09"},
    {"America/New_York", "2025-11-02"},
    {"Australia/Lord_Howe", "2025-04-06"},
    {"Australia/Lord_Howe", "2025-10-05"},
    {"America/Santiago", "2025-04-05"},
    {"America/Santiago", "2025-09-07"},
    {"UTC", "2025-01-01"},
};

}  // namespace

Scenario MakeScenario(uint64_t seed) {
  Random random(seed);
  Scenario scenario;
  const auto& [zone, change] = kChanges[Pick(&random, 0, std::size(kChanges) - 1)];
  scenario.zone = zone;
  const int64_t days = Pick(&random, 1, 8);
  const int64_t first = DayNumber(change) - Pick(&random, 1, days);
  scenario.from = DayText(first + 1);
  scenario.to = DayText(first + days);
  scenario.now_ms = (first + Pick(&random, 1, 20)) * 86'400'000;
  scenario.batch_size = static_cast<size_t>(Pick(&random, 1, 12));
  scenario.flush_rows = Pick(&random, 0, 2) == 0 ? static_cast<size_t>(Pick(&random, 2, 20)) : 1000;
  const int64_t people = Pick(&random, 1, 5);
  const int64_t events = Pick(&random, 1, 40);
  static const char* const kNames[] = {"A", "B", "C", "X"};
  for (int64_t e = 0; e < events; ++e) {
    if (!scenario.events.empty() && Pick(&random, 0, 9) == 0) {
      Event again = scenario.events[static_cast<size_t>(
          Pick(&random, 0, static_cast<int64_t>(scenario.events.size()) - 1))];
      if (Pick(&random, 0, 1) == 0) {
        again.properties = RandomProperties(&random);
      }
      scenario.events.push_back(std::move(again));
      continue;
    }
    Event event;
    event.name = kNames[Pick(&random, 0, 3)];
    event.time_ms = RandomTime(&random, first * 86'400'000, days + 4);
    const int64_t who = Pick(&random, 1, people);
    switch (Pick(&random, 0, 9)) {
      case 0:  // nobody
        break;
      case 1:
      case 2:  // an unknown visitor
        event.device = Id(2, who);
        event.person = event.device;
        break;
      case 3:  // both: the device is theirs from now on, unless it is someone's
        event.device = Id(2, Pick(&random, 1, people));
        event.person = Id(1, who);
        break;
      default:
        event.person = Id(1, who);
    }
    event.insert_id = Pick(&random, 0, 2) == 0 ? 0 : static_cast<uint64_t>(e) + 1;
    event.properties = RandomProperties(&random);
    scenario.events.push_back(std::move(event));
  }
  for (int64_t p = 1; p <= people; ++p) {
    if (Pick(&random, 0, 2) != 0) {
      ProfileUpdate update;
      update.subject = Id(1, p);
      update.op = ProfileOperator::kSet;
      update.ignore_time = true;
      update.time_ms = scenario.now_ms;
      update.properties = {{"tier", Pick(&random, 0, 1) == 0 ? Value("gold") : Value(2.0)}};
      scenario.profiles.push_back(std::move(update));
    }
  }
  return scenario;
}

std::string Describe(const Scenario& scenario) {
  std::string text = "zone " + scenario.zone + ", " + scenario.from + " to " + scenario.to +
                     ", batches of " + std::to_string(scenario.batch_size) + ", flush at " +
                     std::to_string(scenario.flush_rows) + "\n";
  for (const Event& event : scenario.events) {
    text += "  " + event.name + " at " +
            date::format("%FT%T", date::sys_time<std::chrono::milliseconds>(
                                      std::chrono::milliseconds(event.time_ms))) +
            " person " + event.person.ToHex().substr(0, 4) + " device " +
            event.device.ToHex().substr(0, 4) + " insert " + std::to_string(event.insert_id) + " " +
            ToJson(Value(event.properties)) + "\n";
  }
  return text;
}

PlainHistory Replay(const Scenario& scenario) {
  std::vector<PlainEvent> kept;
  std::map<std::tuple<std::string, SubjectId, int64_t, uint64_t>, size_t> seen;
  std::map<SubjectId, SubjectId> links;
  for (size_t arrival = 0; arrival < scenario.events.size(); ++arrival) {
    const Event& event = scenario.events[arrival];
    if (!event.device.IsNobody() && event.device != event.person && !event.person.IsNobody()) {
      links.try_emplace(event.device, event.person);
    }
    PlainEvent plain{event.time_ms, arrival, event.name, event.person, event.properties};
    if (event.insert_id != 0) {
      const auto [it, fresh] =
          seen.try_emplace({event.name, event.person, event.time_ms, event.insert_id}, kept.size());
      if (!fresh) {
        // The latest wins; the very same again changes nothing, its place in the order included.
        if (!(Value(kept[it->second].properties) == Value(plain.properties))) {
          kept[it->second] = std::move(plain);
        }
        continue;
      }
    }
    kept.push_back(std::move(plain));
  }
  PlainHistory history;
  for (PlainEvent& event : kept) {
    const auto link = links.find(event.person);
    if (link != links.end()) {
      event.person = link->second;
    }
    history.people[event.person].push_back(event);
  }
  for (auto& [person, events] : history.people) {
    std::sort(events.begin(), events.end(), [](const PlainEvent& a, const PlainEvent& b) {
      return std::tie(a.time_ms, a.arrival) < std::tie(b.time_ms, b.arrival);
    });
  }
  for (const ProfileUpdate& update : scenario.profiles) {
    history.profiles[update.subject] = update.properties;
  }
  return history;
}

namespace {

class EventLookup final : public PropertyLookup {
 public:
  EventLookup(const PlainHistory& history, const PlainEvent& event)
      : history_(history), event_(event), time_(static_cast<double>(event.time_ms) / 1000) {}
  const Value* EventProperty(std::string_view name) override {
    return Find(event_.properties, name);
  }
  const Value* UserProperty(std::string_view name) override {
    const auto it = history_.profiles.find(event_.person);
    return it == history_.profiles.end() ? nullptr : Find(it->second, name);
  }
  const Value* EventField(std::string_view name) override {
    return name == "$time" ? &time_ : nullptr;
  }

 private:
  const PlainHistory& history_;
  const PlainEvent& event_;
  Value time_;
};

}  // namespace

bool HoldsFor(const PlainHistory& history, const SharedExpression& where, const PlainEvent& event) {
  EventLookup lookup(history, event);
  return where == nullptr || Holds(*where, lookup);
}

bool Selects(const PlainHistory& history, const EventSelector& selector, const PlainEvent& event) {
  return (selector.event.empty() || selector.event == event.name) &&
         HoldsFor(history, selector.where, event);
}

const Value* ValueOf(const PlainHistory& history, const PropertyRef& property,
                     const PlainEvent& event) {
  EventLookup lookup(history, event);
  return property.of_user ? lookup.UserProperty(property.name)
                          : lookup.EventProperty(property.name);
}

std::optional<Value> ValueOf(const PlainHistory& history, const Expression& expression,
                             const PlainEvent& event) {
  EventLookup lookup(history, event);
  return Evaluate(expression, lookup);
}

std::string ValueText(const PlainHistory& history, const PropertyRef& property,
                      const PlainEvent& event) {
  const Value* value = ValueOf(history, property, event);
  return value == nullptr ? "null" : ToJson(*value);
}

LocalTime ToLocal(const std::string& zone, int64_t time_ms) {
  const auto local = date::locate_zone(zone)->to_local(
      date::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(time_ms)));
  const auto day = date::floor<date::days>(local);
  const auto minute = date::floor<std::chrono::minutes>(local - day);
  return {day.time_since_epoch().count(), minute.count()};
}

std::string DayText(int64_t day) { return date::format("%F", date::sys_days(date::days(day))); }

int64_t DayStartMs(const std::string& zone, int64_t day) {
  const auto instant =
      date::locate_zone(zone)->to_sys(date::local_days(date::days(day)), date::choose::earliest);
  return std::chrono::duration_cast<std::chrono::milliseconds>(instant.time_since_epoch()).count();
}

int64_t DayNumber(const std::string& date) { return *ParseDateTimeMs(date) / 86'400'000; }

bool InDays(const Scenario& scenario, int64_t time_ms) {
  const std::string day = DayText(ToLocal(scenario.zone, time_ms).day);
  return day >= scenario.from && day <= scenario.to;
}

namespace {

// Units since some moment of long ago.
int64_t UnitNumber(const LocalTime& local, TimeUnit unit) {
  const date::year_month_day ymd{date::sys_days(date::days(local.day))};
  switch (unit) {
    case TimeUnit::kMonth:
      return int64_t{int(ymd.year())} * 12 + unsigned(ymd.month()) - 1;
    case TimeUnit::kWeek:
      return (local.day + 3) / 7;  // the week of 1970-01-01 began three days before
    case TimeUnit::kHour:
      return local.day * 24 + local.minute / 60;
    default:
      return local.day;
  }
}

std::string UnitText(int64_t number, TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kMonth: {
      const auto month = static_cast<unsigned>(number % 12) + 1;
      return date::format("%F", date::sys_days(date::year(static_cast<int>(number / 12)) /
                                               date::month(month) / date::day(1)));
    }
    case TimeUnit::kWeek:
      return DayText(number * 7 - 3);
    case TimeUnit::kHour: {
      const std::string hour = std::to_string(number % 24);
      return DayText(number / 24) + " " + (hour.size() < 2 ? "0" : "") + hour + ":00:00";
    }
    default:
      return DayText(number);
  }
}

}  // namespace

std::string BucketText(const std::string& zone, int64_t time_ms, TimeUnit unit) {
  return UnitText(UnitNumber(ToLocal(zone, time_ms), unit), unit);
}

int64_t BucketNumber(const Scenario& scenario, int64_t time_ms, TimeUnit unit, int interval) {
  const int64_t units = UnitNumber(ToLocal(scenario.zone, time_ms), unit) -
                        UnitNumber({DayNumber(scenario.from), 0}, unit);
  return (units - (units < 0 ? interval - 1 : 0)) / interval;
}

std::string BucketText(const Scenario& scenario, int64_t time_ms, TimeUnit unit, int interval) {
  const int64_t first = UnitNumber({DayNumber(scenario.from), 0}, unit);
  return UnitText(first + BucketNumber(scenario, time_ms, unit, interval) * interval, unit);
}

std::vector<std::pair<size_t, size_t>> Sessions(const Scenario& scenario, int64_t timeout_ms,
                                                const std::vector<PlainEvent>& events) {
  std::vector<std::pair<size_t, size_t>> sessions;
  for (size_t i = 0; i < events.size(); ++i) {
    const bool cut = i == 0 || events[i].time_ms - events[i - 1].time_ms > timeout_ms ||
                     ToLocal(scenario.zone, events[i].time_ms).day !=
                         ToLocal(scenario.zone, events[i - 1].time_ms).day;
    if (cut) {
      sessions.emplace_back(i, i + 1);
    } else {
      sessions.back().second = i + 1;
    }
  }
  return sessions;
}

}  // namespace bulkhead::oracle
