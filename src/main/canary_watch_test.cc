#include "main/canary_watch.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/faulty_file_system.h"

namespace bulkhead {
namespace {

const Error kDown{ErrorCode::kUnavailable, "down"};

class CanaryWatchTest : public testing::Test {
 protected:
  CanaryWatchTest() {
    keys_.Add(1, SecretBytes(std::string(kKeyBytes, 'k')));
    EXPECT_TRUE(fs_->CreateDirs("dir"));
  }
  // As after a start.
  std::unique_ptr<CanaryWatch> Watch() {
    return std::make_unique<CanaryWatch>(
        CanaryWatch::Parts{.file = *CanarySightsFile::Open(*fs_, "dir", keys_),
                           .clock = &clock_,
                           .record = [this](const AuditEntry& entry) -> Result<uint64_t> {
                             if (audit_down_) return kDown;
                             entries_.push_back(entry);
                             return entries_.size();
                           },
                           .incident = [this](const CanarySights& sights) -> Result<std::string> {
                             ++asked_;
                             if (incidents_down_) return kDown;
                             if (meanwhile_) std::exchange(meanwhile_, nullptr)();
                             return sights.vendor + std::to_string(sights.epoch);
                           },
                           .log = [this](const std::string& text) { said_.push_back(text); },
                           .pause = std::chrono::milliseconds(1)});
  }
  static VendorStatus StatusOf(const CanaryWatch& watch, const std::string& vendor = "acme") {
    std::vector<VendorStatus> vendors(1);
    vendors[0].name = vendor;
    watch.AddTo(&vendors);
    return vendors[0];
  }

  std::unique_ptr<FaultyFileSystem> fs_ = std::make_unique<FaultyFileSystem>();
  KeyRing keys_;
  ManualClock clock_{1'764'115'200'000};
  std::atomic<bool> audit_down_{false};
  bool incidents_down_ = false;
  std::function<void()> meanwhile_;
  std::vector<AuditEntry> entries_;
  std::vector<std::string> said_;
  std::atomic<int> asked_{0};
};

TEST_F(CanaryWatchTest, ASightIsRecordedAndOpensAnIncident) {
  const auto watch = Watch();
  EXPECT_TRUE(watch->Work());
  EXPECT_EQ(asked_, 0);
  ASSERT_TRUE(watch->Take("acme", 2, CanaryVia::kMail, "root"));
  EXPECT_EQ(StatusOf(*watch).canaries_seen, 1U);
  EXPECT_EQ(StatusOf(*watch).canary_incident, "");
  EXPECT_TRUE(watch->Work());
  ASSERT_EQ(entries_.size(), 1U);
  EXPECT_EQ(entries_[0].action, "vendor.canary");
  EXPECT_EQ(entries_[0].scope, "vendor acme, epoch 2, mail");
  EXPECT_EQ(entries_[0].actor, "root");
  EXPECT_EQ(StatusOf(*watch).canary_incident, "acme2");
  EXPECT_EQ(StatusOf(*watch).canary_seen_ms, clock_.NowMs());
  EXPECT_EQ(StatusOf(*watch, "zenith").canaries_seen, 0U);
  EXPECT_TRUE(watch->Work());
  EXPECT_EQ(entries_.size(), 1U);
  EXPECT_EQ(asked_, 1);
}

TEST_F(CanaryWatchTest, CountsOutliveARestartAndEpochsAddUp) {
  {
    const auto watch = Watch();
    ASSERT_TRUE(watch->Take("acme", 1, CanaryVia::kMail, "root"));
    ASSERT_TRUE(watch->Take("acme", 2, CanaryVia::kSignIn, "root"));
    ASSERT_TRUE(watch->Take("acme", 2, CanaryVia::kSignIn, "root"));
    EXPECT_TRUE(watch->Work());
  }
  const auto watch = Watch();
  EXPECT_EQ(StatusOf(*watch).canaries_seen, 3U);
  EXPECT_EQ(StatusOf(*watch).canary_incident, "acme2");
  EXPECT_TRUE(watch->Work());
  ASSERT_EQ(entries_.size(), 2U);
  EXPECT_EQ(entries_[1].scope, "vendor acme, epoch 2, sign-in");
  EXPECT_EQ(entries_[1].count, 2U);
}

TEST_F(CanaryWatchTest, WhatCannotBeRecordedOrOpenedIsTriedAgainOverARestart) {
  audit_down_ = true;
  {
    const auto watch = Watch();
    ASSERT_TRUE(watch->Take("acme", 1, CanaryVia::kMail, "root"));
    EXPECT_FALSE(watch->Work());
    EXPECT_FALSE(watch->Work());
    EXPECT_EQ(said_.size(), 1U);  // the same trouble once
    EXPECT_EQ(asked_, 0);         // no incident of what is not recorded
  }
  audit_down_ = false;
  incidents_down_ = true;
  {
    const auto watch = Watch();
    EXPECT_FALSE(watch->Work());
    EXPECT_EQ(entries_.size(), 1U);
  }
  incidents_down_ = false;
  const auto watch = Watch();
  EXPECT_TRUE(watch->Work());
  EXPECT_EQ(entries_.size(), 1U);
  EXPECT_EQ(StatusOf(*watch).canary_incident, "acme1");
}

TEST_F(CanaryWatchTest, ASightThatComesWhileAnIncidentIsBeingOpenedIsNotLost) {
  const auto watch = Watch();
  ASSERT_TRUE(watch->Take("acme", 1, CanaryVia::kMail, "root"));
  meanwhile_ = [&] { ASSERT_TRUE(watch->Take("acme", 1, CanaryVia::kMail, "root")); };
  EXPECT_TRUE(watch->Work());
  EXPECT_EQ(StatusOf(*watch).canaries_seen, 2U);
  EXPECT_TRUE(watch->Work());
  EXPECT_EQ(entries_.size(), 2U);
  EXPECT_EQ(asked_, 2);
}

TEST_F(CanaryWatchTest, AnyCrashLeavesTheSightAndOpensTheIncident) {
  bool crashed = true;
  for (uint64_t step = 0; crashed; ++step) {
    fs_ = std::make_unique<FaultyFileSystem>();
    ASSERT_TRUE(fs_->CreateDirs("dir") && fs_->SyncDir("."));
    entries_.clear();
    bool kept = false;
    fs_->FailAt(step, Fault::kCrash);
    {
      const auto watch = Watch();
      kept = watch->Take("acme", 1, CanaryVia::kMail, "root").has_value();
      if (kept) watch->Work();
    }
    crashed = fs_->crashed();
    fs_ = fs_->CloneAfterCrash(CrashKeeps::kSyncedOnly);
    if (!kept) continue;
    const auto watch = Watch();
    EXPECT_EQ(StatusOf(*watch).canaries_seen, 1U) << step;
    EXPECT_TRUE(watch->Work());
    EXPECT_EQ(StatusOf(*watch).canary_incident, "acme1") << step;
    EXPECT_TRUE(entries_.size() == 1 || entries_.size() == 2) << step;
  }
}

TEST_F(CanaryWatchTest, TheThreadTriesUntilItIsDone) {
  audit_down_ = true;
  const auto watch = Watch();
  watch->Start();
  ASSERT_TRUE(watch->Take("acme", 1, CanaryVia::kMail, "root"));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  audit_down_ = false;
  for (int i = 0; i < 1000 && StatusOf(*watch).canary_incident.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(StatusOf(*watch).canary_incident, "acme1");
}

}  // namespace
}  // namespace bulkhead
