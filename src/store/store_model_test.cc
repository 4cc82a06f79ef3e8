// The same random history in the store and in the simplest form of it: after every few steps, and
// across flushes, merges, erasures, restarts and power losses, both must hold the same.
#include <gtest/gtest.h>

#include <deque>
#include <memory>

#include "base/faulty_file_system.h"
#include "store/naive_store.h"
#include "store/person_scan.h"
#include "store/random_batches.h"
#include "store/store.h"
#include "store/time_scan.h"

namespace bulkhead {
namespace {

class Collector final : public PersonVisitor {
 public:
  void Visit(const PersonHits& person) override {
    EXPECT_TRUE(people.empty() || people.rbegin()->first < person.person) << "not ascending";
    people[person.person].assign(person.hits.begin(), person.hits.end());
  }
  std::map<SubjectId, std::vector<Hit>> people;
};

std::map<SubjectId, std::vector<Hit>> ScanAll(const ScanContext& context, size_t tasks) {
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
void ExpectSameTimes(const Snapshot& snapshot, const NaiveStore& naive, size_t tasks) {
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

void ExpectSame(const Store& store, const NaiveStore& naive, size_t tasks) {
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

struct History {
  StoreOptions options;
  std::unique_ptr<FaultyFileSystem> fs = std::make_unique<FaultyFileSystem>();
  std::unique_ptr<Store> store;
  NaiveStore naive;
  struct Record {
    Batch batch;
    uint64_t position;
    uint64_t next_position;
  };
  std::deque<Record> log;  // from the durable position on
  uint64_t end = 0;

  void Open() {
    options.fs = fs.get();
    options.dir = "/store";
    auto opened = Store::Open(options);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    store = std::move(*opened);
  }
  void Apply(Batch batch) {
    naive.Apply(batch);
    const uint64_t position = end;
    end += 17;
    log.push_back({std::move(batch), position, end});
    ASSERT_TRUE(store->Apply(log.back().batch, position, end).has_value());
  }
  void Trim() {
    while (!log.empty() && log.front().next_position <= store->durable_position()) {
      log.pop_front();
    }
  }
  // A power loss and what follows it.
  void Restart(CrashKeeps keeps, uint64_t seed) {
    Trim();
    store.reset();
    fs = fs->CloneAfterCrash(keeps, seed);
    Open();
    ASSERT_TRUE(store != nullptr);
    ASSERT_TRUE(log.empty() || store->applied_position() >= log.front().position);
    for (const Record& record : log) {
      ASSERT_TRUE(store->Apply(record.batch, record.position, record.next_position).has_value());
    }
    ASSERT_EQ(store->applied_position(), end);
  }
};

class StoreModelTest : public testing::TestWithParam<int> {};

TEST_P(StoreModelTest, RandomHistory) {
  RandomBatches random(static_cast<uint64_t>(GetParam()));
  History history;
  history.options.flush_rows = 150 + random.Below(200);
  history.options.background = random.OneIn(2);
  history.options.max_merge_rows = random.OneIn(3) ? 900 : 1'000'000;
  history.options.column_cache_bytes = random.OneIn(2) ? 5000 : 1 << 20;
  history.Open();
  for (int step = 0; step < 120 && !testing::Test::HasFatalFailure(); ++step) {
    history.Apply(random.Next(1 + random.Below(60)));
    if (random.OneIn(9)) {
      ASSERT_TRUE(history.store->Flush().has_value());
      ASSERT_EQ(history.store->durable_position(), history.end);
    }
    if (random.OneIn(25)) {
      ASSERT_TRUE(history.store->Compact().has_value());
    }
    if (random.OneIn(30)) {
      const SubjectId person = random.Anyone();
      ASSERT_TRUE(history.store->EraseSubject(person).has_value());
      history.naive.Erase(person);
    }
    if (random.OneIn(15)) {
      const auto keeps = static_cast<CrashKeeps>(1 + random.Below(3));
      history.Restart(keeps, random.Below(1000));
    }
    if (random.OneIn(4)) {
      ExpectSame(*history.store, history.naive, 1 + random.Below(5));
    }
  }
  ExpectSame(*history.store, history.naive, 3);
}

TEST_P(StoreModelTest, FaultsWhileWriting) {
  RandomBatches random(static_cast<uint64_t>(GetParam()) + 1000);
  History history;
  history.options.flush_rows = 120;
  history.options.background = false;
  history.Open();
  for (int step = 0; step < 60 && !testing::Test::HasFatalFailure(); ++step) {
    const auto fault = static_cast<Fault>(1 + random.Below(4));
    history.fs->FailAt(random.Below(40), fault, 1 + random.Below(3));
    for (int i = 0; i < 4; ++i) {
      history.Apply(random.Next(1 + random.Below(50)));
    }
    if (random.OneIn(3)) [[maybe_unused]]
      const auto merged = history.store->Compact();
    ExpectSame(*history.store, history.naive, 2);
    if (history.fs->crashed() || random.OneIn(4)) {
      history.Restart(static_cast<CrashKeeps>(1 + random.Below(3)), random.Below(1000));
    } else {
      history.fs->Heal();
      ASSERT_TRUE(history.store->Flush().has_value());
      history.Trim();
    }
  }
  ExpectSame(*history.store, history.naive, 3);
}

INSTANTIATE_TEST_SUITE_P(Seeds, StoreModelTest, testing::Range(1, 9));

}  // namespace
}  // namespace bulkhead
