// The same random history in the store and in the simplest form of it: after every few steps, and
// across flushes, merges, erasures, restarts and power losses, both must hold the same.
#include <gtest/gtest.h>

#include <deque>
#include <memory>

#include "base/faulty_file_system.h"
#include "store/expect_same.h"
#include "store/naive_store.h"
#include "store/random_batches.h"
#include "store/store.h"
#include "store/test_keys.h"

namespace bulkhead {
namespace {

struct History {
  StoreOptions options;
  ManualClock clock{RandomBatches::kStartMs};  // by it nothing expires of itself
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
    options.keys = &TestStoreKeys();
    options.clock = &clock;
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
  void Expire(int64_t now_ms) {
    const auto expired = store->ExpireNow(now_ms);
    ASSERT_TRUE(expired.has_value());
    ASSERT_EQ(*expired, naive.Expire(store->retention(), now_ms));
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

RetentionRules RandomRules(RandomBatches* random) {
  RetentionRules rules;
  if (random->OneIn(2)) rules.days = 1 + random->Below(9);
  if (random->OneIn(2)) rules.events.push_back({"event 2*", 1 + random->Below(9)});
  if (random->OneIn(2)) rules.events.push_back({"event 3", std::nullopt});
  return rules;
}

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
    if (random.OneIn(20)) {
      ASSERT_TRUE(history.store->SetRetention(RandomRules(&random)).has_value());
      history.Expire(RandomBatches::kStartMs + random.Below(14) * 86'400'000LL);
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
