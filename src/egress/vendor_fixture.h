// A vendor in a file system of memory, a ledger that remembers, and answers that the test decides:
// for tests.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/faulty_file_system.h"
#include "egress/vendor_filter.h"
#include "egress/vendor_sender.h"

namespace bulkhead {

inline const SubjectId kAnn{{1, 2, 3}};
inline const SubjectId kBob{{4, 5, 6}};
inline constexpr int64_t kVendorNow = 1'764'000'000'000;

// In memory; refuses where told to.
class MemoryLedger final : public Ledger {
 public:
  Result<void> Record(const LedgerBatch& batch) override {
    if (refuse) {
      return Error{ErrorCode::kUnavailable, "the ledger is full"};
    }
    batches.push_back(batch);
    return {};
  }
  uint64_t LastSequence(std::string_view) const override { return batches.size(); }
  Result<void> Fold() override { return {}; }
  Result<Exposure> Ask(const LedgerWindow&) const override { return Exposure{}; }
  Result<void> ForEachSubject(const LedgerWindow& window, const EachSubject& each) const override {
    std::set<SubjectId> subjects;
    for (const LedgerBatch& batch : batches) {
      if (batch.vendor != window.vendor || batch.epoch != window.epoch) continue;
      for (const LedgerSend& send : batch.sends) subjects.insert(send.subject);
    }
    subjects.erase(SubjectId());
    for (const SubjectId& subject : subjects) {
      if (!each(subject, {})) break;
    }
    return {};
  }
  Result<void> ScanSubjects(std::string_view vendor, std::optional<uint32_t> epoch,
                            const EachBlock& each) const override {
    for (const LedgerBatch& batch : batches) {
      std::vector<SubjectId> block;
      for (const LedgerSend& send : batch.sends) block.push_back(send.subject);
      if (batch.vendor == vendor && (!epoch || *epoch == batch.epoch)) each(block);
    }
    return {};
  }
  std::vector<std::pair<std::string, uint32_t>> Epochs() const override {
    std::set<std::pair<std::string, uint32_t>> epochs;
    for (const LedgerBatch& batch : batches) epochs.emplace(batch.vendor, batch.epoch);
    return {epochs.begin(), epochs.end()};
  }
  std::optional<int32_t> FirstDay(const std::string&, uint32_t) const override { return {}; }
  Result<void> Forget(std::span<const SubjectId>) override { return {}; }
  Result<std::string> Statement(std::string_view) const override { return std::string(); }
  Result<void> UseKeys(const KeyRing&) override { return {}; }
  LedgerStats stats() const override { return {}; }

  bool refuse = false;
  std::vector<LedgerBatch> batches;
};

class VendorFixture : public testing::Test {
 protected:
  VendorFixture() {
    InitCrypto();
    keys_.Add(1, RandomSecret(kKeyBytes));
    policy_.type = VendorType::kSegment;
    policy_.project = ProjectId{1};
    policy_.time = TimePrecision::kExact;
    policy_.events = {{"*", {{"plan", FieldForm::kPlain}, {"city", FieldForm::kToken}}}};
    policy_.profile = {{"seats", FieldForm::kPlain}};
    policy_.sends_per_second = 1'000'000;
  }

  void OpenSender() {
    Result<std::unique_ptr<VendorSender>> sender = VendorSender::Open(
        {.fs = fs_.get(),
         .clock = &clock_,
         .name = "acme",
         .dir = "egress/vendors/acme",
         .keys = &keys_,
         .ledger = &ledger_,
         .post = [this](const OutboundRequest& request) { return Answer(request); },
         .reveal = [this](const std::string&, const VendorPolicy&,
                          const std::vector<SubjectId>& subjects) { return Reveal(subjects); },
         .log = [this](const std::string& text) { told_.push_back(text); }},
        policy_);
    ASSERT_TRUE(sender) << sender.error().message;
    sender_ = *std::move(sender);
  }
  void OpenWithCredential() {
    OpenSender();
    ASSERT_TRUE(sender_->SetCredential(SecretBytes(std::string_view("write-key"))));
  }
  static Event MakeEvent(const SubjectId& person, std::string name, uint64_t insert_id = 0) {
    Event event;
    event.name = std::move(name);
    event.time_ms = kVendorNow - 1000;
    event.person = person;
    event.insert_id = insert_id;
    event.properties = {{"plan", Value("pro")}, {"city", Value("Berlin")}, {"hidden", Value(1.0)}};
    return event;
  }
  Batch BatchOf(std::vector<Event> events) {
    Batch batch;
    batch.project = ProjectId{1};
    batch.arrival_ms = clock_.NowMs();
    batch.events = std::move(events);
    return FilterBatch(policy_, batch, {});
  }
  void Feed(std::vector<Event> events, uint64_t position = 1) {
    const Result<void> fed = sender_->Feed(position, BatchOf(std::move(events)));
    ASSERT_TRUE(fed) << fed.error().message;
  }
  // Until nothing is due; time stands still.
  void SendAll() {
    while (sender_->SendDue()) {
    }
  }
  Result<std::vector<SubjectIdentities>> Reveal(const std::vector<SubjectId>& subjects) {
    if (vault_refuses_) {
      return Error{ErrorCode::kDenied, "vault: not for that purpose"};
    }
    std::vector<SubjectIdentities> told;
    for (const SubjectId& subject : subjects) {
      if (subject == kAnn) {
        told.push_back({subject, {{"$email", Value("ann@example.com"), FieldForm::kIdentity}}});
      }
    }
    return told;
  }
  Result<OutboundReply> Answer(const OutboundRequest& request) {
    recorded_at_post_.push_back(ledger_.batches.size());
    bodies_.emplace_back(request.body);
    if (answers_.empty()) {
      return OutboundReply{200, "{}"};
    }
    Result<OutboundReply> answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }

  std::unique_ptr<FaultyFileSystem> fs_ = std::make_unique<FaultyFileSystem>();
  ManualClock clock_{kVendorNow};
  KeyRing keys_;
  MemoryLedger ledger_;
  VendorPolicy policy_;
  bool vault_refuses_ = false;
  std::deque<Result<OutboundReply>> answers_;  // what comes next; then 200
  std::vector<std::string> bodies_;
  std::vector<size_t> recorded_at_post_;  // entries of the ledger when each request went out
  std::vector<std::string> told_;
  std::unique_ptr<VendorSender> sender_;
};

}  // namespace bulkhead
