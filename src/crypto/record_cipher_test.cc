#include "crypto/record_cipher.h"

#include <gtest/gtest.h>
#include <sodium.h>

namespace bulkhead {
namespace {

std::string Encrypted(const SecretBytes& key, uint64_t number, std::string_view plaintext,
                      std::string_view associated) {
  std::string box(plaintext.size() + RecordCipher::kOverheadBytes, '\0');
  RecordCipher(key).Encrypt(number, plaintext, associated, box.data());
  return box;
}

// Against another implementation of RFC 8439.
TEST(RecordCipherTest, IsLibsodiumsIetfCipher) {
  const SecretBytes key = RandomSecret(kKeyBytes);
  for (const size_t size : {0UL, 1UL, 63UL, 64UL, 65UL, 1000UL, 100'000UL}) {
    for (const uint64_t number : {uint64_t{0}, uint64_t{0x0102030405060708}, ~uint64_t{0}}) {
      const std::string plaintext(size, 'p');
      const std::string associated(size % 50, 'a');
      uint8_t nonce[12] = {};
      for (int i = 0; i < 8; ++i) nonce[4 + i] = static_cast<uint8_t>(number >> (8 * i));
      std::string expected(size + 16, '\0');
      crypto_aead_chacha20poly1305_ietf_encrypt(
          reinterpret_cast<uint8_t*>(expected.data()), nullptr,
          reinterpret_cast<const uint8_t*>(plaintext.data()), size,
          reinterpret_cast<const uint8_t*>(associated.data()), associated.size(), nullptr, nonce,
          key.data());
      const std::string box = Encrypted(key, number, plaintext, associated);
      EXPECT_EQ(box, expected);
      std::string opened(size, '\0');
      EXPECT_TRUE(RecordCipher(key).Decrypt(number, box, associated, opened.data()));
      EXPECT_EQ(opened, plaintext);
    }
  }
}

TEST(RecordCipherTest, OneObjectTakesManyMessagesBothWays) {
  RecordCipher cipher(RandomSecret(kKeyBytes));
  for (uint64_t number = 1; number < 50; ++number) {
    const std::string text = "message " + std::to_string(number);
    std::string box(text.size() + RecordCipher::kOverheadBytes, '\0');
    cipher.Encrypt(number, text, "a", box.data());
    std::string opened(text.size(), '\0');
    EXPECT_FALSE(cipher.Decrypt(number + 1, box, "a", opened.data()));
    EXPECT_TRUE(cipher.Decrypt(number, box, "a", opened.data()));
    EXPECT_EQ(opened, text);
  }
}

TEST(RecordCipherTest, RefusesEveryChange) {
  const SecretBytes key = RandomSecret(kKeyBytes);
  const std::string box = Encrypted(key, 7, "plaintext", "associated");
  std::string out(box.size(), '\0');
  RecordCipher cipher(key);
  EXPECT_TRUE(cipher.Decrypt(7, box, "associated", out.data()));
  for (size_t bit = 0; bit < box.size() * 8; ++bit) {
    std::string damaged = box;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(cipher.Decrypt(7, damaged, "associated", out.data()).error().code,
              ErrorCode::kCorruption);
  }
  for (size_t size = 0; size < box.size(); ++size) {
    EXPECT_FALSE(cipher.Decrypt(7, box.substr(0, size), "associated", out.data()));
  }
  EXPECT_FALSE(cipher.Decrypt(8, box, "associated", out.data()));
  EXPECT_FALSE(cipher.Decrypt(7, box, "Associated", out.data()));
  EXPECT_FALSE(RecordCipher(RandomSecret(kKeyBytes)).Decrypt(7, box, "associated", out.data()));
}

}  // namespace
}  // namespace bulkhead
