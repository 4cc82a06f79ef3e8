#include "incident/notice_sender.h"

#include <gtest/gtest.h>

#include <map>

#include "base/faulty_file_system.h"
#include "crypto/rsa_key.h"
#include "incident/notice_fixture.h"

namespace bulkhead {
namespace {

using std::chrono::milliseconds;

constexpr int64_t kNow = 1'764'000'100'000;
const std::string kId = "2025-11-26-1";

// A relay in memory: what it answers to the n-th mail for an address.
struct FakeRelay {
  std::map<std::string, std::vector<SmtpFate>> answers;
  std::vector<std::pair<std::string, std::string>> taken;  // whom, and the mail
  int connections = 0;
  bool refuses_password = false;

  SmtpOutcome Take(const SmtpMail& mail) {
    std::vector<SmtpFate>& next = answers[mail.to];
    SmtpFate fate = SmtpFate::kTaken;
    if (!next.empty()) {
      fate = next.front();
      next.erase(next.begin());
    }
    if (fate == SmtpFate::kTaken) taken.emplace_back(mail.to, mail.text);
    return {fate, fate == SmtpFate::kRefused ? 550 : 250, "no relay"};
  }
};

class FakeClient final : public SmtpClient {
 public:
  explicit FakeClient(FakeRelay* relay) : relay_(relay) {}
  SmtpOutcome Send(const SmtpMail& mail) override { return relay_->Take(mail); }

 private:
  FakeRelay* relay_;
};

EgressKeys TestKeys() {
  EgressKeys keys;
  keys.notice_code_keys.Add(1, SecretBytes(std::string(kKeyBytes, 'c')));
  keys.dkim_ed25519_seeds.Add(1, SecretBytes(std::string(kKeyBytes, 'd')));
  keys.dkim_rsa_keys.push_back({1, RsaKey::Generate().value().ToPadded().value()});
  return keys;
}

class NoticeSenderTest : public testing::Test {
 protected:
  void SetUp() override {
    InitCrypto();
    keys_ = TestKeys();
    rounds_ = NoticeRounds::Open(fs_, "/notices", ring_).value();
    credential_ = NoticeCredential::Open(fs_, "/notices/relay", ring_).value();
    NoticeSender::Parts parts;
    parts.rounds = rounds_.get();
    parts.credential = credential_.get();
    parts.keys = &keys_;
    parts.clock = &clock_;
    parts.settings = [this]() -> Result<NoticeSettings> {
      return settings_good_ ? Result<NoticeSettings>(settings_)
                            : Error{ErrorCode::kInvalid, "a mistake"};
    };
    parts.connect = [this](const SmtpRelay&) -> Result<std::unique_ptr<SmtpClient>> {
      ++relay_.connections;
      return std::unique_ptr<SmtpClient>(std::make_unique<FakeClient>(&relay_));
    };
    parts.log = [this](const std::string& text) { log_ += text + "\n"; };
    settings_.from = "security@example.com";
    settings_.check_page = "example.com/notice";
    settings_.dkim_domain = "example.com";
    settings_.rsa_selector = "r";
    settings_.ed25519_selector = "e";
    settings_.mails_per_second = 20;
    sender_ = std::make_unique<NoticeSender>(std::move(parts));
  }
  std::vector<std::string> Told() {
    std::vector<std::string> told;
    for (const auto& [to, mail] : relay_.taken) told.push_back(to);
    return told;
  }

