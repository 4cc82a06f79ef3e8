#include "audit/reveal_budget.h"

#include <atomic>
#include <thread>

#include "audit/log_fixture.h"

namespace bulkhead {
namespace {

constexpr int64_t kDayMs = 24LL * 3600 * 1000;

class RevealBudgetTest : public AuditLogTest {
 protected:
  RevealBudgetTest() { Reopen(); }

  void Reopen() {
    budget_.reset();
    log_.reset();
    log_ = Open();
    budget_ = *RevealBudget::Open(log_.get(), limits_, &clock_);
  }
  static AuditEntry Ask(const std::string& actor, uint64_t first, uint64_t count,
                        const std::string& purpose = "support") {
    AuditEntry entry = TestReveal(purpose);
    entry.actor = actor;
    for (uint64_t i = 0; i < count; ++i) {
      entry.subjects.push_back(TestSubject(first + i));
    }
    return entry;
  }
  AuditRecord Last() { return *log_->Read()->Record(log_->size() - 1); }

  BudgetLimits limits_{
      .organisation = 30, .actor = 20, .actors = {{"auditor", 5}}, .purposes = {{"research", 8}}};
  std::unique_ptr<AuditLog> log_;
  std::unique_ptr<RevealBudget> budget_;
};

TEST_F(RevealBudgetTest, EachSubjectCountsOnceAnAccountAndDay) {
  const Result<BudgetCharge> charge = budget_->Charge(Ask("jo", 0, 10));
  ASSERT_TRUE(charge);
  EXPECT_EQ(charge->left, 10U);
  EXPECT_EQ(Last().entry.budget_left, 10U);
  EXPECT_EQ(Last().entry.outcome, "allowed");
  EXPECT_EQ(budget_->Charge(Ask("jo", 5, 10))->left, 5U);
  EXPECT_EQ(budget_->Charge(Ask("jo", 0, 15))->left, 5U);  // all seen before
  AuditEntry twice = Ask("jo", 20, 1);
  twice.subjects.push_back(TestSubject(20));
  EXPECT_EQ(budget_->Charge(twice)->left, 4U);
  EXPECT_EQ(budget_->Left("jo", ""), 4U);
}

TEST_F(RevealBudgetTest, OverTheLimitNothingIsChargedAndTheDenialIsRecorded) {
  ASSERT_TRUE(budget_->Charge(Ask("jo", 0, 18)));
  const Result<BudgetCharge> denied = budget_->Charge(Ask("jo", 17, 4));
  EXPECT_EQ(denied.error().code, ErrorCode::kLimit);
  EXPECT_EQ(Last().entry.outcome, "denied");
  EXPECT_EQ(Last().entry.count, 4U);
  EXPECT_EQ(Last().entry.budget_left, 2U);
  EXPECT_FALSE(Last().set);
  EXPECT_EQ(budget_->Left("jo", "support"), 2U);
  EXPECT_TRUE(budget_->Charge(Ask("jo", 17, 3)));
  EXPECT_EQ(budget_->Charge(Ask("jo", 21, 1)).error().code, ErrorCode::kLimit);
  EXPECT_TRUE(budget_->Charge(Ask("jo", 3, 2)));  // seen before: costs nothing
}

TEST_F(RevealBudgetTest, OwnLimitsPurposesAndTheWholeOrganisation) {
  EXPECT_EQ(budget_->Charge(Ask("auditor", 0, 6)).error().code, ErrorCode::kLimit);
  EXPECT_TRUE(budget_->Charge(Ask("auditor", 0, 5)));
  EXPECT_EQ(budget_->Charge(Ask("jo", 0, 9, "research")).error().code, ErrorCode::kLimit);
  EXPECT_EQ(budget_->Charge(Ask("jo", 0, 8, "research"))->left, 0U);
  EXPECT_EQ(budget_->Charge(Ask("jo", 8, 12))->left, 0U);
  EXPECT_EQ(budget_->Charge(Ask("al", 20, 11)).error().code, ErrorCode::kLimit);  // 30 in all
  EXPECT_EQ(budget_->Charge(Ask("al", 20, 10))->left, 0U);
  EXPECT_TRUE(budget_->Charge(Ask("al", 0, 10)));  // new to al, not to the organisation
}

TEST_F(RevealBudgetTest, WithoutLimitsNobodyIsRevealed) {
  limits_ = {};
  Reopen();
  EXPECT_EQ(budget_->Charge(Ask("jo", 0, 1)).error().code, ErrorCode::kLimit);
  EXPECT_EQ(Last().entry.outcome, "denied");
}

TEST_F(RevealBudgetTest, ARestartGivesNothingBack) {
  ASSERT_TRUE(budget_->Charge(Ask("jo", 0, 12)));
  EXPECT_FALSE(budget_->Charge(Ask("jo", 100, 12)));
  Reopen();
  EXPECT_EQ(budget_->Left("jo", ""), 8U);
  EXPECT_EQ(budget_->Left("al", ""), 18U);
  EXPECT_TRUE(budget_->Charge(Ask("jo", 0, 12)));
  EXPECT_EQ(budget_->Charge(Ask("jo", 100, 9)).error().code, ErrorCode::kLimit);
  // Sets that were thrown away count in full; forgotten subjects stay counted.
  ASSERT_TRUE(log_->ForgetSubjects(std::vector<SubjectId>{TestSubject(0)}));
  Reopen();
  EXPECT_EQ(budget_->Left("jo", ""), 8U);
  ASSERT_TRUE(fs_->Remove(Path("sets/000")));
  Reopen();
  EXPECT_EQ(budget_->Left("jo", ""), 0U);
}

TEST_F(RevealBudgetTest, ANewDayBeginsAtMidnightAndTheClockCannotGoBack) {
  const int64_t midnight = (clock_.NowMs() / kDayMs + 1) * kDayMs;
  clock_.Set(midnight - 1);
  ASSERT_TRUE(budget_->Charge(Ask("jo", 0, 20)));
  EXPECT_FALSE(budget_->Charge(Ask("jo", 20, 1)));
  clock_.Set(midnight);
  EXPECT_EQ(budget_->Charge(Ask("jo", 20, 15))->left, 5U);
  clock_.Set(midnight - kDayMs);  // nor does an earlier day give anything back
  EXPECT_EQ(budget_->Charge(Ask("jo", 40, 6)).error().code, ErrorCode::kLimit);
  Reopen();
  EXPECT_EQ(budget_->Left("jo", ""), 5U);
}

TEST_F(RevealBudgetTest, WhatCannotBeRecordedIsNotAllowed) {
  fs_->FailAt(0, Fault::kNoSpace, 1'000'000);
  const Result<BudgetCharge> failed = budget_->Charge(Ask("jo", 0, 5));
  EXPECT_EQ(failed.error().code, ErrorCode::kUnavailable);
  fs_->Heal();
  EXPECT_EQ(budget_->Left("jo", ""), 15U);  // on the careful side
  Reopen();
  EXPECT_EQ(budget_->Left("jo", ""), 20U);
}

TEST_F(RevealBudgetTest, ThreadsTogetherStayWithinTheLimit) {
  std::vector<std::thread> threads;
  std::atomic<int> allowed = 0;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 20; ++i) {
        allowed += budget_->Charge(Ask("jo", t * 100 + i, 1)) ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(allowed, 20);
  Reopen();
  EXPECT_EQ(budget_->Left("jo", ""), 0U);
}

TEST_F(RevealBudgetTest, NewLimitsRuleAtOnce) {
  ASSERT_TRUE(budget_->Charge(Ask("jo", 0, 10)));
  limits_.purposes["support"] = 11;
  budget_->SetLimits(limits_);
  EXPECT_EQ(budget_->Left("jo", "support"), 1U);
  EXPECT_EQ(budget_->Charge(Ask("jo", 10, 2)).error().code, ErrorCode::kLimit);
}

}  // namespace
}  // namespace bulkhead
