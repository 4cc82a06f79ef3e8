#include "incident/notice_statement.h"

#include <gtest/gtest.h>

#include "base/faulty_file_system.h"
#include "incident/notice_credential.h"
#include "incident/notice_fixture.h"

namespace bulkhead {
namespace {

constexpr int64_t kNow = 1'764'000'000'000;

FoundRecipient Found() {
  FoundRecipient found;
  found.version = 2;
  found.entry = 41;
  found.organisation = "Platform";
  found.vendor = "acme";
  found.happening = "An attacker exported data.";
  found.first_day = 20'400;
  found.last_day = 20'410;
  found.told_ms = kNow - 60'000;
  found.subjects = {TestSubject(1)};
  found.fields = {{"plan", FieldForm::kPlain}, {"town", FieldForm::kToken}};
  return found;
}

TEST(NoticeStatementTest, EveryLineStandsWhereItAlwaysDoes) {
  const NoticeAnswer answer = AnswerYes("abcd", kNow, "2025-11-26-1", Found());
  EXPECT_EQ(answer.statement, R"(bulkhead notice answer v1
answer: yes
asked: abcd
time: 2025-11-24 16:00 UTC
by: Platform
incident: 2025-11-26-1, version 2
told: 2025-11-24 15:59 UTC
audit log entry: 41
vendor: acme
what happened: An attacker exported data.
period: 2025-11-08 to 2025-11-18
exposed: plan: as it was
exposed: town: as a code; the value itself was not exposed
)");
  EXPECT_EQ(AnswerNo("abcd", kNow).statement,
            "bulkhead notice answer v1\nanswer: no\nasked: abcd\ntime: 2025-11-24 16:00 UTC\n");
  FoundRecipient erased = Found();
  erased.fields.clear();
  EXPECT_NE(AnswerYes("a", kNow, "2025-11-26-1", erased).statement.find("was erased"),
            std::string::npos);
}

TEST(NoticeStatementTest, IsSignedAndReadBackAsItWas) {
  InitCrypto();
  const SigningKey key(RandomSecret(32));
  NoticeAnswer answer = AnswerYes("abcd", kNow, "2025-11-26-1", Found());
  SignAnswer(key, &answer);
  const std::string bytes = EncodeNoticeAnswer(answer);
  const NoticeAnswer again = DecodeNoticeAnswer(bytes).value();
  EXPECT_EQ(EncodeNoticeAnswer(again), bytes);
  EXPECT_EQ(again.exposed.size(), 2U);
  const std::string_view signature(reinterpret_cast<const char*>(again.signature.data()),
                                   again.signature.size());
  EXPECT_TRUE(VerifySignature(again.key, again.statement, signature));
  EXPECT_FALSE(VerifySignature(again.key, again.statement + "x", signature));
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeNoticeAnswer(bytes.substr(0, size)));
  }
  EXPECT_FALSE(DecodeNoticeAnswer(bytes + "x"));
}

TEST(NoticeStatementTest, QuestionsAreBounded) {
  const std::string bytes = EncodeNoticeQuestion({"code", "a@b.de"});
  EXPECT_EQ(DecodeNoticeQuestion(bytes)->address, "a@b.de");
  EXPECT_FALSE(DecodeNoticeQuestion(bytes + "x"));
  EXPECT_FALSE(DecodeNoticeQuestion(bytes.substr(1)));
  EXPECT_FALSE(DecodeNoticeQuestion(
      EncodeNoticeQuestion({"code", std::string(kMaxNoticeQuestionBytes + 1, 'a')})));
}

TEST(NoticeStatementTest, TheKeyIsWhatOpenSslReads) {
  // RFC 8410, section 10.1.
  const std::string raw(
      "\x19\xbf\x44\x09\x69\x84\xcd\xfe\x85\x41\xba\xc1\x67\xdc\x3b\x96"
      "\xc8\x50\x86\xaa\x30\xb6\xb6\xcb\x0c\x5c\x38\xad\x70\x31\x66\xe1",
      32);
  PublicKey key{};
  std::copy(raw.begin(), raw.end(), key.begin());
  EXPECT_EQ(PublicKeyPem(key),
            "-----BEGIN PUBLIC KEY-----\n"
            "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
            "-----END PUBLIC KEY-----\n");
}

TEST(NoticeCredentialTest, IsKeptSealedAndUnderTheNewestKey) {
  InitCrypto();
  FaultyFileSystem fs;
  ASSERT_TRUE(fs.CreateDirs("/n"));
  KeyRing ring = TestRing({1});
  auto credential = NoticeCredential::Open(fs, "/n/relay", ring).value();
  EXPECT_TRUE(credential->Get().empty());
  ASSERT_TRUE(credential->Set(SecretBytes(std::string_view("the password"))));
  EXPECT_EQ(credential->changes(), 1U);
  EXPECT_EQ(fs.ReadWhole("/n/relay")->find("password"), std::string::npos);
  ring = TestRing({1, 2});
  credential = NoticeCredential::Open(fs, "/n/relay", ring).value();
  ring = TestRing({2});
  credential = NoticeCredential::Open(fs, "/n/relay", ring).value();
  EXPECT_EQ(credential->Get().view(), "the password");
  ASSERT_TRUE(credential->Set(SecretBytes()));
  EXPECT_TRUE(NoticeCredential::Open(fs, "/n/relay", ring).value()->Get().empty());
}

}  // namespace
}  // namespace bulkhead
