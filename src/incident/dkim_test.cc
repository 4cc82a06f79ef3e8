#include "incident/dkim.h"

#include "base/base64.h"
#include "incident/incident_fixture.h"

namespace bulkhead {
namespace {

TEST(DkimTest, CanonicalFormsAreTheStandards) {
  // RFC 6376, section 3.4.5.
  EXPECT_EQ(RelaxedHeader("A", " X"), "a:X");
  EXPECT_EQ(RelaxedHeader("B ", " Y\t\r\n\tZ  "), "b:Y Z");
  EXPECT_EQ(RelaxedBody(" C \r\nD \t E\r\n\r\n\r\n"), " C\r\nD E\r\n");
  EXPECT_EQ(RelaxedBody(""), "");
  EXPECT_EQ(RelaxedBody("\r\n \r\n\t\r\n"), "");
  EXPECT_EQ(RelaxedBody("a\r\n\r\nb"), "a\r\n\r\nb\r\n");
  EXPECT_EQ(RelaxedHeader("Subject", "  a \r\n  b\t c "), "subject:a b c");
}

MailMessage Mail() {
  return {{{"From", "a@example.com"}, {"To", "b@example.org"}, {"Subject", "s"}}, "body\r\n"};
}

TEST(DkimTest, SignsWhatTheFieldNames) {
  InitCrypto();
  const RsaKey rsa = RsaKey::Generate().value();
  const SigningKey ed25519(RandomSecret(32));
  const DkimSigner signer{"example.com", "r1", "e1", &rsa, &ed25519};
  const MailMessage mail = SignMail(signer, Mail(), 1'764'000'000).value();
  ASSERT_EQ(mail.headers.size(), 5U);
  for (const size_t i : {0U, 1U}) {
    const auto& [name, value] = mail.headers[i];
    EXPECT_EQ(name, "DKIM-Signature");
    EXPECT_NE(value.find("from:from:to:to:cc:subject:subject:date:"), std::string::npos) << value;
    EXPECT_NE(
        value.find("bh=" + Base64Encode(std::string(
                               reinterpret_cast<const char*>(Sha256("body\r\n").data()), 32))),
        std::string::npos);
    // The signature is over the headers as named and the field itself without it.
    const size_t at = value.rfind("b=") + 2;
    const std::string canonical = "from:a@example.com\r\nto:b@example.org\r\nsubject:s\r\n" +
                                  RelaxedHeader(name, value.substr(0, at));
    std::string base64 = value.substr(at);
    std::erase_if(base64, [](char c) { return c == '\r' || c == '\n' || c == '\t'; });
    const std::string signature = Base64DecodeStrict(base64).value();
    if (value.find("a=rsa-sha256") != std::string::npos) {
      EXPECT_TRUE(VerifyRsaSignature(rsa.PublicKey().value(), canonical, signature));
    } else {
      const auto digest = Sha256(canonical);
      EXPECT_TRUE(VerifySignature(ed25519.public_key(),
                                  {reinterpret_cast<const char*>(digest.data()), digest.size()},
                                  signature));
    }
  }
  EXPECT_TRUE(DkimRecord(rsa).value().starts_with("v=DKIM1; k=rsa; p=MIIB"));
  EXPECT_TRUE(DkimRecord(ed25519).starts_with("v=DKIM1; k=ed25519; p="));
}

TEST(DkimTest, RefusesWhatItCannotSign) {
  const SigningKey key(RandomSecret(32));
  const DkimSigner good{"example.com", "", "e1", nullptr, &key};
  EXPECT_TRUE(SignMail(good, Mail(), 1));
  for (const auto& [domain, selector] :
       {std::pair{"", "e1"}, std::pair{"example.com; x", "e1"}, std::pair{"example.com", ""},
        std::pair{"example..com", "e1"}}) {
    EXPECT_FALSE(SignMail({domain, "", selector, nullptr, &key}, Mail(), 1));
  }
  EXPECT_FALSE(SignMail({"example.com", "r1", "e1", nullptr, nullptr}, Mail(), 1));
  for (const auto& [name, value] :
       {std::pair{"From", "c@example.com"}, std::pair{"X", "a\nb"}, std::pair{"X", "a\r\nb"},
        std::pair{"X", "a\r\n"}, std::pair{"X:", "a"}, std::pair{"", "a"}}) {
    MailMessage mail = Mail();
    mail.headers.emplace_back(name, value);
    EXPECT_FALSE(SignMail(good, mail, 1)) << name << value;
  }
  MailMessage folded = Mail();
  folded.headers.emplace_back("X", "a\r\n b");
  EXPECT_TRUE(SignMail(good, folded, 1));
}

}  // namespace
}  // namespace bulkhead