  FaultyFileSystem fs_;
  KeyRing ring_ = TestRing({1});
  EgressKeys keys_;
  ManualClock clock_{kNow};
  NoticeSettings settings_;
  bool settings_good_ = true;
  FakeRelay relay_;
  std::string log_;
  std::unique_ptr<NoticeRounds> rounds_;
  std::unique_ptr<NoticeCredential> credential_;
  std::unique_ptr<NoticeSender> sender_;
};

TEST_F(NoticeSenderTest, OneAfterTheOtherAtTheRateOverOneConnection) {
  EXPECT_EQ(sender_->Step(), milliseconds(1000)) << "nobody waits";
  ASSERT_TRUE(rounds_->Add(TestRound(1, 1, 3)));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(sender_->Step(), milliseconds(50));
  EXPECT_EQ(Told(), (std::vector{TestAddress(1), TestAddress(2), TestAddress(3)}));
  EXPECT_EQ(relay_.connections, 1);
  EXPECT_EQ(sender_->Step(), milliseconds(1000));
  const NoticeCodes codes(keys_.notice_code_keys.newest().key);
  EXPECT_NE(relay_.taken[0].second.find("Message-ID: <"), std::string::npos);
  EXPECT_EQ(relay_.taken[0].second.find(kNoticeCodePlace), std::string::npos);
}

TEST_F(NoticeSenderTest, WhoIsRefusedOrPostponedBlocksNobody) {
  ASSERT_TRUE(rounds_->Add(TestRound(1, 1, 3)));
  relay_.answers[TestAddress(1)] = {SmtpFate::kLater, SmtpFate::kLater};
  relay_.answers[TestAddress(2)] = {SmtpFate::kRefused};
  for (int i = 0; i < 3; ++i) sender_->Step();
  EXPECT_EQ(Told(), std::vector{TestAddress(3)});
  clock_.Set(kNow + 5000);
  sender_->Step();
  clock_.Set(kNow + 15'000);
  sender_->Step();
  EXPECT_EQ(Told(), (std::vector{TestAddress(3), TestAddress(1)}));
  EXPECT_EQ(rounds_->ProgressOf(kId).front().refused, 1U);
}

TEST_F(NoticeSenderTest, WhoeverIsPutOffForDaysIsGivenUp) {
  ASSERT_TRUE(rounds_->Add(TestRound(1, 1, 1)));
  relay_.answers[TestAddress(1)] = std::vector(3, SmtpFate::kLater);
  sender_->Step();
  clock_.Set(kNow + 5LL * 24 * 3600 * 1000);
  sender_->Step();
  EXPECT_EQ(rounds_->ProgressOf(kId).front().refused, 1U);
}

TEST_F(NoticeSenderTest, ARelayThatFailsIsGivenPausesAndTheSameMailAgain) {
  ASSERT_TRUE(rounds_->Add(TestRound(1, 1, 2)));
  relay_.answers[TestAddress(1)] = {SmtpFate::kNoRelay, SmtpFate::kNoRelay, SmtpFate::kNoRelay};
  EXPECT_EQ(sender_->Step(), milliseconds(1000));
  EXPECT_EQ(sender_->Step(), milliseconds(2000));
  EXPECT_EQ(sender_->Step(), milliseconds(4000));
  EXPECT_EQ(sender_->trouble(), "no relay");
  EXPECT_EQ(log_, "notices wait: no relay\n") << "once";
  EXPECT_EQ(sender_->Step(), milliseconds(50));
  EXPECT_EQ(sender_->trouble(), "");
  EXPECT_EQ(relay_.connections, 4) << "a new one each time";
  EXPECT_EQ(Told(), std::vector{TestAddress(1)});
}

TEST_F(NoticeSenderTest, NothingGoesWithoutSettingsKeysOrDisk) {
  ASSERT_TRUE(rounds_->Add(TestRound(1, 1, 1)));
  settings_good_ = false;
  sender_->Step();
  EXPECT_EQ(sender_->trouble(), "a mistake");
  settings_good_ = true;
  settings_.dkim_key = 7;
  sender_->Step();
  EXPECT_NE(sender_->trouble().find("dkim.key"), std::string::npos);
  EXPECT_TRUE(relay_.taken.empty());
  settings_.dkim_key = 1;
  fs_.FailAt(0, Fault::kNoSpace, 1);
  sender_->Step();
  EXPECT_NE(sender_->trouble(), "") << "what cannot be written down stops the sending";
  EXPECT_EQ(rounds_->ProgressOf(kId).front().waiting, 1U);
  sender_->Step();
  EXPECT_EQ(rounds_->ProgressOf(kId).front().told, 1U);
  ASSERT_EQ(relay_.taken.size(), 2U);
  const auto id = [](const std::string& mail) {
    return mail.substr(mail.find("Message-ID: "), 60);
  };
  EXPECT_EQ(id(relay_.taken[0].second), id(relay_.taken[1].second));
}

TEST_F(NoticeSenderTest, AddressesThatNoMailGoesToAreRefused) {
  NoticeRound round = TestRound(1, 1, 2);
  round.recipients[0].address = "\"quoted\"@example.org";
  ASSERT_TRUE(rounds_->Add(std::move(round)));
  sender_->Step();
  sender_->Step();
  EXPECT_EQ(Told(), std::vector{TestAddress(2)});
}

TEST_F(NoticeSenderTest, AThreadOfItsOwnSendsAndStops) {
  ASSERT_TRUE(rounds_->Add(TestRound(1, 1, 3)));
  sender_->Start();
  sender_->Wake();
  for (int i = 0; i < 500 && rounds_->ProgressOf(kId).front().waiting > 0; ++i) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  sender_.reset();
  EXPECT_EQ(Told().size(), 3U);
}

}  // namespace
}  // namespace bulkhead
