#include "query/stored_events.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "query/engine_fixture.h"

namespace bulkhead {
namespace {

class StoredEventsTest : public EngineFixture {
 protected:
  StoredEventsTest() : EngineFixture(3) {}  // some rows on disk, some in memory

  std::vector<Event> Read(int64_t from_ms, int64_t to_ms) {
    Result<std::vector<Event>> events = ReadStoredEvents(store_->snapshot(), from_ms, to_ms, 100);
    EXPECT_TRUE(events);
    std::ranges::sort(*events, {}, &Event::time_ms);
    return *std::move(events);
  }
};

TEST_F(StoredEventsTest, GivesWhatWasApplied) {
  for (uint8_t i = 0; i < 8; ++i) {
    Batch batch;
    Event event = MakeEvent(i % 3, i % 2 == 0 ? "even" : "odd", At(1, i),
                            {{"n", Value(static_cast<double>(i))}});
    // More bits than are kept; the first event was sent without.
    event.insert_id = i == 0 ? 0 : (uint64_t{1} << 50) + i;
    batch.events = {event};
    Apply(batch);
  }
  const std::vector<Event> events = Read(At(1, 0), At(1, 7));  // without the last
  ASSERT_EQ(events.size(), 7U);
  for (uint8_t i = 0; i < 7; ++i) {
    EXPECT_EQ(events[i].name, i % 2 == 0 ? "even" : "odd");
    EXPECT_EQ(events[i].time_ms, At(1, i));
    EXPECT_EQ(events[i].person, i % 3 == 0 ? SubjectId() : Subject(i % 3));
    EXPECT_EQ(events[i].insert_id, i);
    EXPECT_EQ(events[i].properties, (ValueObject{{"n", Value(static_cast<double>(i))}}));
  }
}

TEST_F(StoredEventsTest, MoreThanIsReadAtOnceIsSaid) {
  Batch batch;
  for (uint8_t i = 0; i < 5; ++i) {
    batch.events.push_back(MakeEvent(1, "x", At(1, i), {}));
  }
  Apply(batch);
  EXPECT_EQ(ReadStoredEvents(store_->snapshot(), At(1, 0), At(2, 0), 4).error().code,
            ErrorCode::kLimit);
  EXPECT_EQ(ReadStoredEvents(store_->snapshot(), At(1, 0), At(2, 0), 5)->size(), 5U);
}

}  // namespace
}  // namespace bulkhead
