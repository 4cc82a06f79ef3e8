// For tests: a store of its own, fed batch by batch.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "store/random_batches.h"
#include "store/store.h"
#include "store/test_keys.h"

namespace bulkhead {

class StoreFixture : public testing::Test {
 protected:
  StoreFixture() {
    std::string pattern = testing::TempDir() + "bulkhead-store-XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    StoreOptions options;
    options.keys = &TestStoreKeys();
    options.dir = (dir_ / "store").string();
    options.background = false;
    store_ = *Store::Open(options);
  }
  ~StoreFixture() override {
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }

  // `who` 0 = nobody.
  void AddEvent(uint32_t who, int64_t time_ms, ValueObject properties) {
    Event& event = batch_.events.emplace_back();
    event.name = "seen";
    event.time_ms = time_ms;
    event.person = who == 0 ? SubjectId{} : TestSubject(who);
    event.properties = std::move(properties);
  }
  void Apply() {
    const uint64_t position = store_->applied_position();
    EXPECT_TRUE(store_->Apply(batch_, position, position + 1));
    EXPECT_TRUE(store_->Flush());
    batch_ = {};
  }

  std::filesystem::path dir_;
  std::unique_ptr<Store> store_;
  Batch batch_;
};

}  // namespace bulkhead
