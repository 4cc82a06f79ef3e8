#include "egress/alert_sender.h"

#include <gtest/gtest.h>

#include "base/faulty_file_system.h"
#include "egress/alert_codec.h"
#include "sieve/policy_holder.h"
#include "sieve/policy_versions.h"

namespace bulkhead {
namespace {

constexpr std::string_view kRoutes = R"(schema = 1
[[project.1.alert]]
team = "web"
library = "web"
url = "https://web.example.org/hook"
secret = "web-hook"
[[project.1.alert]]
team = "security"
url = "https://security.example.org/hook"
secret = "security"
only_secrets = true
)";

class AlertSenderTest : public testing::Test {
 protected:
  AlertSenderTest() {
    InitCrypto();
    EXPECT_TRUE(fs_.CreateDirs("/egress"));
    Rule(kRoutes);
    Open();
  }
  void Rule(std::string_view text) {
    const LoadedPolicy loaded = LoadPolicy(text, "p").value();
    PolicyVersions versions(&fs_, "/versions");
    EXPECT_TRUE(versions.Accept(loaded.canonical_text, loaded.hash,
                                [](uint32_t) { return Result<void>(); }));
  }
  void Open() {
    sender_.reset();
    AlertSender::Parts parts;
    parts.fs = &fs_;
    parts.clock = &clock_;
    parts.dir = "/egress";
    parts.policy_versions_dir = "/versions";
    parts.webhook_key = &key_;
    parts.post = [this](const OutboundRequest& request) -> Result<OutboundReply> {
      urls_.push_back(request.url);
      ids_.push_back(request.headers.at(0).second);
      bodies_.emplace_back(request.body);
      return OutboundReply{status_, ""};
    };
    sender_ = AlertSender::Open(std::move(parts)).value();
  }
  static FirstHit Hit(std::string path, std::string library, Action action,
                      std::string rule = "jwt") {
    return {ProjectId{1},       std::move(rule), std::move(path),
            std::move(library), action,          1'699'999'000'000};
  }

  FaultyFileSystem fs_;
  ManualClock clock_{1'700'000'000'000};
  SecretBytes key_ = RandomSecret(32);
  int status_ = 200;
  std::vector<std::string> urls_, ids_, bodies_;
  std::unique_ptr<AlertSender> sender_;
};

TEST_F(AlertSenderTest, TellsEachTeamWhatConcernsItOnce) {
  sender_->Add({Hit("form.token", "web", Action::kRedact), Hit("mail", "web", Action::kToken),
                Hit("key", "python", Action::kRedact), Hit("name", "python", Action::kToken)});
  sender_->SendDue();
  ASSERT_EQ(urls_, (std::vector<std::string>{"https://web.example.org/hook",
                                             "https://security.example.org/hook"}));
  EXPECT_NE(bodies_[0].find(R"("path":"mail")"), std::string::npos);
  EXPECT_EQ(bodies_[0].find("python"), std::string::npos);
  EXPECT_EQ(bodies_[1].find("mail"), std::string::npos);
  EXPECT_NE(bodies_[1].find(R"("library":"python")"), std::string::npos);
  EXPECT_EQ(sender_->stats().sent, 2U);
  EXPECT_EQ(sender_->stats().untold, 0U);
  sender_->SendDue();
  Open();  // after a restart intake says the same again
  sender_->Add({Hit("form.token", "web", Action::kRedact)});
  sender_->SendDue();
  EXPECT_EQ(urls_.size(), 2U);
}

TEST_F(AlertSenderTest, TriesAgainAfterPausesWithTheSameId) {
  status_ = 503;
  sender_->Add({Hit("mail", "web", Action::kToken)});
  sender_->SendDue();
  sender_->SendDue();
  EXPECT_EQ(urls_.size(), 1U);
  EXPECT_EQ(sender_->stats().untold, 1U);
  clock_.Set(clock_.NowMs() + 5000);
  sender_->SendDue();
  EXPECT_EQ(urls_.size(), 2U);
  clock_.Set(clock_.NowMs() + 5000);
  sender_->SendDue();
  EXPECT_EQ(urls_.size(), 2U);
  status_ = 204;
  clock_.Set(clock_.NowMs() + 5000);
  sender_->SendDue();
  ASSERT_EQ(urls_.size(), 3U);
  EXPECT_EQ(ids_[0], ids_[2]);
  EXPECT_EQ(sender_->stats().failures, 2U);
  EXPECT_EQ(sender_->stats().untold, 0U);
}

TEST_F(AlertSenderTest, ARouteThatComesLaterIsToldWhatWasHitBefore) {
  sender_->Add({Hit("mail", "ios", Action::kToken)});
  sender_->SendDue();
  EXPECT_TRUE(urls_.empty());
  Rule(
      "schema = 1\n[[project.1.alert]]\nteam = \"ios\"\nlibrary = \"i*\"\nsecret = \"s\"\n"
      "url = \"https://ios.example.org/\"\n");
  sender_->SendDue();
  EXPECT_EQ(urls_, std::vector<std::string>{"https://ios.example.org/"});
}

TEST_F(AlertSenderTest, ASwarmComesInMessagesOfBoundedSize) {
  for (size_t i = 0; i < 5000; ++i) {
    sender_->Add({Hit("p" + std::to_string(i), "web", Action::kToken)});
  }
  sender_->SendDue();
  EXPECT_EQ(urls_.size(), 1U);
  EXPECT_EQ(sender_->stats().untold, AlertSender::kMaxHits - AlertSender::kMaxHitsInMessage);
  for (int i = 0; i < 60; ++i) sender_->SendDue();
  EXPECT_EQ(sender_->stats().untold, 0U);
  EXPECT_EQ(urls_.size(), (AlertSender::kMaxHits + 99) / AlertSender::kMaxHitsInMessage);
}

TEST_F(AlertSenderTest, WhatWasToldIsKeptAsKeyedDigests) {
  sender_->Add({Hit("form.token", "web", Action::kRedact)});
  sender_->SendDue();
  const std::string told = fs_.ReadWhole("/egress/told").value();
  EXPECT_EQ(told.size(), 2 * sizeof(ToldFile::Digest));  // two routes
  EXPECT_EQ(told.find("form"), std::string::npos);
}

TEST(AlertCodec, GivesBackWhatItTook) {
  const std::vector<FirstHit> hits = {
      {ProjectId{7}, "jwt", "a.b[]", "web", Action::kRedact, 1'700'000'000'123},
      {ProjectId{1}, "", "", "", Action::kKeep, -1}};
  const std::vector<FirstHit> back = DecodeFirstHits(EncodeFirstHits(hits)).value();
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0].path, "a.b[]");
  EXPECT_EQ(back[0].time_ms, 1'700'000'000'123);
  EXPECT_EQ(back[1].time_ms, -1);
  const std::string bytes = EncodeFirstHits(hits);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeFirstHits(bytes.substr(0, size)));
  }
  EXPECT_FALSE(DecodeFirstHits(EncodeFirstHits(std::vector<FirstHit>(kMaxHitsInCall + 1))));
}

}  // namespace
}  // namespace bulkhead
