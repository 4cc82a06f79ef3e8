// Who canaries are, and what the rest of egress makes of them.
#include <gtest/gtest.h>

#include <set>

#include "egress/canary_flock.h"
#include "egress/canary_ids.h"
#include "egress/vendor_fixture.h"

namespace bulkhead {
namespace {

VendorEpoch EpochOf(char letter, uint32_t number = 1) {
  VendorEpoch epoch;
  epoch.number = number;
  epoch.key = SecretBytes(std::string(kKeyBytes, letter));
  return epoch;
}

TEST(CanaryIdsTest, WhoHasTheKeyTellsThemAndNobodyElse) {
  InitCrypto();
  const CanaryIds ids(EpochOf('a').key);
  const CanaryIds others(EpochOf('b').key);
  std::set<SubjectId> all;
  std::set<std::string> addresses;
  for (uint32_t number = 0; number < 1000; ++number) {
    all.insert(ids.VendorId(number));
    addresses.insert(ids.Person(number).local_part);
  }
  EXPECT_EQ(all.size(), 1000U);
  EXPECT_GT(addresses.size(), 990U);
  EXPECT_EQ(ids.IsCanary(ids.VendorId(7)), 7U);
  EXPECT_EQ(others.IsCanary(ids.VendorId(7)), std::nullopt);
  EXPECT_EQ(ids.IsCanary(kAnn), std::nullopt);
  EXPECT_EQ(ids.IsCanary(CanarySubject(7)), std::nullopt);  // what lies in the queue is no id
  EXPECT_EQ(ids.IsCanaryAddress(ids.Person(900).local_part), 900U);
  EXPECT_EQ(ids.IsCanaryAddress("nobody.known"), std::nullopt);
  EXPECT_EQ(EpochIds(EpochOf('a')).Of(CanarySubject(7)), ids.VendorId(7));
  EXPECT_EQ(CanaryNumber(CanarySubject(41)), 41U);
  EXPECT_EQ(CanaryNumber(kAnn), std::nullopt);
  EXPECT_EQ(CanaryNumber(SubjectId()), std::nullopt);
}

TEST(CanaryMemoryTest, ReadsWhatItWritesAndNothingElse) {
  CanaryMemory memory;
  memory.epoch = 3;
  memory.sparse = 2;
  memory.span = 10'000;
  memory.cast[77].events = 5;
  memory.cast[77].mix[3] = 5;
  memory.cast[77].towards_noon = -400;
  memory.canaries.resize(2);
  memory.canaries[1].donor = 77;
  memory.canaries[1].traits = {{"plan", Value("pro")}, {"seats", Value(3.0)}};
  const std::string bytes = EncodeCanaryMemory(memory);
  const Result<CanaryMemory> again = DecodeCanaryMemory(bytes);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, memory);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeCanaryMemory(std::string_view(bytes).substr(0, size))) << size;
  }
}

constexpr int64_t kPauseMs = 172'800;  // 500 a day

class CanarySenderTest : public VendorFixture {
 protected:
  CanarySenderTest() {
    policy_.canaries = 50;
    policy_.canary_domain = "mail.example.net";
    policy_.identities = {"$email", "$name", "$phone"};
  }
  // So much traffic that canaries are born, each subject with a profile and a few events.
  void FeedDays(int days) {
    for (int i = 0; i < days * 500; ++i) {
      clock_.Set(clock_.NowMs() + kPauseMs);
      FeedOne(i, clock_.NowMs());
    }
  }
  // The same in no time, as an import of days gone by.
  void ImportDays(int days) {
    for (int i = 0; i < days * 500; ++i) {
      FeedOne(i, clock_.NowMs() - (int64_t{days} * 500 + 1000 - i) * kPauseMs);
    }
  }
  void FeedOne(int i, int64_t time_ms) {
    SubjectId person;
    Sha256Into(static_cast<uint64_t>(i), &person);
    Event event = MakeEvent(person, "bought", static_cast<uint64_t>(i) + 1);
    event.time_ms = time_ms;
    Batch batch = BatchOf({event});
    batch.profile_updates.push_back({.subject = person,
                                     .group_key = {},
                                     .group_id = {},
                                     .properties = {{"seats", Value(2.0)}},
                                     .time_ms = time_ms});
    const Result<void> fed = sender_->Feed(++position_, batch);
    ASSERT_TRUE(fed) << fed.error().message;
  }
  static void Sha256Into(uint64_t number, SubjectId* person) {
    const auto digest = Sha256(std::to_string(number));
    std::copy_n(digest.begin(), person->bytes.size(), person->bytes.begin());
  }
  std::string Bodies() const {
    std::string all;
    for (const std::string& body : bodies_) all += body;
    return all;
  }

  uint64_t position_ = 0;
};

