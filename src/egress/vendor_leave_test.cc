// What becomes of a killed vendor's data: asked back, left to people, or left there.
#include <algorithm>

#include "base/base64.h"
#include "egress/vendor_fixture.h"

namespace bulkhead {
namespace {

class VendorLeaveTest : public VendorFixture {
 protected:
  static constexpr uint32_t kSubjects = 5000;  // more than one request has

  VendorLeaveTest() { policy_.type = VendorType::kWebhook; }

  static SubjectId Subject(uint32_t number) {
    return SubjectId{{9, static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)}};
  }
  void OpenWithSubjects() {
    policy_.url = "https://vendor.example.org/hook";
    OpenSender();
    ASSERT_TRUE(sender_->SetCredential(
        SecretBytes(std::string_view("whsec_" + Base64Encode(std::string(32, 'k'))))));
    LedgerBatch batch{"acme", 1, 20'000, 1, {{}}, {}};
    for (uint32_t i = 0; i < kSubjects; ++i) batch.sends.push_back({Subject(i), 0});
    ledger_.batches.push_back(batch);
  }
  ReviveCodes Kill(LeftData data = LeftData::kDelete) {
    const Result<ReviveCodes> codes = sender_->Kill("root", data);
    EXPECT_TRUE(codes);
    return codes ? *codes : ReviveCodes();
  }
  void KillAndBegin() {
    Kill();
    EXPECT_EQ(*sender_->ListForDeletion(std::chrono::seconds(60)), true);
    sender_->BeginLeaving(true);
  }
  [[nodiscard]] std::set<SubjectId> IdsOfEpoch(size_t place) const {
    std::set<SubjectId> ids;
    const auto epochs = sender_->KnownEpochs();
    for (uint32_t i = 0; i < kSubjects; ++i) ids.insert(epochs.at(place).second.Of(Subject(i)));
    return ids;
  }
  [[nodiscard]] std::set<SubjectId> AskedIds() const {
    std::set<SubjectId> ids;
    for (const std::string& body : bodies_) {
      EXPECT_NE(body.find("persons.deletion"), std::string::npos);
      for (size_t at = body.find("persons\":["); at < body.size(); ++at) {
        const auto id = SubjectId::FromHex(std::string_view(body).substr(at, 32));
        if (id) ids.insert(*id);
      }
    }
    return ids;
  }
  [[nodiscard]] std::set<SubjectId> ByHand() const {
    const Result<std::vector<SubjectId>> ids = sender_->ReadByHand(0, 1'000'000);
    EXPECT_TRUE(ids);
    EXPECT_EQ(std::set<SubjectId>(ids->begin(), ids->end()).size(), ids->size());
    return {ids->begin(), ids->end()};
  }
};

TEST_F(VendorLeaveTest, AVendorIsAskedToDeleteEverybodyAndGetsNothingMore) {
  OpenWithSubjects();
  Feed({MakeEvent(kAnn, "waits")});
  Kill();
  SendAll();
  EXPECT_TRUE(bodies_.empty());  // not before it is written down
  EXPECT_EQ(*sender_->ListForDeletion(std::chrono::seconds(60)), true);
  EXPECT_EQ(sender_->status().leaving_left, kSubjects);
  SendAll();
  EXPECT_TRUE(bodies_.empty());
  sender_->BeginLeaving(true);
  SendAll();
  EXPECT_EQ(bodies_.size(), 3U);
  EXPECT_EQ(AskedIds(), IdsOfEpoch(0));
  const VendorStatus status = sender_->status();
  EXPECT_EQ(status.leaving_asked, kSubjects);
  EXPECT_EQ(status.leaving_left, 0U);
  EXPECT_FALSE(status.leaving || status.delete_by_hand || status.has_credential);
  EXPECT_TRUE(status.waiting);  // what waited is frozen
  Feed({MakeEvent(kBob, "later")});
  clock_.Set(clock_.NowMs() + 3'600'000);
  SendAll();
  EXPECT_EQ(bodies_.size(), 3U);
}

TEST_F(VendorLeaveTest, EpochsWhoseKeysAreThereAndCanariesAreAskedFor) {
  OpenWithSubjects();
  Feed({MakeEvent(kAnn, "a")});
  SendAll();
  bodies_.clear();
  policy_.canaries = 10;
  sender_->Follow(policy_);
  ASSERT_TRUE(sender_->BeginEpoch());
  ledger_.batches.push_back({"acme", 2, 20'001, 2, {{}}, {{Subject(1), 0}}});
  ASSERT_TRUE(sender_->BeginEpoch());
  ASSERT_TRUE(sender_->DestroyEpochKey(2));
  KillAndBegin();
  SendAll();
  std::set<SubjectId> expected = IdsOfEpoch(0);
  const auto epochs = sender_->KnownEpochs();
  expected.insert(epochs.at(0).second.Of(kAnn));
  const CanaryIds& canaries = epochs.at(0).second.canaries();
  for (uint32_t i = 0; i < kSubjects / 50; ++i) expected.insert(canaries.VendorId(i));
  EXPECT_EQ(AskedIds(), expected);
}

TEST_F(VendorLeaveTest, KeepingLeavesEverythingThere) {
  OpenWithSubjects();
  ASSERT_TRUE(sender_->Forget({kAnn}));  // asked for before, and not yet done
  Kill(LeftData::kKeep);
  sender_->BeginLeaving(true);
  SendAll();
  EXPECT_TRUE(bodies_.empty());
  EXPECT_EQ(ByHand().size(), 1U);
  EXPECT_FALSE(sender_->status().leaving);
}

TEST_F(VendorLeaveTest, WhatTheAuditLogDoesNotHaveIsNotAsked) {
  OpenWithSubjects();
  Kill();
  sender_->BeginLeaving(false);
  SendAll();
  EXPECT_TRUE(bodies_.empty());
  EXPECT_EQ(ByHand(), IdsOfEpoch(0));
}

TEST_F(VendorLeaveTest, AVendorThatFailsIsAskedAgainAndOneThatRefusesIsLeftToPeople) {
  OpenWithSubjects();
  KillAndBegin();
  answers_ = {OutboundReply{200, ""}, OutboundReply{503, ""},
              Error{ErrorCode::kUnavailable, "no answer"}};
  SendAll();
  EXPECT_EQ(bodies_.size(), 2U);
  clock_.Set(clock_.NowMs() + 1500);
  SendAll();
  EXPECT_EQ(bodies_.size(), 3U);
  EXPECT_TRUE(sender_->status().leaving);
  EXPECT_NE(sender_->status().trouble.find("no answer"), std::string::npos);
  answers_ = {OutboundReply{403, ""}};
  clock_.Set(clock_.NowMs() + 600'000);
  SendAll();
  EXPECT_EQ(ByHand().size(), 1999U);
  std::set<SubjectId> all = AskedIds();
  EXPECT_EQ(all, IdsOfEpoch(0));
  EXPECT_FALSE(sender_->status().leaving);
}

TEST_F(VendorLeaveTest, AfterADayTheRestIsLeftToPeople) {
  OpenWithSubjects();
  KillAndBegin();
  answers_ = {OutboundReply{200, ""}, OutboundReply{503, ""}};
  SendAll();
  clock_.Set(clock_.NowMs() + 86'400'000);
  SendAll();
  EXPECT_EQ(bodies_.size(), 2U);
  EXPECT_EQ(ByHand().size(), kSubjects - 1999U);
}

// Egress may end at any moment: then the credential is gone, and nothing is forgotten.
TEST_F(VendorLeaveTest, WhatIsLeftWhenEgressEndsIsLeftToPeople) {
  for (const int moment : {0, 1, 2}) {
    fs_ = std::make_unique<FaultyFileSystem>();
    ledger_.batches.clear();
    bodies_.clear();
    OpenWithSubjects();
    Kill();
    if (moment > 0) {
      EXPECT_EQ(*sender_->ListForDeletion(std::chrono::seconds(60)), true);
    }
    if (moment > 1) {
      sender_->BeginLeaving(true);
      ASSERT_TRUE(sender_->SendDue());
      ASSERT_EQ(bodies_.size(), 1U);
    }
    const std::set<SubjectId> all = IdsOfEpoch(0);
    sender_.reset();
    OpenSender();
    EXPECT_TRUE(sender_->status().leaving);
    SendAll();
    std::set<SubjectId> found = ByHand();
    EXPECT_EQ(found.size(), moment > 1 ? kSubjects - 1999 : kSubjects);
    found.merge(AskedIds());
    EXPECT_EQ(found, all);
    EXPECT_FALSE(sender_->status().leaving);
  }
}

TEST_F(VendorLeaveTest, AListingThatIsCutOffGoesOnBehind) {
  OpenWithSubjects();
  Kill();
  EXPECT_EQ(*sender_->ListForDeletion(std::chrono::milliseconds(-1)), false);
  EXPECT_FALSE(sender_->status().leaving_counted);
  sender_->BeginLeaving(true);
  SendAll();
  EXPECT_EQ(AskedIds(), IdsOfEpoch(0));
  EXPECT_EQ(bodies_.size(), 3U);
}

TEST_F(VendorLeaveTest, ReviveEndsTheAskingAndTheNextKillBeginsAnew) {
  OpenWithSubjects();
  const ReviveCodes codes = Kill();
  EXPECT_EQ(*sender_->ListForDeletion(std::chrono::seconds(60)), true);
  sender_->BeginLeaving(true);
  ASSERT_TRUE(sender_->SendDue());
  ASSERT_TRUE(sender_->Revive(codes));
  SendAll();
  EXPECT_EQ(bodies_.size(), 1U);
  EXPECT_FALSE(sender_->status().leaving);
  EXPECT_TRUE(ByHand().empty());
  sender_.reset();
  OpenSender();
  SendAll();
  EXPECT_TRUE(ByHand().empty());
  Kill();  // without a credential
  sender_->BeginLeaving(true);
  SendAll();
  EXPECT_EQ(bodies_.size(), 1U);
  EXPECT_EQ(ByHand(), IdsOfEpoch(0));
}

}  // namespace
}  // namespace bulkhead
