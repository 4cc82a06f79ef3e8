#include "main/smtp_dialogue.h"

#include <gtest/gtest.h>

#include <utility>

namespace bulkhead {
namespace {

class SmtpDialogueTest : public testing::Test {
 protected:
  std::string Say(std::string_view line) { return dialogue_.Take(line).substr(0, 3); }

  std::vector<std::pair<std::string, std::string>> seen_;
  SmtpDialogue dialogue_{{"mail.example.net"},
                         [this](const std::string& recipient, const std::string& sender_domain) {
                           seen_.emplace_back(recipient, sender_domain);
                         }};
};

TEST_F(SmtpDialogueTest, AMailNamesItsRecipientsAndNothingOfItIsKept) {
  EXPECT_EQ(Say("EHLO sender.example"), "250");
  EXPECT_EQ(Say("MAIL FROM:<Offers@Sender.example> SIZE=100"), "250");
  EXPECT_EQ(Say("RCPT TO:<Ada.Berg12@Mail.example.net>"), "250");
  EXPECT_EQ(Say("RCPT TO:<b@mail.example.net>"), "250");
  EXPECT_EQ(Say("DATA"), "354");
  EXPECT_EQ(Say("RCPT TO:<c@mail.example.net>"), "");  // text
  EXPECT_TRUE(seen_.empty());
  EXPECT_EQ(Say("."), "250");
  EXPECT_EQ(seen_, (std::vector<std::pair<std::string, std::string>>{
                       {"ada.berg12@mail.example.net", "sender.example"},
                       {"b@mail.example.net", "sender.example"}}));
  EXPECT_EQ(Say("QUIT"), "221");
  EXPECT_TRUE(dialogue_.over());
}

TEST_F(SmtpDialogueTest, NothingIsRelayed) {
  EXPECT_EQ(Say("RCPT TO:<a@mail.example.net>"), "503");
  EXPECT_EQ(Say("MAIL FROM:<>"), "250");
  for (const char* line :
       {"RCPT TO:<a@elsewhere.example>", "RCPT TO:<a@mail.example.net.evil.org>",
        "RCPT TO:<@mail.example.net>", "RCPT TO:<a@mail.example.net,b@mail.example.net>"}) {
    EXPECT_EQ(Say(line), "550") << line;
  }
  EXPECT_EQ(Say("DATA"), "503");
}

TEST_F(SmtpDialogueTest, IsBounded) {
  EXPECT_EQ(Say("MAIL FROM:<a@b.example>"), "250");
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Say("RCPT TO:<a" + std::to_string(i) + "@mail.example.net>"), "250");
  }
  EXPECT_EQ(Say("RCPT TO:<z@mail.example.net>"), "452");
  EXPECT_EQ(Say("DATA"), "354");
  for (int i = 0; i < 1200 && !dialogue_.over(); ++i) {
    static_cast<void>(Say(std::string(1000, 'x')));
  }
  EXPECT_TRUE(dialogue_.over());
  EXPECT_TRUE(seen_.empty());
}

TEST(AddressesInTest, FindsThoseOfTheDomains) {
  const std::vector<std::string> domains = {"a.example", "b.example"};
  EXPECT_EQ(AddressesIn("user=X.Y@A.example&again=x.y@a.example;z@b.example @a.example q@c.example",
                        domains),
            (std::vector<std::string>{"x.y@a.example", "z@b.example"}));
  EXPECT_TRUE(AddressesIn("", domains).empty());
}

}  // namespace
}  // namespace bulkhead
