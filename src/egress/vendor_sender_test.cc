#include "egress/vendor_sender.h"

#include <gtest/gtest.h>

#include "egress/vendor_filter.h"
#include "egress/vendor_fixture.h"

namespace bulkhead {
namespace {

using VendorSenderTest = VendorFixture;

size_t Count(const std::string& text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST_F(VendorSenderTest, SendsWhatThePolicyNamesUnderAnIdOfItsOwn) {
  OpenWithCredential();
  Feed({MakeEvent(kAnn, "bought"), MakeEvent(kBob, "bought")});
  SendAll();
  ASSERT_EQ(bodies_.size(), 1U);
  const std::string& body = bodies_[0];
  EXPECT_EQ(Count(body, "\"plan\":\"pro\""), 2U);
  EXPECT_EQ(Count(body, "Berlin"), 0U);  // a token in its place, the same for both
  EXPECT_EQ(Count(body, "hidden"), 0U);
  EXPECT_EQ(Count(body, kAnn.ToHex()), 0U);
  EXPECT_EQ(Count(body, sender_->KnownEpochs().at(0).second.Of(kAnn).ToHex()), 1U);
  EXPECT_EQ(sender_->status().sent, 2U);
  EXPECT_FALSE(sender_->status().waiting);
}

TEST_F(VendorSenderTest, NothingIsSentThatDoesNotStandInTheLedger) {
  OpenWithCredential();
  ledger_.refuse = true;
  Feed({MakeEvent(kAnn, "bought")});
  SendAll();
  EXPECT_TRUE(bodies_.empty());
  EXPECT_NE(sender_->status().trouble.find("cannot be written down"), std::string::npos);
  ledger_.refuse = false;
  clock_.Set(kVendorNow + 600'000);
  SendAll();
  ASSERT_EQ(bodies_.size(), 1U);
  EXPECT_EQ(recorded_at_post_, (std::vector<size_t>{1}));
  const LedgerBatch& batch = ledger_.batches.at(0);
  EXPECT_EQ(batch.vendor, "acme");
  EXPECT_EQ(batch.epoch, 1U);
  ASSERT_EQ(batch.sends.size(), 1U);
  EXPECT_EQ(batch.sends[0].subject, kAnn);
  EXPECT_EQ(batch.field_sets.at(0), (SentFields{{"city", FieldForm::kToken},
                                                {"event name", FieldForm::kPlain},
                                                {"plan", FieldForm::kPlain},
                                                {"time", FieldForm::kPlain}}));
}

TEST_F(VendorSenderTest, AFailureIsTriedAgainUnderTheSameIdsWithGrowingPauses) {
  OpenWithCredential();
  answers_.push_back(Error{ErrorCode::kUnavailable, "no answer"});
  answers_.push_back(OutboundReply{503, ""});
  answers_.push_back(OutboundReply{429, "", "120"});
  Feed({MakeEvent(kAnn, "bought")});
  SendAll();
  EXPECT_EQ(bodies_.size(), 1U);
  EXPECT_FALSE(sender_->SendDue());  // not yet
  clock_.Set(clock_.NowMs() + 1000);
  SendAll();
  EXPECT_EQ(bodies_.size(), 2U);
  clock_.Set(clock_.NowMs() + 1999);
  SendAll();
  EXPECT_EQ(bodies_.size(), 2U);
  clock_.Set(clock_.NowMs() + 1);
  SendAll();
  EXPECT_EQ(bodies_.size(), 3U);
  clock_.Set(clock_.NowMs() + 119'999);  // as the vendor says
  SendAll();
  EXPECT_EQ(bodies_.size(), 3U);
  clock_.Set(clock_.NowMs() + 1);
  SendAll();
  ASSERT_EQ(bodies_.size(), 4U);
  EXPECT_EQ(bodies_[0], bodies_[3]);
  EXPECT_EQ(ledger_.batches.size(), 1U);  // one batch, however often it was tried
  EXPECT_EQ(sender_->status().trouble, "");
}

TEST_F(VendorSenderTest, WhatWasNotTakenIsSentAfterARestart) {
  OpenWithCredential();
  answers_.push_back(OutboundReply{500, ""});
  Feed({MakeEvent(kAnn, "first")}, 5);
  SendAll();
  sender_.reset();
  OpenSender();
  Feed({MakeEvent(kAnn, "second")}, 6);
  SendAll();
  ASSERT_EQ(bodies_.size(), 2U);
  EXPECT_EQ(Count(bodies_[1], "\"first\""), 1U);
  EXPECT_LT(bodies_[1].find("\"first\""), bodies_[1].find("\"second\""));
  sender_.reset();
  OpenSender();
  SendAll();
  EXPECT_EQ(bodies_.size(), 2U);
}

TEST_F(VendorSenderTest, TooLargeARequestIsHalvedAndASingleMessageBuried) {
  OpenWithCredential();
  for (int i = 0; i < 3; ++i) {
    answers_.push_back(OutboundReply{413, ""});
  }
  Feed({MakeEvent(kAnn, "a"), MakeEvent(kAnn, "b"), MakeEvent(kAnn, "c"), MakeEvent(kAnn, "d")});
  SendAll();
  // 4, 2, 1 are too large; then b alone, and more as they are taken.
  ASSERT_GE(bodies_.size(), 4U);
  EXPECT_EQ(Count(bodies_[0], "messageId"), 4U);
  EXPECT_EQ(Count(bodies_[1], "messageId"), 2U);
  EXPECT_EQ(Count(bodies_[2], "messageId"), 1U);
  EXPECT_EQ(sender_->status().refused, 1U);
  EXPECT_EQ(sender_->status().sent, 3U);
  std::vector<std::string> dead;
  ASSERT_TRUE(sender_->ReadDead(10, [&dead](const DeadLetter& letter) {
    dead.push_back(letter.message.batch.events.at(0).name + ": " + letter.reason);
  }));
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_TRUE(dead[0].starts_with("a: ")) << dead[0];
  EXPECT_EQ(*sender_->ResendDead(), 1U);
  SendAll();
  EXPECT_EQ(sender_->status().sent, 4U);
  EXPECT_FALSE(sender_->status().dead_letters);
}

TEST_F(VendorSenderTest, ABadCredentialStopsUntilThereIsAnother) {
  OpenWithCredential();
  answers_.push_back(OutboundReply{401, ""});
  Feed({MakeEvent(kAnn, "a")});
  SendAll();
  clock_.Set(clock_.NowMs() + 86'400'000);
  SendAll();
  EXPECT_EQ(bodies_.size(), 1U);
  ASSERT_TRUE(sender_->SetCredential(SecretBytes(std::string_view("another"))));
  SendAll();
  EXPECT_EQ(bodies_.size(), 2U);
}

TEST_F(VendorSenderTest, KillStopsAtOnceAndTakesTwoToUndo) {
  OpenWithCredential();
  answers_.push_back(OutboundReply{500, ""});
  Feed({MakeEvent(kAnn, "a")});
  SendAll();
  const SubjectId before = sender_->KnownEpochs().at(0).second.Of(kAnn);
  const Result<ReviveCodes> codes = sender_->Kill("root", LeftData::kKeep);
  ASSERT_TRUE(codes);
  EXPECT_EQ(sender_->Kill("root", LeftData::kKeep).error().code, ErrorCode::kInvalid);
  clock_.Set(clock_.NowMs() + 86'400'000);
  SendAll();
  sender_.reset();
  OpenSender();
  SendAll();
  EXPECT_EQ(bodies_.size(), 1U);
  EXPECT_TRUE(sender_->status().killed);
  EXPECT_TRUE(sender_->status().waiting);  // frozen, not lost
  EXPECT_FALSE(sender_->status().has_credential);
  EXPECT_EQ(sender_->status().epoch, 2U);
  EXPECT_NE(sender_->KnownEpochs().at(1).second.Of(kAnn), before);
  EXPECT_EQ(sender_->Revive({(*codes)[0], (*codes)[0]}).error().code, ErrorCode::kDenied);
  EXPECT_EQ(sender_->Revive({"", ""}).error().code, ErrorCode::kDenied);
  ASSERT_TRUE(sender_->Revive({(*codes)[1], (*codes)[0]}));
  SendAll();
  EXPECT_EQ(bodies_.size(), 1U);  // without a credential
  ASSERT_TRUE(sender_->SetCredential(SecretBytes(std::string_view("new"))));
  SendAll();
  ASSERT_EQ(bodies_.size(), 2U);
  EXPECT_EQ(Count(bodies_[1], before.ToHex()), 1U);  // what was queued then has that epoch's id
}

TEST_F(VendorSenderTest, ANewEpochChangesIdsFromThereOnAndItsKeyCanGo) {
  OpenWithCredential();
  Feed({MakeEvent(kAnn, "a")}, 1);
  ASSERT_TRUE(sender_->BeginEpoch());
  Feed({MakeEvent(kAnn, "b")}, 2);
  EXPECT_EQ(sender_->DestroyEpochKey(1).error().code, ErrorCode::kUnavailable);  // still waits
  const auto epochs = sender_->KnownEpochs();
  SendAll();
  ASSERT_EQ(bodies_.size(), 2U);
  EXPECT_EQ(Count(bodies_[0], epochs.at(0).second.Of(kAnn).ToHex()), 1U);
  EXPECT_EQ(Count(bodies_[1], epochs.at(1).second.Of(kAnn).ToHex()), 1U);
  EXPECT_EQ(ledger_.batches.at(0).epoch, 1U);
  EXPECT_EQ(ledger_.batches.at(1).epoch, 2U);
  EXPECT_EQ(sender_->DestroyEpochKey(2).error().code, ErrorCode::kNotFound);  // the present one
  ASSERT_TRUE(sender_->DestroyEpochKey(1));
  EXPECT_EQ(sender_->KnownEpochs().size(), 1U);
  sender_.reset();
  OpenSender();
  EXPECT_EQ(sender_->KnownEpochs().size(), 1U);
  clock_.Set(clock_.NowMs() + 91LL * 86'400'000);
  ASSERT_TRUE(sender_->KeepEpochs());
  EXPECT_EQ(sender_->status().epoch, 3U);
}

TEST_F(VendorSenderTest, AStricterPolicyRulesWhatWaits) {
  OpenSender();  // no credential: it waits
  Feed({MakeEvent(kAnn, "a"), MakeEvent(kAnn, "secret")});
  policy_.events = {{"a", {}}};
  sender_->Follow(policy_);
  ASSERT_TRUE(sender_->SetCredential(SecretBytes(std::string_view("key"))));
  SendAll();
  ASSERT_EQ(bodies_.size(), 1U);
  EXPECT_EQ(Count(bodies_[0], "secret"), 0U);
  EXPECT_EQ(Count(bodies_[0], "plan"), 0U);
}

TEST_F(VendorSenderTest, APolicyThatChangesWithinABatchIsWrittenDownAnew) {
  OpenWithCredential();
  answers_.push_back(OutboundReply{500, ""});
  Feed({MakeEvent(kAnn, "a")});
  SendAll();
  policy_.events = {{"*", {{"city", FieldForm::kPlain}}}};
  sender_->Follow(policy_);
  clock_.Set(clock_.NowMs() + 600'000);
  SendAll();
  ASSERT_EQ(ledger_.batches.size(), 2U);
  EXPECT_EQ(ledger_.batches[1].field_sets.at(0), (SentFields{{"city", FieldForm::kPlain},
                                                             {"event name", FieldForm::kPlain},
                                                             {"time", FieldForm::kPlain}}));
}

TEST_F(VendorSenderTest, IdentifiersGoWithProfilesWhereThePolicyNamesThem) {
  policy_.identities = {"$email"};
  policy_.identity_purpose = "newsletter";
  OpenWithCredential();
  vault_refuses_ = true;
  Batch batch = BatchOf({MakeEvent(kAnn, "a")});
  for (const SubjectId& subject : {kAnn, kBob}) {
    ProfileUpdate update;
    update.subject = subject;
    batch.profile_updates.push_back(update);
  }
  ASSERT_TRUE(sender_->Feed(1, batch));
  SendAll();
  EXPECT_TRUE(bodies_.empty());  // not even the event: nothing is sent that is not whole
  EXPECT_NE(sender_->status().trouble.find("not for that purpose"), std::string::npos);
  vault_refuses_ = false;
  clock_.Set(clock_.NowMs() + 600'000);
  SendAll();
  ASSERT_EQ(bodies_.size(), 1U);
  EXPECT_EQ(Count(bodies_[0], "ann@example.com"), 1U);
  EXPECT_EQ(Count(bodies_[0], "messageId"), 2U);  // of Bob the vault knows nothing
  const LedgerBatch& recorded = ledger_.batches.at(0);
  ASSERT_EQ(recorded.sends.size(), 2U);
  EXPECT_EQ(recorded.field_sets.at(recorded.sends[1].fields).front(),
            (SentField{"$email", FieldForm::kIdentity}));
}

TEST_F(VendorSenderTest, ErasedPersonsLeaveWhatWaitsAndTheVendorIsAskedToDeleteThem) {
  policy_.type = VendorType::kWebhook;
  policy_.url = "https://hooks.example.org/";
  OpenSender();
  Feed({MakeEvent(kAnn, "a"), MakeEvent(kBob, "b")}, 1);
  Feed({MakeEvent(kAnn, "c")}, 2);
  ASSERT_TRUE(sender_->BeginEpoch());
  ASSERT_TRUE(sender_->Forget({kAnn}));
  EXPECT_TRUE(sender_->status().deletions);
  sender_.reset();
  OpenSender();
  const auto epochs = sender_->KnownEpochs();
  ASSERT_TRUE(sender_->SetCredential(
      SecretBytes(std::string_view("whsec_a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="))));
  answers_.push_back(OutboundReply{503, ""});
  SendAll();
  clock_.Set(clock_.NowMs() + 600'000);
  SendAll();
  ASSERT_EQ(bodies_.size(), 4U);  // the first deletion twice, one for each epoch, then what waits
  EXPECT_EQ(Count(bodies_[1], epochs.at(0).second.Of(kAnn).ToHex()), 1U);
  EXPECT_EQ(Count(bodies_[2], epochs.at(1).second.Of(kAnn).ToHex()), 1U);
  EXPECT_EQ(Count(bodies_[3], "\"event\":\"b\""), 1U);
  EXPECT_EQ(Count(bodies_[3], "\"person\""), 1U);
  EXPECT_EQ(sender_->status().deleted, 2U);
  EXPECT_FALSE(sender_->status().delete_by_hand);
}

TEST_F(VendorSenderTest, WhatAVendorCannotBeAskedToDeleteIsLeftToPeople) {
  OpenWithCredential();  // Segment's interface for it takes another credential
  ASSERT_TRUE(sender_->Forget({kAnn, kBob}));
  SendAll();
  EXPECT_TRUE(bodies_.empty());
  const auto epochs = sender_->KnownEpochs();
  const EpochIds& ids = epochs.at(0).second;
  EXPECT_EQ(*sender_->ReadByHand(0, 10), (std::vector<SubjectId>{ids.Of(kAnn), ids.Of(kBob)}));
  ASSERT_TRUE(sender_->ClearByHand());
  EXPECT_TRUE(sender_->ReadByHand(0, 10)->empty());
  EXPECT_FALSE(sender_->status().delete_by_hand);
}

TEST_F(VendorSenderTest, FilesHoldALineForEachMessage) {
  policy_.type = VendorType::kFiles;
  OpenSender();
  Feed({MakeEvent(kAnn, "a"), MakeEvent(SubjectId(), "b")});
  SendAll();
  const Result<std::string> file = fs_->ReadWhole("egress/vendors/acme/files/2025-11-24.ndjson");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(Count(*file, "\n"), 2U);
  EXPECT_EQ(Count(*file, "\"person\":null"), 1U);
}

// A crash at any step loses nothing that was fed, and what is sent stands in the ledger.
TEST_F(VendorSenderTest, ACrashAtAnyStepLosesNothing) {
  OpenWithCredential();
  sender_.reset();
  const std::unique_ptr<FaultyFileSystem> begun = fs_->CloneAfterCrash(CrashKeeps::kEverything);
  for (uint64_t step = 0;; ++step) {
    for (const CrashKeeps keeps :
         {CrashKeeps::kSyncedOnly, CrashKeeps::kEverything, CrashKeeps::kSome}) {
      fs_ = begun->CloneAfterCrash(CrashKeeps::kEverything);
      bodies_.clear();
      OpenSender();
      fs_->FailAt(step, Fault::kCrash);
      std::vector<std::string> fed;
      for (const char* name : {"one", "two", "three"}) {
        if (sender_->Feed(fed.size() + 1, BatchOf({MakeEvent(kAnn, name)}))) {
          fed.emplace_back(name);
        }
        SendAll();
      }
      const bool crashed = fs_->crashed();
      sender_.reset();
      fs_ = fs_->CloneAfterCrash(keeps, step);
      clock_.Set(clock_.NowMs() + 600'000);
      OpenSender();
      SendAll();
      std::string all;
      for (const std::string& body : bodies_) {
        all += body;
      }
      for (const std::string& name : fed) {
        EXPECT_GE(Count(all, "\"" + name + "\""), 1U) << step << " " << name;
      }
      sender_.reset();
      if (!crashed) {
        return;
      }
    }
  }
}

}  // namespace
}  // namespace bulkhead
