#include "crypto/rsa_key.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

TEST(RsaKeyTest, SignsWhatItsPublicKeyVerifies) {
  const RsaKey key = RsaKey::Generate().value();
  const std::string signature = key.Sign("a mail").value();
  const std::string public_key = key.PublicKey().value();
  EXPECT_EQ(signature.size(), 256U);
  EXPECT_EQ(signature, key.Sign("a mail").value());
  EXPECT_TRUE(VerifyRsaSignature(public_key, "a mail", signature));
  EXPECT_FALSE(VerifyRsaSignature(public_key, "a maiL", signature));
  EXPECT_FALSE(VerifyRsaSignature(public_key, "a mail", signature.substr(1)));
  EXPECT_FALSE(VerifyRsaSignature("no key", "a mail", signature));
  EXPECT_FALSE(
      VerifyRsaSignature(RsaKey::Generate().value().PublicKey().value(), "a mail", signature));
}

TEST(RsaKeyTest, IsTheSameAfterItsPem) {
  const RsaKey key = RsaKey::Generate().value();
  const SecretBytes pem = key.ToPem().value();
  EXPECT_TRUE(pem.view().starts_with("-----BEGIN PRIVATE KEY-----\n"));
  const RsaKey again = RsaKey::FromPem(pem).value();
  EXPECT_EQ(again.PublicKey().value(), key.PublicKey().value());
  EXPECT_EQ(again.Sign("x").value(), key.Sign("x").value());
}

TEST(RsaKeyTest, HasOneSizeWhateverItsNumbers) {
  for (int i = 0; i < 3; ++i) {
    const RsaKey key = RsaKey::Generate().value();
    const SecretBytes padded = key.ToPadded().value();
    EXPECT_EQ(padded.size(), RsaKey::kPaddedBytes);
    const RsaKey again = RsaKey::FromPadded(padded).value();
    EXPECT_EQ(again.PublicKey().value(), key.PublicKey().value());
    EXPECT_EQ(again.Sign("a mail").value(), key.Sign("a mail").value());
  }
  SecretBytes wrong = RsaKey::Generate().value().ToPadded().value();
  wrong.data()[wrong.size() - 1] = 1;
  EXPECT_FALSE(RsaKey::FromPadded(wrong)) << "bytes behind the key";
  EXPECT_FALSE(RsaKey::FromPadded(SecretBytes(wrong.view().substr(1))));
  EXPECT_FALSE(RsaKey::FromPadded(SecretBytes(RsaKey::kPaddedBytes)));
  EXPECT_FALSE(RsaKey::FromPadded(RandomSecret(RsaKey::kPaddedBytes)));
  EXPECT_FALSE(RsaKey::Generate(4096).value().ToPadded());
}

TEST(RsaKeyTest, RefusesOtherKeys) {
  const std::string good(RsaKey::Generate().value().ToPem().value().view());
  for (const std::string& wrong :
       {std::string(), std::string("-----BEGIN PRIVATE KEY-----\n"), good.substr(0, 500),
        // Ed25519
        std::string("-----BEGIN PRIVATE KEY-----\n"
                    "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                    "-----END PRIVATE KEY-----\n")}) {
    const auto key = RsaKey::FromPem(SecretBytes(std::string_view(wrong)));
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace bulkhead
