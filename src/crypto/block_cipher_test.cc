#include "crypto/block_cipher.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "crypto/sealed_file.h"

namespace bulkhead {
namespace {

constexpr SealedKind kKind{{"TESTFIL\1", 8}, "project 1"};

SecretBytes TestKey(char fill) { return SecretBytes(std::string(kKeyBytes, fill)); }

std::string Hex(std::string_view bytes) {
  return HexEncode({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

std::span<uint8_t> Room(std::string* text) {
  return {reinterpret_cast<uint8_t*>(text->data()), text->size()};
}

class BlockCipherTest : public testing::TestWithParam<BlockAlgorithm> {};

TEST_P(BlockCipherTest, OpensWhatItWroteAndNothingElse) {
  const BlockCipher cipher(GetParam(), TestKey('k'));
  const std::string plain = "a block of a segment";
  std::string box = "before";
  cipher.Encrypt(7, plain, "label", &box);
  ASSERT_EQ(box.size(), 6 + plain.size() + kBlockTagBytes);
  box = box.substr(6);
  EXPECT_EQ(box.find("segment"), std::string::npos);
  std::string opened(plain.size(), 'x');
  ASSERT_TRUE(cipher.Decrypt(7, box, "label", Room(&opened)));
  EXPECT_EQ(opened, plain);
  EXPECT_EQ(cipher.Decrypt(8, box, "label", Room(&opened)).error().code, ErrorCode::kCorruption);
  EXPECT_EQ(opened, std::string(plain.size(), '\0'));
  EXPECT_FALSE(cipher.Decrypt(7, box, "lapel", Room(&opened)));
  EXPECT_FALSE(BlockCipher(GetParam(), TestKey('l')).Decrypt(7, box, "label", Room(&opened)));
  for (size_t bit = 0; bit < box.size() * 8; ++bit) {
    std::string changed = box;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(cipher.Decrypt(7, changed, "label", Room(&opened))) << bit;
  }
  EXPECT_FALSE(cipher.Decrypt(7, box.substr(0, 5), "label", {}));
}

TEST_P(BlockCipherTest, EmptyAndLargeBlocks) {
  const BlockCipher cipher(GetParam(), TestKey('k'));
  for (const size_t size : {size_t{0}, size_t{1}, size_t{16}, size_t{100'000}, size_t{5'000'000}}) {
    const std::string plain(size, 'p');
    std::string box;
    cipher.Encrypt(size, plain, "", &box);
    std::string opened(size, 'x');
    ASSERT_TRUE(cipher.Decrypt(size, box, "", Room(&opened)));
    EXPECT_EQ(opened, plain);
  }
}

INSTANTIATE_TEST_SUITE_P(Algorithms, BlockCipherTest,
                         testing::Values(BlockAlgorithm::kAes256Gcm,
                                         BlockAlgorithm::kChaCha20Poly1305));

// NIST's GCM test case 13 (empty, all zeros) and RFC 8439's shape: standard algorithms, not ones of
// ours.
TEST(BlockCipher, KnownAnswers) {
  std::string box;
  BlockCipher(BlockAlgorithm::kAes256Gcm, TestKey('\0')).Encrypt(0, "", "", &box);
  EXPECT_EQ(Hex(box), "530f8afbc74536b9a963b4f1c4cb738b");
  box.clear();
  BlockCipher(BlockAlgorithm::kAes256Gcm, TestKey('\0'))
      .Encrypt(0, std::string(16, '\0'), "", &box);
  EXPECT_EQ(Hex(box), "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
  box.clear();
  BlockCipher(BlockAlgorithm::kChaCha20Poly1305, TestKey('\0')).Encrypt(0, "", "", &box);
  EXPECT_EQ(Hex(box), "4eb972c9a8fb3a1b382bb4d36f5ffad1");
}

TEST(BlockCipher, AlgorithmsHaveFixedNumbers) {
  EXPECT_EQ(*BlockAlgorithmOf(1), BlockAlgorithm::kAes256Gcm);
  EXPECT_EQ(*BlockAlgorithmOf(2), BlockAlgorithm::kChaCha20Poly1305);
  EXPECT_FALSE(BlockAlgorithmOf(0));
  EXPECT_FALSE(BlockAlgorithmOf(3));
}

TEST(SealedFile, NeedsItsRingItsKindAndEveryByte) {
  KeyRing ring(TestKey('a'));
  const SecretBytes secrets(std::string("secret key bytes"));
  const std::string file = EncryptFile(ring, kKind, secrets, "the body");
  const auto opened = DecryptFile(ring, kKind, file);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->ring_key, 1U);
  EXPECT_EQ(opened->secrets.view(), secrets.view());
  EXPECT_EQ(opened->body, "the body");
  for (size_t bit = 0; bit < file.size() * 8; ++bit) {
    std::string changed = file;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(DecryptFile(ring, kKind, changed)) << bit;
  }
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(DecryptFile(ring, kKind, file.substr(0, size))) << size;
  }
  EXPECT_FALSE(DecryptFile(ring, kKind, file + "x"));
  EXPECT_FALSE(DecryptFile(ring, {{"TESTFIL\2", 8}, "project 1"}, file));
  EXPECT_FALSE(DecryptFile(ring, {kKind.magic, "project 2"}, file));
  EXPECT_EQ(DecryptFile(KeyRing(TestKey('b')), kKind, file).error().code, ErrorCode::kCorruption);
}

TEST(SealedFile, NamesTheKeyThatItNeeds) {
  KeyRing ring(TestKey('a'));
  const std::string old = EncryptFile(ring, kKind, SecretBytes(), "old");
  ring.Add(5, TestKey('b'));
  const std::string file = EncryptFile(ring, kKind, SecretBytes(), "new");
  EXPECT_EQ(DecryptFile(ring, kKind, old)->body, "old");
  EXPECT_EQ(DecryptFile(ring, kKind, file)->ring_key, 5U);
  EXPECT_EQ(DecryptFile(KeyRing(TestKey('a')), kKind, file).error().code, ErrorCode::kDenied);
  EXPECT_NE(EncryptFile(ring, kKind, SecretBytes(), "new"), file);  // a fresh key each time
}

}  // namespace
}  // namespace bulkhead
