// The worked examples of RFC 8463, appendix A: one message, signed with Ed25519 and with RSA by
// others.
#include <gtest/gtest.h>

#include "base/base64.h"
#include "incident/dkim.h"

namespace bulkhead {
namespace {

constexpr std::string_view kBody =
    "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
constexpr std::string_view kBodyHash = "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=";

std::string Bytes(std::string_view base64) { return Base64DecodeStrict(base64).value(); }

std::string_view View(const std::array<uint8_t, 32>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// As "h=from : to : subject : date : message-id : from : subject : date" names them.
std::string SignedText(std::string_view field) {
  std::string text;
  for (const auto& [name, value] :
       {std::pair("From", " Joe SixPack <joe@football.example.com>"),
        std::pair("To", " Suzie Q <suzie@shopping.example.net>"),
        std::pair("Subject", " Is dinner ready?"),
        std::pair("Date", " Fri, 11 Jul 2003 21:00:37 -0700 (PDT)"),
        std::pair("Message-ID", " <20030712040037.46341.5F8J@football.example.com>")}) {
    text += RelaxedHeader(name, value) + "\r\n";
  }
  return text + RelaxedHeader("DKIM-Signature", field);
}

TEST(DkimVectorsTest, TheBodyHashIsTheStandards) {
  InitCrypto();
  EXPECT_EQ(Base64Encode(View(Sha256(RelaxedBody(kBody)))), kBodyHash);
}

TEST(DkimVectorsTest, Ed25519SignsAsInTheStandard) {
  InitCrypto();
  const SigningKey key(
      SecretBytes(std::string_view(Bytes("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="))));
  EXPECT_EQ(DkimRecord(key), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
  const std::string text = SignedText(
      " v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; "
      "i=@football.example.com;\r\n q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject "
      ": date : message-id : from : subject : date;\r\n "
      "bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=");
  const Signature signature = key.Sign(View(Sha256(text)));
  EXPECT_EQ(Base64Encode({reinterpret_cast<const char*>(signature.data()), signature.size()}),
            "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw"
            "==");
}

TEST(DkimVectorsTest, TheStandardsRsaSignatureVerifies) {
  InitCrypto();
  const std::string key = Bytes(
      "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/"
      "J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLz"
      "BfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB");
  const std::string signature = Bytes(
      "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9"
      "mPYQTnGdaSGsgeefOsk2JzdA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=");
  const std::string field =
      " v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d=football.example.com; "
      "i=@football.example.com;\r\n q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n "
      "date : message-id : from : subject : date;\r\n "
      "bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=";
  EXPECT_TRUE(VerifyRsaSignature(key, SignedText(field), signature));
  EXPECT_FALSE(VerifyRsaSignature(key, SignedText(field + "x"), signature));
}

}  // namespace
}  // namespace bulkhead
