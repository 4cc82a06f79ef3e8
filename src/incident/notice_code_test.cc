#include "incident/notice_code.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

namespace bulkhead {
namespace {

constexpr std::string_view kLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

SecretBytes Key(char fill) { return SecretBytes(std::string_view(std::string(32, fill))); }

TEST(NoticeCodeTest, IsTheSameForTheSameAndAnotherForOthers) {
  InitCrypto();
  const NoticeCodes codes(Key('k'));
  const std::string code = codes.Of("inc-1", "one@example.com");
  ASSERT_EQ(code.size(), 19U);
  EXPECT_EQ(code, codes.Of("inc-1", "one@example.com"));
  std::set<std::string> all = {
      code, codes.Of("inc-2", "one@example.com"), codes.Of("inc-1", "two@example.com"),
      codes.Of("inc-1\none@example.com", ""), NoticeCodes(Key('l')).Of("inc-1", "one@example.com")};
  EXPECT_EQ(all.size(), 5U);
  EXPECT_TRUE(codes.Verify(code, "inc-1", "one@example.com"));
  EXPECT_FALSE(codes.Verify(code, "inc-1", "two@example.com"));
  EXPECT_FALSE(codes.Verify(code, "inc-2", "one@example.com"));
  EXPECT_FALSE(NoticeCodes(Key('l')).Verify(code, "inc-1", "one@example.com"));
}

TEST(NoticeCodeTest, TakesWhatPeopleType) {
  const NoticeCodes codes(Key('k'));
  for (int i = 0; i < 200; ++i) {
    const std::string address = std::to_string(i) + "@example.com";
    std::string typed = codes.Of("inc-1", address);
    std::erase(typed, '-');
    typed.insert(7, "  ");
    for (char& c : typed) {
      c = c == '0' ? 'o' : c == '1' ? (i % 2 == 0 ? 'l' : 'I') : static_cast<char>(tolower(c));
    }
    EXPECT_TRUE(codes.Verify(typed, "inc-1", address)) << typed;
    EXPECT_TRUE(HasGoodChecksum(typed));
  }
  for (const char* wrong : {"", "ABCD", "ABCD-EFGH-JKMN-PQRU", "ABCD-EFGH-JKMN-PQRS-T",
                            "----------------", "ABCD-EFGH-JKMN-PQR\xC3\x9F"}) {
    EXPECT_FALSE(codes.Verify(wrong, "inc-1", "1@example.com")) << wrong;
    EXPECT_FALSE(HasGoodChecksum(wrong)) << wrong;
  }
}

TEST(NoticeCodeTest, ChecksumFindsEveryWrongCharacterAndEveryExchange) {
  const std::string code =
      NormaliseNoticeCode(NoticeCodes(Key('k')).Of("inc-1", "one@example.com")).value();
  ASSERT_TRUE(HasGoodChecksum(code));
  for (size_t i = 0; i < code.size(); ++i) {
    if (code[i] == '-') continue;
    for (const char c : kLetters) {
      std::string wrong = code;
      wrong[i] = c;
      EXPECT_EQ(HasGoodChecksum(wrong), c == code[i]);
    }
    for (size_t j = i + 1; j < code.size(); ++j) {
      if (code[j] == '-' || code[i] == code[j]) continue;
      std::string wrong = code;
      std::swap(wrong[i], wrong[j]);
      EXPECT_FALSE(HasGoodChecksum(wrong)) << wrong;
    }
  }
}

TEST(NoticeCodeTest, UsesEveryLetterAlike) {
  const NoticeCodes codes(Key('k'));
  std::array<int, 256> seen{};
  for (int i = 0; i < 2000; ++i) {
    for (const char c : codes.Of("inc-1", std::to_string(i))) ++seen[static_cast<uint8_t>(c)];
  }
  for (const char c : kLetters) {  // 1000 of each expected
    EXPECT_GT(seen[static_cast<uint8_t>(c)], 850) << c;
    EXPECT_LT(seen[static_cast<uint8_t>(c)], 1150) << c;
  }
}

}  // namespace
}  // namespace bulkhead
