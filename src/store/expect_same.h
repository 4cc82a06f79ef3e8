// Whether a store answers as the simplest form of it does, for tests.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <vector>

#include "store/naive_store.h"
#include "store/person_scan.h"
#include "store/store.h"
#include "store/time_scan.h"

namespace bulkhead {

class Collector final : public PersonVisitor {
 public:
  void Visit(const PersonHits& person) override {
    EXPECT_TRUE(people.empty() || people.rbegin()->first < person.person) << "not ascending";
    people[person.person].assign(person.hits.begin(), person.hits.end());
  }
  std::map<SubjectId, std::vector<Hit>> people;
};

inline std::map<SubjectId, std::vector<Hit>> ScanAll(const ScanContext& context, size_t tasks) {
  std::vector<Collector> collectors(tasks);
  std::vector<PersonVisitor*> visitors;
  for (Collector& collector : collectors) visitors.push_back(&collector);
  ScanPersons(context, visitors);
  std::map<SubjectId, std::vector<Hit>> all;
  for (Collector& collector : collectors) {
    for (auto& [id, hits] : collector.people) {
      EXPECT_FALSE(all.contains(id)) << "two workers visited a person";
      all[id] = std::move(hits);
    }
  }
  return all;
}

using TimesByPerson = std::map<SubjectId, std::vector<std::vector<int64_t>>>;

// Times by person and filter; quarter hours as often as they have events.
class TimeCollector final : public TimeVisitor {
 public:
  explicit TimeCollector(size_t filters) : filters_(filters) {}
  void Visit(const PersonTimes& person) override {
    EXPECT_FALSE(people.contains(person.person())) << "a person came twice";
    std::vector<std::vector<int64_t>> lists(filters_);
    bool any = false;
    for (size_t f = 0; f < filters_; ++f) {
      const EventTimes::List list = person.Of(f);
      EXPECT_TRUE(std::is_sorted(list.times_ms.begin(), list.times_ms.end()));
      for (size_t i = 0; i < list.times_ms.size(); ++i) {
        const uint32_t count = list.counts.empty() ? 1 : list.counts[i];
        lists[f].insert(lists[f].end(), count, list.times_ms[i]);
        any = any || count > 0;
      }
    }
    if (any) people[person.person()] = std::move(lists);
  }
  TimesByPerson people;

 private:
  size_t filters_;
};

// The lists of a time scan say what the rows say.
inline void ExpectSameTimes(const Snapshot& snapshot, const NaiveStore& naive, size_t tasks) {
  constexpr int64_t kQuarter = EventTimes::kQuarterHourMs;
  const auto expected = naive.People();
  if (expected.empty()) return;
  const Event& some = std::next(expected.begin(), static_cast<ptrdiff_t>(expected.size() / 2))
                          ->second.front()
                          .event;
  ScanSpec spec;
  spec.filters = {{"", nullptr}, {some.name, nullptr}, {"no such event", nullptr}};
  if (tasks % 2 == 0) {
    spec.from_ms = EventTimes::QuarterHourOf(some.time_ms) - 20 * kQuarter;
    spec.to_ms = spec.from_ms + 60 * kQuarter;
  }
  const auto context = ScanContext::Prepare(snapshot, spec);
  ASSERT_TRUE(context.has_value());
  for (const auto resolution :
       {EventTimes::Resolution::kExact, EventTimes::Resolution::kQuarterHour}) {
    for (const std::optional<size_t> required :
         {std::optional<size_t>(), std::optional<size_t>(1)}) {
      const auto scan = TimeScan::Prepare(**context, resolution);
      ASSERT_TRUE(scan.has_value());
      if (*scan == nullptr) continue;
      TimesByPerson found;
      for (const auto& visitor :
           RunTimes<TimeCollector>(**scan, static_cast<int>(tasks), required,
                                   [] { return std::make_unique<TimeCollector>(3); })) {
        found.merge(visitor->people);
      }
      TimesByPerson wanted;
      for (const auto& [id, rows] : expected) {
        std::vector<std::vector<int64_t>> lists(3);
        for (const NaiveStore::Row& row : rows) {
          const int64_t time_ms = row.event.time_ms;
          if (time_ms < spec.from_ms || time_ms >= spec.to_ms) continue;
          const int64_t shown = resolution == EventTimes::Resolution::kExact
                                    ? time_ms
                                    : EventTimes::QuarterHourOf(time_ms);
          lists[0].push_back(shown);
          if (row.event.name == some.name) lists[1].push_back(shown);
        }
        if (!lists[required.value_or(0)].empty()) wanted[id] = std::move(lists);
      }
      if (required) {
        std::erase_if(found, [](const auto& person) { return person.second[1].empty(); });
      }
      found.erase(SubjectId());
      wanted.erase(SubjectId());
      ASSERT_EQ(found, wanted);
    }
  }
}

inline void ExpectSame(const Store& store, const NaiveStore& naive, size_t tasks) {
  const Snapshot snapshot = store.snapshot();
  EXPECT_EQ(snapshot.rows(), naive.rows());
  ScanSpec spec;
  spec.filters = {{"", nullptr}};
  spec.people = false;
  auto context = ScanContext::Prepare(snapshot, spec);
  ASSERT_TRUE(context.has_value());
  const auto found = ScanAll(**context, tasks);
  const auto expected = naive.People();
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [id, rows] : expected) {
    const auto person = found.find(id);
    ASSERT_NE(person, found.end());
    ASSERT_EQ(person->second.size(), rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      const Hit& hit = person->second[i];
      ASSERT_EQ(hit.time_ms, rows[i].event.time_ms);
      ASSERT_EQ((*context)->EventName(hit), rows[i].event.name) << i << " of " << rows.size();
      const Result<ValueObject> properties = (*context)->AllProperties(hit.source, hit.row);
      ASSERT_TRUE(properties.has_value());
      ASSERT_EQ(ToJson(Value(*properties)), ToJson(Value(rows[i].event.properties)));
      const SubjectId sent = (*context)->SentAs(hit.source, hit.row);
      ASSERT_EQ(sent, rows[i].event.person == id ? SubjectId() : rows[i].event.person);
      ASSERT_EQ((*context)->PersonOf(hit.source, hit.row), id);
    }
  }
  ExpectSameTimes(snapshot, naive, tasks);
  std::map<SubjectId, ValueObject> profiles;
  snapshot.ForEachProfile(
      [&](const SubjectId& id, const ValueObject& profile) { profiles[id] = profile; });
  ASSERT_EQ(profiles.size(), naive.profiles().size());
  for (const auto& [id, profile] : naive.profiles()) {
    ASSERT_EQ(ToJson(Value(profiles[id])), ToJson(Value(profile)));
  }
}

}  // namespace bulkhead
