// For tests: a query engine over a store of its own. Today is the 10th of June 2025, noon, UTC.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "query/engine.h"
#include "store/store.h"
#include "store/test_keys.h"
#include "wire/expression_parser.h"

namespace bulkhead {

inline constexpr int64_t kDayMs = 86'400'000;
inline constexpr int64_t kHourMs = 3'600'000;

inline SubjectId Subject(uint8_t number) {
  SubjectId id;
  id.bytes[0] = number;
  id.bytes[15] = 1;
  return id;
}

inline int64_t At(int64_t day_of_june, int64_t hours) {
  return *ParseDateTimeMs("2025-06-01") + (day_of_june - 1) * kDayMs + hours * kHourMs;
}

inline SharedExpression Parse(std::string_view text) {
  return std::make_shared<const Expression>(*ParseOn(text));
}

class EngineFixture : public testing::Test {
 protected:
  explicit EngineFixture(size_t flush_rows) : clock_(At(10, 12)) {
    std::string pattern = testing::TempDir() + "bulkhead-engine-XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    StoreOptions options;
    options.keys = &TestStoreKeys();
    options.dir = (dir_ / "store").string();
    options.flush_rows = flush_rows;
    options.background = false;
    options.clock = &clock_;
    store_ = *Store::Open(options);
    QueryOptions query;
    query.clock = &clock_;
    engine_ = std::make_unique<QueryEngine>(store_.get(), query);
  }
  ~EngineFixture() override {
    engine_.reset();
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }

  // `who` 0 = nobody.
  static Event MakeEvent(uint8_t who, const char* name, int64_t time_ms, ValueObject properties) {
    Event event;
    event.name = name;
    event.time_ms = time_ms;
    event.person = who == 0 ? SubjectId() : Subject(who);
    event.properties = std::move(properties);
    return event;
  }
  void Apply(Batch batch) {
    batch.project = ProjectId{1};
    ASSERT_TRUE(store_->Apply(batch, position_, position_ + 1));
    ++position_;
  }

  std::filesystem::path dir_;
  ManualClock clock_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<QueryEngine> engine_;
  uint64_t position_ = 0;
};

}  // namespace bulkhead
