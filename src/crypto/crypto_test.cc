#include "crypto/crypto.h"

#include <gtest/gtest.h>

#include <ctime>
#include <thread>
#include <vector>

#include "base/hex.h"
#include "crypto/sha256_stream.h"

namespace bulkhead {
namespace {

std::string FromHex(std::string_view hex) { return HexDecode(hex).value(); }

std::string Hmac(std::string_view key, std::string_view text) {
  uint8_t digest[32];
  KeyedHash(SecretBytes(key)).Digest256(text, digest);
  return HexEncode(digest);
}

TEST(KeyedHashTest, EqualsHmacSha256) {
  // RFC 4231 case 1 has a key of 20 bytes; a key is padded with zeros to the block, so 32 bytes of
  // it are the same key.
  EXPECT_EQ(Hmac(std::string(20, '\x0b') + std::string(12, '\0'), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(Hmac("Jefe" + std::string(28, '\0'), "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(KeyedHashTest, ShorterDigestsAreThePrefix) {
  const KeyedHash hash(RandomSecret(32));
  for (const size_t size : {0U, 1U, 31U, 55U, 56U, 63U, 64U, 65U, 1000U}) {
    const std::string text(size, 'a');
    uint8_t whole[32];
    uint8_t half[16];
    hash.Digest256(text, whole);
    hash.Digest128(text, half);
    EXPECT_EQ(0, memcmp(whole, half, 16));
    uint64_t first = 0;
    memcpy(&first, whole, 8);
    EXPECT_EQ(first, hash.Digest64(text));
  }
}

TEST(KeyedHashTest, SameFromManyThreads) {
  const KeyedHash hash(RandomSecret(32));
  const uint64_t expected = hash.Digest64("user-1");
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        wrong += hash.Digest64("user-1") == expected ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, 0);
}

double ThreadCpuNs() {
  timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) * 1e9 + static_cast<double>(spent.tv_nsec);
}

// Prints the figure that intake's budget rests on; the bound is loose, for slow machines and
// sanitizers.
TEST(KeyedHashTest, IsFast) {
  const KeyedHash hash(RandomSecret(32));
  std::string id = "user-0000000000000000000000000000000";
  uint8_t digest[16];
  constexpr int kRounds = 200'000;
  const double start = ThreadCpuNs();
  for (int i = 0; i < kRounds; ++i) {
    id[5] = static_cast<char>(i);
    hash.Digest128(id, digest);
  }
  const double each_ns = (ThreadCpuNs() - start) / kRounds;
  printf("Digest128 of %zu bytes: %.0f ns\n", id.size(), each_ns);
  EXPECT_LT(each_ns, 20'000);
}

TEST(DeriveKeyTest, EqualsRfc5869) {
  // Test case 3: no salt, no info.
  EXPECT_EQ(HexEncode(DeriveKey(SecretBytes(std::string(22, '\x0b')), "").bytes()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
  const SecretBytes key = RandomSecret(32);
  EXPECT_NE(DeriveKey(key, "a").view(), DeriveKey(key, "b").view());
}

TEST(Sha256Test, PiecesGiveTheSame) {
  const std::string text(1000, 'x');
  for (const size_t piece : {1U, 63U, 64U, 65U, 1000U}) {
    Sha256Stream stream;
    for (size_t at = 0; at < text.size(); at += piece) {
      stream.Add(std::string_view(text).substr(at, piece));
      static_cast<void>(stream.Digest());
    }
    EXPECT_EQ(stream.Digest(), Sha256(text)) << piece;
  }
  EXPECT_EQ(Sha256Stream().Digest(), Sha256(""));
}

TEST(Sha256Test, KnownDigest) {
  EXPECT_EQ(HexEncode(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(SecretBytesTest, MovesAndEmpties) {
  SecretBytes a(std::string_view("secret"));
  SecretBytes b(std::move(a));
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): what this test is about
  EXPECT_EQ(b.view(), "secret");
  SecretBytes c(std::string_view("other"));
  c = std::move(b);
  EXPECT_EQ(c.view(), "secret");
  EXPECT_TRUE(SecretBytes(0).empty());
}

TEST(SecretBytesTest, ReusedMemoryIsEmpty) {
  for (const size_t size : {1U, 32U, 256U, 257U, 100'000U}) {
    std::vector<SecretBytes> many;
    for (int i = 0; i < 300; ++i) {
      many.emplace_back(std::string(size, 's'));
    }
    many.clear();
    for (int i = 0; i < 300; ++i) {
      many.emplace_back(size);
      EXPECT_EQ(many.back().view(), std::string(size, '\0'));
    }
  }
}

TEST(WipeTest, LeavesNothingInTheBuffer) {
  std::string text = "a secret that is longer than a small string";
  const char* where = text.data();
  const size_t size = text.size();
  Wipe(&text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(std::string(where, size), std::string(size, '\0'));
}

TEST(SealTest, OpensOnlyWithTheRightKeyAndUnchanged) {
  const SealKeyPair vault = GenerateSealKeyPair();
  const SealKeyPair other = GenerateSealKeyPair();
  for (const size_t size : {0U, 1U, 100U, 100'000U}) {
    const std::string text(size, 'x');
    std::string sealed = Seal(vault.public_key, text);
    EXPECT_EQ(sealed.size(), size + kSealOverheadBytes);
    const Result<SecretBytes> opened = Unseal(vault.public_key, vault.private_key, sealed);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->view(), text);
    EXPECT_FALSE(Unseal(other.public_key, other.private_key, sealed));
    EXPECT_FALSE(Unseal(vault.public_key, vault.private_key, sealed.substr(0, sealed.size() - 1)));
    EXPECT_FALSE(Unseal(vault.public_key, vault.private_key, sealed + "x"));
    sealed[sealed.size() / 2] = static_cast<char>(sealed[sealed.size() / 2] ^ 1);
    EXPECT_FALSE(Unseal(vault.public_key, vault.private_key, sealed));
  }
  EXPECT_FALSE(Unseal(vault.public_key, vault.private_key, ""));
  EXPECT_FALSE(Unseal(vault.public_key, vault.private_key, std::string(47, 'x')));
}

TEST(AeadTest, EveryChangedBitIsSeen) {
  const SecretBytes key = RandomSecret(32);
  const std::string box = AeadEncrypt(key, "jane@example.com", "1|pid|$email");
  EXPECT_EQ(box.size(), 16 + kAeadOverheadBytes);
  EXPECT_EQ(AeadDecrypt(key, box, "1|pid|$email")->view(), "jane@example.com");
  for (size_t bit = 0; bit < box.size() * 8; ++bit) {
    std::string changed = box;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(AeadDecrypt(key, changed, "1|pid|$email"));
  }
  for (size_t size = 0; size < box.size(); ++size) {
    EXPECT_FALSE(AeadDecrypt(key, std::string_view(box).substr(0, size), "1|pid|$email"));
  }
  EXPECT_FALSE(AeadDecrypt(key, box, "1|pid|$phone"));
  EXPECT_FALSE(AeadDecrypt(RandomSecret(32), box, "1|pid|$email"));
}

TEST(AeadTest, NoNonceTwice) {
  const SecretBytes key = RandomSecret(32);
  EXPECT_NE(AeadEncrypt(key, "same", ""), AeadEncrypt(key, "same", ""));
  EXPECT_EQ(AeadDecrypt(key, AeadEncrypt(key, "", ""), "")->size(), 0U);
}

// draft-irtf-cfrg-xchacha, A.3.1: a box that another implementation made opens.
TEST(AeadTest, OpensThePublishedVector) {
  const SecretBytes key(
      FromHex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"));
  const std::string box = FromHex(
      "404142434445464748494a4b4c4d4e4f5051525354555657"
      "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda"
      "7e39"
      "ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3"
      "fff9"
      "21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49");
  const Result<SecretBytes> opened = AeadDecrypt(key, box, FromHex("50515253c0c1c2c3c4c5c6c7"));
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->view().starts_with("Ladies and Gentlemen of the class of '99"));
}

TEST(PasswordTest, VerifiesOnlyItself) {
  const Result<std::string> hash = HashPassword("correct");
  ASSERT_TRUE(hash);
  EXPECT_TRUE(hash->starts_with("$argon2id$"));
  EXPECT_TRUE(VerifyPassword(*hash, "correct"));
  EXPECT_FALSE(VerifyPassword(*hash, "wrong"));
  EXPECT_FALSE(VerifyPassword("", "correct"));
  EXPECT_FALSE(VerifyPassword(std::string(500, '$'), "correct"));
}

TEST(RandomTest, HexIsLongAndDiffers) {
  EXPECT_EQ(RandomHex(16).size(), 32U);
  EXPECT_NE(RandomHex(16), RandomHex(16));
}

TEST(ConstantTimeEqualTest, Compares) {
  EXPECT_TRUE(ConstantTimeEqual("", ""));
  EXPECT_TRUE(ConstantTimeEqual("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abcd"));
}

}  // namespace
}  // namespace bulkhead
