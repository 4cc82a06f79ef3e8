#include "egress/smtp_client.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

TEST(SmtpClientTest, ARefusalIsTheRecipientsOrTheRelays) {
  EXPECT_EQ(JudgeReply("RCPT", 450), SmtpFate::kLater);
  EXPECT_EQ(JudgeReply("RCPT", 550), SmtpFate::kRefused);
  EXPECT_EQ(JudgeReply("(text)", 451), SmtpFate::kLater);
  EXPECT_EQ(JudgeReply("(text)", 554), SmtpFate::kRefused);
  EXPECT_EQ(JudgeReply("DATA", 554), SmtpFate::kRefused);
  EXPECT_EQ(JudgeReply("RCPT", 421), SmtpFate::kNoRelay) << "it closes the connection";
  for (const char* verb : {"EHLO", "STARTTLS", "AUTH", "MAIL", ""}) {
    EXPECT_EQ(JudgeReply(verb, 550), SmtpFate::kNoRelay) << verb << ": nobody's mail goes through";
  }
  EXPECT_EQ(JudgeReply("(text)", 250), SmtpFate::kTaken);
}

TEST(SmtpClientTest, APasswordNeedsTls) {
  const SecretBytes password(std::string_view("secret"));
  SmtpRelay relay;
  relay.user = "user";
  EXPECT_FALSE(MakeSmtpClient(relay)) << "no password yet";
  relay.password = &password;
  EXPECT_TRUE(MakeSmtpClient(relay));
  relay.tls = SmtpTls::kNone;
  EXPECT_FALSE(MakeSmtpClient(relay));
}

TEST(SmtpClientTest, InnerAddressesAreReachedWhereTheyAreNamed) {
  SmtpRelay relay;
  relay.host = "127.0.0.1";
  relay.port = 1;
  const SmtpMail mail{"a@example.com", "b@example.com", "text\r\n"};
  SmtpOutcome outcome = MakeSmtpClient(relay).value()->Send(mail);
  EXPECT_EQ(outcome.fate, SmtpFate::kNoRelay);
  EXPECT_NE(outcome.why.find("not one that is allowed"), std::string::npos) << outcome.why;
  relay.allowed_internal = {"127.0.0.1"};
  outcome = MakeSmtpClient(relay).value()->Send(mail);
  EXPECT_EQ(outcome.fate, SmtpFate::kNoRelay);
  EXPECT_EQ(outcome.why.find("not one that is allowed"), std::string::npos) << outcome.why;
  relay.host = "192.0.2.1";  // no address of ours, and none that answers
  relay.allowed_internal = {};
  EXPECT_EQ(MakeSmtpClient(relay).value()->Send(mail).fate, SmtpFate::kNoRelay);
}

}  // namespace
}  // namespace bulkhead
