#include "base/byte_codec.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/crc32c.h"
#include "base/hex.h"
#include "base/percent.h"

namespace bulkhead {
namespace {

TEST(ByteCodec, WhatIsWrittenIsRead) {
  std::string bytes;
  ByteWriter writer(&bytes);
  const std::vector<uint64_t> numbers{0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};
  for (const uint64_t number : numbers) {
    writer.Varint(number);
    writer.SignedVarint(static_cast<int64_t>(number));
    writer.SignedVarint(-static_cast<int64_t>(number / 2));
  }
  writer.Fixed(uint32_t{0x01020304});
  writer.Fixed(-1.5);
  writer.String("text");
  ByteReader reader(bytes);
  for (const uint64_t number : numbers) {
    EXPECT_EQ(reader.Varint(), number);
    EXPECT_EQ(reader.SignedVarint(), static_cast<int64_t>(number));
    EXPECT_EQ(reader.SignedVarint(), -static_cast<int64_t>(number / 2));
  }
  EXPECT_EQ(reader.Fixed<uint32_t>(), 0x01020304U);
  EXPECT_EQ(reader.Fixed<double>(), -1.5);
  EXPECT_EQ(reader.String(), "text");
  EXPECT_TRUE(reader.ok() && reader.AtEnd());
}

TEST(ByteCodec, OverrunsAndOverlongVarintsFailForGood) {
  using namespace std::literals;
  for (const std::string_view bad :
       {""sv, "\x80"sv, "\x80\x00"sv, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02"sv}) {
    ByteReader reader(bad);
    EXPECT_EQ(reader.Varint(), 0U);
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.Fixed<uint64_t>(), 0U);
  }
  ByteReader string(
      "\x05"
      "abc"sv);
  EXPECT_EQ(string.String(), "");
  EXPECT_FALSE(string.ok());
  ByteReader count(
      "\x03"
      "ab"sv);
  EXPECT_EQ(count.Count(), 0U);
  EXPECT_FALSE(count.ok());
}

TEST(Crc32c, KnownValuesAndBothFormsAgree) {
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAU);
  std::string bytes;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Crc32c(bytes), Crc32cPortable(bytes));
    EXPECT_EQ(Crc32c(std::string_view(bytes).substr(bytes.size() / 3),
                     Crc32c(std::string_view(bytes).substr(0, bytes.size() / 3))),
              Crc32c(bytes));
    bytes.push_back(static_cast<char>(i * 37));
  }
}

TEST(Base64, EncodesAndDecodesStrictlyAndLeniently) {
  const std::vector<std::pair<std::string, std::string>> pairs{
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"\xFB\xFF\xFE", "+//+"}};
  for (const auto& [plain, text] : pairs) {
    EXPECT_EQ(Base64Encode(plain), text);
    EXPECT_EQ(Base64DecodeStrict(text), plain);
    EXPECT_EQ(Base64DecodeLenient(text), plain);
  }
  for (const char* lenient : {"-__-", " // ", "+//+\n"}) {
    EXPECT_EQ(Base64DecodeLenient(lenient), "\xFB\xFF\xFE");
    EXPECT_FALSE(Base64DecodeStrict(lenient));
  }
  EXPECT_EQ(Base64DecodeLenient("Zg"), "f");
  for (const char* bad : {"Z", "Zm9v!", "{\"a\":1}", "Zg==Zg"}) {
    EXPECT_FALSE(Base64DecodeLenient(bad)) << bad;
  }
  for (const char* bad : {"Zg", "Zh==", "Zg="}) {
    EXPECT_FALSE(Base64DecodeStrict(bad)) << bad;
  }
}

TEST(Texts, HexAndPercent) {
  const std::string bytes("\x00\xAF", 2);
  EXPECT_EQ(HexEncode({reinterpret_cast<const uint8_t*>(bytes.data()), 2}), "00af");
  EXPECT_EQ(HexDecode("00aF"), bytes);
  EXPECT_FALSE(HexDecode("0"));
  EXPECT_FALSE(HexDecode("0g"));
  EXPECT_EQ(PercentDecode("a%20b+c%2", true), "a b c%2");
  EXPECT_EQ(PercentDecode("a+b%zz%", false), "a+b%zz%");
  EXPECT_EQ(PercentEncode("a b/\xC3\xA9~"), "a%20b%2F%C3%A9~");
}

}  // namespace
}  // namespace bulkhead
