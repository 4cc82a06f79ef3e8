// Retention and erasure: exactly the right events go, from every file, whatever fails on the way;
// and what an old copy of the directory lacks is told by it.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "store/expect_same.h"
#include "store/golden_store.h"
#include "store/plain_contents.h"

namespace bulkhead {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kToday = 20'000 * kDayMs;  // begins

Event EventAt(int64_t time_ms, const std::string& name, const std::string& value) {
  Event event;
  event.name = name;
  event.time_ms = time_ms;
  event.person = TestSubject(1);
  event.properties.emplace_back("note", Value(value));
  return event;
}

// A store with what it should hold, and its log.
struct World {
  FaultyFileSystem own;
  FaultyFileSystem* fs = &own;
  std::unique_ptr<Store> store;
  NaiveStore naive;
  uint64_t end = 1;

  explicit World(size_t flush_rows = 1'000'000) {
    options = GoldenOptions(fs);
    options.flush_rows = flush_rows;
    store = *Store::Open(options);
  }
  void Apply(const Batch& batch) {
    naive.Apply(batch);
    ASSERT_TRUE(store->Apply(batch, end, end + 10));
    end += 10;
  }
  [[nodiscard]] std::string Contents() const { return PlainContents(options); }
  // What could not be removed goes after the next commit.
  void Commit() {
    store->NotePosition(++end);
    ASSERT_TRUE(store->Flush());
  }
  StoreOptions options;
};

bool Has(const std::string& text, std::string_view needle) {
  return text.find(needle) != std::string::npos;
}

TEST(Retention, RulesDrawTheLineAtTheBeginningOfADay) {
  const RetentionRules rules{.days = 10,
                             .events = {{"short", 2}, {"kept", std::nullopt}, {"sh*", 5}}};
  const RetentionCutoffs cutoffs(rules, kToday + 5000);
  EXPECT_EQ(cutoffs.Of("any"), kToday - 10 * kDayMs);
  EXPECT_EQ(cutoffs.Of("short"), kToday - 2 * kDayMs);  // the first that matches
  EXPECT_EQ(cutoffs.Of("shown"), kToday - 5 * kDayMs);
  EXPECT_EQ(cutoffs.Of("kept"), RetentionCutoffs::kNever);
  EXPECT_FALSE(rules.KeepsAll());
  EXPECT_TRUE(
      (RetentionRules{.days = std::nullopt, .events = {{"kept", std::nullopt}}}.KeepsAll()));
  EXPECT_EQ(UtcDay(-1), -1);
  EXPECT_EQ(UtcDay(-kDayMs), -1);
  EXPECT_EQ(UtcDay(kDayMs - 1), 0);
}

TEST(Retention, RefusesRulesThatMakeNoSense) {
  World world;
  EXPECT_FALSE(world.store->SetRetention({.days = 0, .events = {}}));
  EXPECT_FALSE(world.store->SetRetention({.days = std::nullopt, .events = {{"a", 0}}}));
  EXPECT_FALSE(world.store->SetRetention({.days = 40'000, .events = {}}));
  EXPECT_TRUE(world.store->SetRetention({}));
  EXPECT_EQ(*world.store->ExpireNow(kToday), 0U);
}

Batch OldAndNew() {
  Batch batch;
  batch.events = {EventAt(kToday - 3 * kDayMs - 1, "a", "old-needle"),
                  EventAt(kToday - 3 * kDayMs, "a", "edge"),
                  EventAt(kToday - 9 * kDayMs, "long", "kept by its rule"),
                  EventAt(kToday - 2 * kDayMs, "brief", "brief-needle"),
                  EventAt(kToday + 1000, "a", "new")};
  return batch;
}

const RetentionRules kRules{.days = 3, .events = {{"long", std::nullopt}, {"brief", 1}}};

TEST(Retention, ExpiredEventsAreInNoFileAndNoAnswer) {
  for (const bool on_disk : {true, false}) {
    World world;
    world.Apply(OldAndNew());
    if (on_disk) {
      ASSERT_TRUE(world.store->Flush());
      ASSERT_TRUE(Has(world.Contents(), "old-needle"));
    }
    ASSERT_TRUE(world.store->SetRetention(kRules));
    EXPECT_EQ(*world.store->ExpireNow(kToday + 7 * 3'600'000), 2U);
    EXPECT_EQ(world.naive.Expire(kRules, kToday), 2U);
    ExpectSame(*world.store, world.naive, 2);
    const std::string contents = world.Contents();
    EXPECT_FALSE(Has(contents, "needle"));
    EXPECT_FALSE(Has(contents, "brief"));  // nor the event's name
    EXPECT_TRUE(Has(contents, "edge") && Has(contents, "kept by its rule"));
    EXPECT_EQ(world.store->durable_position(), world.end);
    EXPECT_EQ(world.store->stats().expired_rows, 2U);
    EXPECT_EQ(*world.store->ExpireNow(kToday), 0U);
    // A segment all of which has expired leaves no file.
    EXPECT_EQ(*world.store->ExpireNow(kToday + 30 * kDayMs), 2U);
    ASSERT_TRUE(world.store->SetRetention({.days = 1, .events = {}}));
    EXPECT_EQ(*world.store->ExpireNow(kToday + 30 * kDayMs), 1U);
    EXPECT_EQ(world.store->stats().segments, 0U);
    EXPECT_EQ(FilesOf(world.fs).size(), 1U);
  }
}

// At every step of the removal a power loss, or an error and another try.
TEST(Retention, GoesOnWhereItWasCutOff) {
  for (const Fault fault : {Fault::kCrash, Fault::kIoError, Fault::kNoSpace, Fault::kShortWrite}) {
    bool whole = false;
    for (uint64_t step = 0; !whole; ++step) {
      World world(4);  // several segments
      RandomBatches random(step % 7);
      for (int i = 0; i < 3; ++i) world.Apply(random.Next(5));
      world.Apply(OldAndNew());
      ASSERT_TRUE(world.store->Flush());
      ASSERT_TRUE(world.store->SetRetention(kRules));
      world.fs->FailAt(step, fault);
      const bool done = world.store->ExpireNow(kToday).has_value();
      world.naive.Expire(kRules, kToday);
      ExpectSame(*world.store, world.naive, 2);  // nobody sees them any more
      std::unique_ptr<FaultyFileSystem> after;
      if (fault == Fault::kCrash) {
        whole = !world.fs->crashed();
        world.store.reset();
        after = world.fs->CloneAfterCrash(CrashKeeps::kSome, step);
        world.options.fs = world.fs = after.get();
        auto again = Store::Open(world.options);
        ASSERT_TRUE(again) << step << " " << again.error().message;
        world.store = *std::move(again);
        ASSERT_TRUE(world.store->SetRetention(kRules));
        if (done) {
          EXPECT_FALSE(Has(world.Contents(), "needle"));
        }
      } else {
        whole = done;
        world.fs->Heal();
      }
      ASSERT_TRUE(world.store->ExpireNow(kToday));
      world.Commit();
      EXPECT_FALSE(Has(world.Contents(), "needle")) << step;
      EXPECT_EQ(world.store->stats().purge_due, 0U);
      ExpectSame(*world.store, world.naive, 2);
      world.store.reset();
    }
  }
}

// What is due is marked on disk: a store that is only opened and flushed goes on by itself.
TEST(Retention, MaintenanceFinishesWhatWasBegun) {
  World world;
  world.Apply(OldAndNew());
  ASSERT_TRUE(world.store->Flush());
  ASSERT_TRUE(world.store->SetRetention(kRules));
  // Fails when the segment is written anew, after the flush that marks it.
  world.Apply(OldAndNew());
  for (uint64_t step = 0; world.store->stats().purge_due == 0; ++step) {
    world.fs->FailAt(4 + step, Fault::kIoError);
    (void)world.store->ExpireNow(kToday).has_value();
    world.fs->Heal();
    ASSERT_LT(step, 40U);
  }
  ASSERT_TRUE(world.store->Flush());
  world.store.reset();
  auto again = Store::Open(world.options);
  ASSERT_TRUE(again);
  world.store = *std::move(again);
  EXPECT_EQ(world.store->stats().purge_due, 1U);
  EXPECT_TRUE(Has(world.Contents(), "needle"));
  ASSERT_TRUE(world.store->EraseSubject(TestSubject(77)));  // nobody: it purges all the same
  EXPECT_EQ(world.store->stats().purge_due, 0U);
  EXPECT_FALSE(Has(world.Contents(), "needle"));
}

TEST(Retention, HappensByItselfWhenADayBegins) {
  World world;
  ManualClock clock(kToday - kDayMs);
  world.store.reset();
  world.options.background = true;
  world.options.clock = &clock;
  world.store = *Store::Open(world.options);
  world.Apply(OldAndNew());
  ASSERT_TRUE(world.store->Flush());
  ASSERT_TRUE(world.store->SetRetention({.days = 3, .events = {}}));
  const auto wait_for = [&](uint64_t expired) {
    for (int i = 0; i < 1000; ++i) {
      const StoreStats stats = world.store->stats();
      if (stats.expired_rows >= expired && stats.purge_due == 0) return stats.expired_rows;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return uint64_t{0};
  };
  EXPECT_EQ(wait_for(1), 1U);  // "long" alone
  EXPECT_TRUE(Has(world.Contents(), "old-needle"));
  clock.Set(kToday + 1);
  EXPECT_EQ(wait_for(2), 2U);
  world.store.reset();
  EXPECT_FALSE(Has(world.Contents(), "old-needle"));
}

// --- Erasure ---

Batch EventsOf(uint32_t user, uint32_t device, const std::string& needle) {
  Batch batch;
  for (const uint32_t who : {user, device}) {
    Event event = EventAt(kToday + who, "Opened", needle);
    event.person = TestSubject(who);
    batch.events.push_back(event);
    ProfileUpdate update;
    update.subject = TestSubject(who);
    update.op = ProfileOperator::kSet;
    update.properties.emplace_back("bio", Value(needle));
    batch.profile_updates.push_back(update);
  }
  return batch;
}

Batch LinkOf(uint32_t user, uint32_t device) {
  Batch batch;
  batch.events.push_back(EventAt(kToday, "Linked", "a link"));
  batch.events[0].person = TestSubject(user);
  batch.events[0].device = TestSubject(device);
  return batch;
}

std::vector<SubjectId> Subjects(std::initializer_list<uint32_t> numbers) {
  std::vector<SubjectId> ids;
  for (const uint32_t number : numbers) ids.push_back(TestSubject(number));
  return ids;
}

void ExpectGone(const std::string& contents, const std::string& needle,
                const std::vector<SubjectId>& ids) {
  EXPECT_FALSE(Has(contents, needle));
  for (const SubjectId& id : ids) EXPECT_FALSE(Has(contents, id.ToHex()));
}

TEST(Erasure, ManyPeopleInOnePass) {
  World world(40);
  RandomBatches random(5);
  std::vector<SubjectId> gone;
  for (uint32_t i = 0; i < 60; ++i) {
    world.Apply(random.Next(10));
    world.Apply(EventsOf(1000 + 2 * i, 1001 + 2 * i, i % 3 == 0 ? "kept" : "erased-needle"));
    world.Apply(LinkOf(1000 + 2 * i, 1001 + 2 * i));
    if (i % 3 != 0) gone.push_back(TestSubject((i % 2 == 0 ? 1000 : 1001) + 2 * i));
  }
  const uint64_t commits = world.store->stats().commits;
  const uint64_t segments = world.store->stats().segments;
  ASSERT_TRUE(world.store->EraseSubjects(gone));
  EXPECT_LE(world.store->stats().commits, commits + segments + 3);  // none of it per person
  for (const SubjectId& id : gone) world.naive.Erase(id);
  ExpectSame(*world.store, world.naive, 3);
  std::vector<SubjectId> all;
  for (uint32_t i = 0; i < 60; ++i) {
    if (i % 3 != 0) all.insert(all.end(), {TestSubject(1000 + 2 * i), TestSubject(1001 + 2 * i)});
  }
  ExpectGone(world.Contents(), "erased-needle", all);
  EXPECT_TRUE(Has(world.Contents(), "kept"));
}

TEST(Erasure, GoesOnWhereItWasCutOff) {
  for (const Fault fault : {Fault::kCrash, Fault::kIoError, Fault::kNoSpace}) {
    bool whole = false;
    for (uint64_t step = 0; !whole; ++step) {
      World world(3);
      world.Apply(EventsOf(50, 51, "erased-needle"));
      world.Apply(EventsOf(60, 61, "kept"));
      world.Apply(LinkOf(50, 51));
      ASSERT_TRUE(world.store->Flush());
      world.Apply(EventsOf(50, 51, "erased-needle"));
      ASSERT_TRUE(world.store->Flush());
      world.fs->FailAt(step, fault);
      const bool done = world.store->EraseSubjects(Subjects({50}), 9).has_value();
      world.naive.Erase(TestSubject(50));
      ExpectSame(*world.store, world.naive, 2);
      std::unique_ptr<FaultyFileSystem> after;
      if (fault == Fault::kCrash) {
        whole = !world.fs->crashed();
        world.store.reset();
        after = world.fs->CloneAfterCrash(CrashKeeps::kSome, step);
        world.options.fs = world.fs = after.get();
        auto again = Store::Open(world.options);
        ASSERT_TRUE(again) << step << " " << again.error().message;
        world.store = *std::move(again);
        EXPECT_TRUE(!done || world.store->erasures_applied() == 9U);
      } else {
        whole = done;
        world.fs->Heal();
      }
      if (world.store->erasures_applied() < 9) {  // as the caller does
        ASSERT_TRUE(world.store->EraseSubjects(Subjects({50}), 9));
      }
      world.Commit();
      ExpectGone(world.Contents(), "erased-needle", Subjects({50, 51}));
      ExpectSame(*world.store, world.naive, 2);
      EXPECT_EQ(world.store->erasures_applied(), 9U);
      world.store.reset();
    }
  }
}

// A copy from before the erasure, and before the device was linked, is put back.
TEST(Erasure, IsCarriedOutAgainOnARestoredCopy) {
  World world;
  world.Apply(EventsOf(60, 61, "kept"));
  world.Apply(EventsOf(50, 51, "erased-needle"));
  ASSERT_TRUE(world.store->EraseSubjects(Subjects({80}), 3));
  ASSERT_TRUE(world.store->Flush());
  const Files copy = FilesOf(world.fs);
  world.Apply(LinkOf(50, 51));
  const Batch later = EventsOf(50, 51, "erased-needle");
  world.Apply(later);
  std::vector<SubjectId> tombstones = Subjects({50});
  for (const SubjectId& device : world.store->snapshot().LinkedDevices(TestSubject(50))) {
    tombstones.push_back(device);
  }
  ASSERT_EQ(tombstones, Subjects({50, 51}));
  ASSERT_TRUE(world.store->EraseSubjects(tombstones, 5));
  EXPECT_EQ(world.store->erasures_applied(), 5U);
  ExpectGone(world.Contents(), "erased-needle", Subjects({50, 51}));

  FaultyFileSystem restored;
  PutFiles(&restored, copy);
  StoreOptions options = GoldenOptions(&restored);
  auto store = Store::Open(options);
  ASSERT_TRUE(store);
  EXPECT_EQ((*store)->erasures_applied(), 3U);  // so those from 3 on are carried out again
  // The log of the copy's time holds some of it too.
  ASSERT_TRUE((*store)->Apply(later, 21, 31));
  EXPECT_TRUE(Has(PlainContents(options), "erased-needle"));
  ASSERT_TRUE((*store)->EraseSubjects(tombstones, 5));
  ExpectGone(PlainContents(options), "erased-needle", Subjects({50, 51}));
  EXPECT_TRUE(Has(PlainContents(options), "kept"));
  store->reset();
  EXPECT_EQ((*Store::Open(options))->erasures_applied(), 5U);
}

TEST(Erasure, TheNumberAloneCanBeNoted) {
  World world;
  ASSERT_TRUE(world.store->EraseSubjects({}, 7));
  ASSERT_TRUE(world.store->EraseSubjects({}, 4));  // never back
  EXPECT_EQ(world.store->erasures_applied(), 7U);
  world.store.reset();
  EXPECT_EQ((*Store::Open(world.options))->erasures_applied(), 7U);
}

// --- Positions ---

TEST(NotedPosition, MovesWhatIsDurableWithoutRows) {
  World world;
  world.store->NotePosition(500);
  EXPECT_EQ(world.store->applied_position(), 500U);
  EXPECT_EQ(world.store->durable_position(), 0U);
  const uint64_t commits = world.store->stats().commits;
  ASSERT_TRUE(world.store->Flush());
  EXPECT_EQ(world.store->durable_position(), 500U);
  EXPECT_EQ(world.store->stats().commits, commits + 1);
  EXPECT_EQ(world.store->stats().segments, 0U);
  ASSERT_TRUE(world.store->Flush());
  EXPECT_EQ(world.store->stats().commits, commits + 1);  // nothing to say
  world.store->NotePosition(400);                        // never back
  EXPECT_EQ(world.store->applied_position(), 500U);
  world.store.reset();
  auto again = Store::Open(world.options);
  EXPECT_EQ((*again)->applied_position(), 500U);
}

TEST(NotedPosition, DoesNotOvertakeRowsInMemory) {
  World world;
  world.Apply(OldAndNew());
  world.store->NotePosition(500);
  ASSERT_TRUE(world.store->Apply(OldAndNew(), 500, 510));
  world.naive.Apply(OldAndNew());
  world.store->NotePosition(700);
  EXPECT_EQ(world.store->durable_position(), 0U);
  // A crash before the flush: all of it is applied again.
  world.store.reset();
  world.store = *Store::Open(world.options);
  ASSERT_TRUE(world.store->Apply(OldAndNew(), 1, 11));
  ASSERT_TRUE(world.store->Apply(OldAndNew(), 500, 510));
  world.store->NotePosition(700);
  ASSERT_TRUE(world.store->Flush());
  EXPECT_EQ(world.store->durable_position(), 700U);
  world.store.reset();
  world.store = *Store::Open(world.options);
  ExpectSame(*world.store, world.naive, 2);
}

TEST(NotedPosition, AQuietStoreFollowsTheLogByItself) {
  World world;
  world.store.reset();
  world.options.background = true;
  world.store = *Store::Open(world.options);
  world.Apply(OldAndNew());
  world.store->NotePosition(limits::kMaxStoreLagBytes + 1);
  for (int i = 0; i < 500 && world.store->durable_position() == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(world.store->durable_position(), limits::kMaxStoreLagBytes + 1);
  EXPECT_EQ(world.store->stats().segments, 1U);
}

}  // namespace
}  // namespace bulkhead
