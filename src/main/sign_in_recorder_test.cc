#include "main/sign_in_recorder.h"

#include <gtest/gtest.h>

#include "main/sign_in_entry.h"

namespace bulkhead {
namespace {

constexpr const char* kAccount = "bulkhead.0a1b2c.mp-service-account";

class NotingSink final : public AuditSink {
 public:
  Result<uint64_t> Append(const AuditEntry& entry) override {
    if (full) {
      return Error{ErrorCode::kUnavailable, "full"};
    }
    EXPECT_EQ(FaultOfEntry(entry), std::nullopt);
    EXPECT_TRUE(SignInEntry(entry));
    lines.push_back(entry.actor + " " + entry.outcome + " " + std::to_string(entry.project) + " " +
                    std::to_string(entry.count));
    return lines.size();
  }
  std::vector<std::string> lines;
  bool full = false;
};

class SignInRecorderTest : public testing::Test {
 protected:
  using Lines = std::vector<std::string>;
  std::function<Result<uint64_t>(const AuditEntry&)> Append() {
    return [this](const AuditEntry& entry) { return audit_.Append(entry); };
  }
  NotingSink audit_;
  ManualClock clock_{1'700'000'000'000};
};

TEST_F(SignInRecorderTest, AFirstUseInAnHourIsOnRecordBeforeTheAnswer) {
  SignInRecorder recorder({Append(), &clock_, "queries", true});
  ASSERT_TRUE(recorder.NoteSignIn(kAccount, ProjectId{1}));
  ASSERT_TRUE(recorder.NoteSignIn(kAccount, ProjectId{1}));
  ASSERT_TRUE(recorder.NoteSignIn(kAccount, ProjectId{2}));
  EXPECT_EQ(audit_.lines, (Lines{std::string(kAccount) + " allowed 1 1",
                                 std::string(kAccount) + " allowed 2 1"}));
  clock_.Set(clock_.NowMs() + 3'600'000);
  audit_.full = true;
  EXPECT_EQ(recorder.NoteSignIn(kAccount, ProjectId{1}).error().code, ErrorCode::kUnavailable);
  audit_.full = false;
  EXPECT_TRUE(recorder.NoteSignIn(kAccount, ProjectId{1}));
  EXPECT_EQ(audit_.lines.size(), 3U);
}

TEST_F(SignInRecorderTest, ADoorThatOnlyTakesDoesNotWait) {
  SignInRecorder recorder({Append(), &clock_, "import", false});
  audit_.full = true;
  ASSERT_TRUE(recorder.NoteSignIn(kAccount, ProjectId{1}));
  recorder.Flush();
  audit_.full = false;
  recorder.Flush();
  recorder.Flush();
  EXPECT_EQ(audit_.lines, Lines{std::string(kAccount) + " allowed 1 1"});
}

TEST_F(SignInRecorderTest, RefusalsAreCountedByTheMinute) {
  SignInRecorder recorder({Append(), &clock_, "queries", true});
  for (int i = 0; i < 3; ++i) recorder.NoteDenial(kAccount, ProjectId{1});
  recorder.Flush();
  for (int i = 0; i < 500; ++i) recorder.NoteDenial(kAccount, ProjectId{1});
  recorder.Flush();
  EXPECT_EQ(audit_.lines, Lines{std::string(kAccount) + " denied 1 3"});
  clock_.Set(clock_.NowMs() + 60'000);
  recorder.Flush();
  EXPECT_EQ(audit_.lines.back(), std::string(kAccount) + " denied 1 500");
  EXPECT_EQ(audit_.lines.size(), 2U);
}

TEST_F(SignInRecorderTest, TheLastRefusalsAreWrittenAtTheEnd) {
  {
    SignInRecorder recorder({Append(), &clock_, "queries", true});
    recorder.StartFlushing();
    recorder.NoteDenial(kAccount, ProjectId{1});
    recorder.Flush();
    recorder.NoteDenial(kAccount, ProjectId{1});
  }
  EXPECT_EQ(audit_.lines,
            (Lines{std::string(kAccount) + " denied 1 1", std::string(kAccount) + " denied 1 1"}));
}

TEST_F(SignInRecorderTest, WhatWasTypedIsNotKeptUnlessItIsAName) {
  SignInRecorder recorder({Append(), &clock_, "queries", true});
  recorder.NoteDenial("jane@example.com", std::nullopt);
  recorder.NoteDenial("hunter2 the secret", std::nullopt);
  recorder.NoteDenial("bulkhead.0A\n", std::nullopt);
  recorder.Flush();
  EXPECT_EQ(audit_.lines, Lines{"unknown denied 0 3"});
}

TEST_F(SignInRecorderTest, AFloodOfNamesIsAFewEntries) {
  SignInRecorder recorder({Append(), &clock_, "queries", true});
  for (int i = 0; i < 10'000; ++i) {
    recorder.NoteDenial("bulkhead." + std::to_string(i), ProjectId{1});
  }
  recorder.Flush();
  EXPECT_EQ(audit_.lines.size(), SignInRecorder::kMaxDeniedNames + 1);
  EXPECT_EQ(audit_.lines.back(),
            "unknown denied 0 " + std::to_string(10'000 - SignInRecorder::kMaxDeniedNames));
}

TEST(SignInEntry, IsOfOneFormAlone) {
  AuditEntry entry;
  entry.actor = kAccount;
  entry.action = "sign-in";
  entry.outcome = "denied";
  entry.scope = "import";
  entry.purpose = "anything";
  entry.subjects.emplace_back();
  const AuditEntry plain = SignInEntry(entry).value();
  EXPECT_EQ(plain.purpose, "");
  EXPECT_TRUE(plain.subjects.empty());
  for (const auto& [field, text] :
       {std::pair(&AuditEntry::actor, "root"), std::pair(&AuditEntry::action, "erase"),
        std::pair(&AuditEntry::outcome, "done"), std::pair(&AuditEntry::scope, "elsewhere")}) {
    AuditEntry other = entry;
    other.*field = text;
    EXPECT_FALSE(SignInEntry(other)) << text;
  }
}

TEST(SignInLimit, IsOfEachDoorAndMinute) {
  ManualClock clock(1'700'000'000'000);
  SignInLimit limit(&clock);
  for (size_t i = 0; i < SignInLimit::kMaxPerMinute; ++i) ASSERT_TRUE(limit.Take("intake"));
  EXPECT_FALSE(limit.Take("intake"));
  EXPECT_TRUE(limit.Take("core"));
  clock.Set(clock.NowMs() + 60'000);
  EXPECT_TRUE(limit.Take("intake"));
}

}  // namespace
}  // namespace bulkhead