TEST_F(CanarySenderTest, TheLedgerKnowsThemAsNobodyAndTheVendorAsPeople) {
  OpenWithCredential();
  FeedDays(10);
  SendAll();
  EXPECT_GT(sender_->status().canaries, 3U);
  const auto epochs = sender_->KnownEpochs();
  const CanaryIds& ids = epochs.front().second.canaries();
  const std::string bodies = Bodies();
  size_t sent = 0;
  for (uint32_t number = 0; number < sender_->status().canaries; ++number) {
    if (bodies.find(ids.VendorId(number).ToHex()) == std::string::npos) continue;
    ++sent;
    EXPECT_NE(bodies.find(ids.Person(number).local_part + "@mail.example.net"), std::string::npos);
  }
  EXPECT_GT(sent, 2U);
  size_t nobodies = 0;
  for (const LedgerBatch& batch : ledger_.batches) {
    for (const LedgerSend& send : batch.sends) {
      EXPECT_FALSE(CanaryNumber(send.subject));
      nobodies += send.subject.IsNobody() ? 1 : 0;
    }
  }
  EXPECT_GE(nobodies, sent);
  EXPECT_EQ(sender_->EpochOfCanary(ids.Person(0).local_part, "mail.example.net"), 1U);
  EXPECT_EQ(sender_->EpochOfCanary(ids.Person(0).local_part, "example.net"), std::nullopt);
  EXPECT_EQ(sender_->EpochOfCanary("nobody.known", "mail.example.net"), std::nullopt);
}

// A month that is imported within a minute: canaries come among the events of their days.
TEST_F(CanarySenderTest, InAnImportTheyGoByTheTimesOfTheEvents) {
  OpenWithCredential();
  ImportDays(10);
  SendAll();
  ASSERT_GT(sender_->status().canaries, 3U);
  size_t nobodies = 0, last = 0, sends = 0;
  for (const LedgerBatch& batch : ledger_.batches) {
    for (const LedgerSend& send : batch.sends) {
      ++sends;
      nobodies += send.subject.IsNobody() ? 1 : 0;
      last = send.subject.IsNobody() ? sends : last;
    }
  }
  EXPECT_GT(nobodies, sender_->status().canaries);
  EXPECT_GT(last, sends / 2);  // not all at once
}

TEST_F(CanarySenderTest, OldEventsAmongLiveOnesChangeNoClock) {
  OpenWithCredential();
  FeedDays(10);
  SendAll();
  const size_t before = ledger_.batches.size();
  for (int i = 0; i < 4; ++i) FeedOne(i, clock_.NowMs() - 10 * kPauseMs * 500);
  SendAll();
  for (size_t i = before; i < ledger_.batches.size(); ++i) {
    for (const LedgerSend& send : ledger_.batches[i].sends) EXPECT_FALSE(send.subject.IsNobody());
  }
}

TEST_F(CanarySenderTest, WhereNoIdentitiesGoTheyAloneHaveAddresses) {
  policy_.identities = {};
  OpenWithCredential();
  FeedDays(10);
  SendAll();
  const std::string bodies = Bodies();
  size_t at = 0, addresses = 0;
  while ((at = bodies.find('@', at)) != std::string::npos) {
    EXPECT_EQ(bodies.compare(at, 17, "@mail.example.net"), 0);
    ++addresses;
    ++at;
  }
  EXPECT_GT(addresses, 2U);
  policy_.canary_domain = "";
  bodies_.clear();
  sender_.reset();
  OpenSender();
  FeedDays(3);
  SendAll();
  EXPECT_EQ(Bodies().find('@'), std::string::npos);
}

TEST_F(CanarySenderTest, TheyAreTheSameAfterARestartAndOthersInTheNextEpoch) {
  OpenWithCredential();
  FeedDays(10);
  const uint32_t canaries = sender_->status().canaries;
  ASSERT_GT(canaries, 0U);
  sender_.reset();
  OpenSender();
  EXPECT_EQ(sender_->status().canaries, canaries);
  ASSERT_TRUE(sender_->BeginEpoch());
  EXPECT_EQ(sender_->status().canaries, 0U);
  const auto epochs = sender_->KnownEpochs();
  ASSERT_EQ(epochs.size(), 2U);
  const std::string address = epochs[0].second.canaries().Person(0).local_part;
  EXPECT_EQ(sender_->EpochOfCanary(address, "mail.example.net"), 1U);
  EXPECT_FALSE(epochs[1].second.canaries().IsCanary(epochs[0].second.canaries().VendorId(0)));
}

TEST_F(CanarySenderTest, WithoutThemInThePolicyThereAreNone) {
  policy_.canaries = 0;
  OpenWithCredential();
  FeedDays(10);
  EXPECT_EQ(sender_->status().canaries, 0U);
  EXPECT_FALSE(fs_->Exists("egress/vendors/acme/canaries"));
}

TEST_F(CanarySenderTest, NoRealMessagePassesForACanarys) {
  OpenWithCredential();
  Feed({MakeEvent(CanarySubject(3), "bought")});
  SendAll();
  const auto epochs = sender_->KnownEpochs();
  EXPECT_EQ(Bodies().find(epochs[0].second.canaries().VendorId(3).ToHex()), std::string::npos);
}

TEST_F(CanarySenderTest, AChangedMemoryIsNoticed) {
  OpenWithCredential();
  FeedDays(6);
  ASSERT_TRUE(fs_->Exists("egress/vendors/acme/canaries"));
  const std::string damaged = "not what was written";
  sender_.reset();
  ASSERT_TRUE(fs_->WriteFileAtomically("egress/vendors/acme/canaries", damaged));
  const Result<CanaryFlock> flock =
      CanaryFlock::Open({fs_.get(), "egress/vendors/acme/canaries", "acme", &keys_});
  ASSERT_FALSE(flock);
  EXPECT_EQ(flock.error().code, ErrorCode::kCorruption);
}

}  // namespace
}  // namespace bulkhead
