#include <gtest/gtest.h>

#include "base/faulty_file_system.h"
#include "egress/ledger_fixture.h"
#include "incident/calendar.h"
#include "main/incident_desk.h"

namespace bulkhead {
namespace {

constexpr int32_t kToday = 20'418;

class IncidentDeskCanaryTest : public testing::Test {
 protected:
  IncidentDeskCanaryTest() {
    InitCrypto();
    for (const auto& [sequence, epoch, day] :
         {std::tuple(1, 1, 20'390), std::tuple(2, 2, 20'401), std::tuple(3, 2, 20'410)}) {
      LedgerBatch batch{"acme",
                        static_cast<uint32_t>(epoch),
                        day,
                        static_cast<uint64_t>(sequence),
                        {{{"plan", FieldForm::kPlain}}},
                        {}};
      batch.sends = {{LedgerSubject(static_cast<uint32_t>(sequence)), 0}};
      EXPECT_TRUE(ledger_->Record(batch));
    }
    EXPECT_TRUE(ledger_->Fold());
    VendorGateway::Parts parts;
    parts.fs = &fs_;
    parts.clock = &clock_;
    parts.dir = "egress";
    parts.policy_versions_dir = "p";
    parts.keys = &LedgerTestKeys();
    parts.ledger = ledger_.get();
    Result<std::unique_ptr<VendorGateway>> gateway = VendorGateway::Open(std::move(parts));
    EXPECT_TRUE(gateway);
    gateway_ = *std::move(gateway);
    desk_ = std::make_unique<IncidentDesk>(IncidentDesk::Parts{
        .store = *IncidentStore::Open(fs_, "incidents", LedgerTestKeys()),
        .policy = PolicyFollower(&fs_, "p"),
        .gateway = gateway_.get(),
        .gather = {.ledger = ledger_.get(), .shown = {}, .core = {}, .vault = {}},
        .clock = &clock_,
        .record = [this](const AuditEntry& entry) -> Result<uint64_t> {
          if (audit_down_) return Error{ErrorCode::kUnavailable, "down"};
          entries_.push_back(entry);
          return entries_.size();
        },
        .residence = [](const ResidenceRequest& request) -> Result<Residence> {
          return Residence{{{"DE", request.subjects.size()}}, {}, 0};
        }});
  }
  static CanarySights Seen(uint32_t epoch) {
    CanarySights sights;
    sights.vendor = "acme";
    sights.epoch = epoch;
    return sights;
  }
  std::string Ask(const std::string& json) {
    const Result<std::string> answer = desk_->Answer(EncodeDeskCommand("root", json));
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? *answer : "";
  }
  [[nodiscard]] IncidentVersion Last(const std::string& id) const {
    const auto store = IncidentStore::Open(fs_, "incidents", LedgerTestKeys());
    return store->Versions(id)->back();
  }

  mutable FaultyFileSystem fs_;
  ManualClock clock_{int64_t{kToday} * kDayMs + 1000};
  std::unique_ptr<Ledger> ledger_ = OpenLedger(fs_);
  std::unique_ptr<VendorGateway> gateway_;
  std::unique_ptr<IncidentDesk> desk_;
  std::vector<AuditEntry> entries_;
  bool audit_down_ = false;
};

TEST_F(IncidentDeskCanaryTest, OpensAllThatWasSentInTheEpochUpToToday) {
  const Result<std::string> id = desk_->OpenForCanary(Seen(2));
  ASSERT_TRUE(id) << id.error().message;
  const IncidentVersion opened = Last(*id);
  EXPECT_EQ(opened.title, "mail to a canary of acme, epoch 2");
  EXPECT_EQ(opened.actor, "canary of acme");
  EXPECT_EQ(opened.window.epoch, 2U);
  EXPECT_EQ(opened.window.first_day, 20'401);
  EXPECT_EQ(opened.window.last_day, kToday);
  EXPECT_EQ(opened.exposure.subjects, 2U);
  EXPECT_EQ(opened.exposure.residence.countries.at("DE"), 2U);
  ASSERT_EQ(entries_.size(), 1U);
  EXPECT_EQ(entries_[0].action, "incident.open");
  EXPECT_EQ(entries_[0].actor, "canary of acme");
}

TEST_F(IncidentDeskCanaryTest, OneForEachEpochWhileItIsOpenAndForAMonthBehind) {
  const std::string id = *desk_->OpenForCanary(Seen(2));
  EXPECT_EQ(*desk_->OpenForCanary(Seen(2)), id);
  EXPECT_NE(*desk_->OpenForCanary(Seen(1)), id);
  Ask(R"({"command":"incident-close","id":")" + id + R"(","why":"looked into"})");
  clock_.Set(clock_.NowMs() + (kCanaryQuietDays - 1) * kDayMs);
  EXPECT_EQ(*desk_->OpenForCanary(Seen(2)), id);
  clock_.Set(clock_.NowMs() + kDayMs);
  const std::string later = *desk_->OpenForCanary(Seen(2));
  EXPECT_NE(later, id);
  EXPECT_EQ(*desk_->OpenForCanary(Seen(2)), later);
}

TEST_F(IncidentDeskCanaryTest, WhatAPersonOpenedDoesNotStandForASight) {
  Ask(R"({"command":"incident-open","vendor":"acme","epoch":2,"from":"2025-11-20","to":"2025-11-21"})");
  const std::string id = *desk_->OpenForCanary(Seen(2));
  EXPECT_EQ(Last(id).actor, "canary of acme");
}

TEST_F(IncidentDeskCanaryTest, NothingIsOpenedThatTheAuditLogDoesNotHave) {
  audit_down_ = true;
  EXPECT_EQ(desk_->OpenForCanary(Seen(2)).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(Ask(R"({"command":"incident-list"})"), "[]");
  audit_down_ = false;
  EXPECT_TRUE(desk_->OpenForCanary(Seen(2)));
}

}  // namespace
}  // namespace bulkhead
