#include "egress/canary_sights.h"

#include <gtest/gtest.h>

#include "base/faulty_file_system.h"

namespace bulkhead {
namespace {

CanarySights Seen(const std::string& vendor, uint32_t epoch) {
  CanarySights sights;
  sights.vendor = vendor;
  sights.epoch = epoch;
  sights.seen = 3;
  sights.last_ms = 1'764'115'200'000;
  sights.told_by = "root";
  sights.first_via = CanaryVia::kSignIn;
  sights.unrecorded = {1, 2};
  sights.to_open = true;
  sights.incident = "2025-11-26-1";
  return sights;
}

KeyRing Ring(std::initializer_list<uint32_t> numbers) {
  KeyRing ring;
  for (const uint32_t number : numbers) {
    ring.Add(number, SecretBytes(std::string(kKeyBytes, static_cast<char>('a' + number))));
  }
  return ring;
}

TEST(CanarySightsTest, AreReadAsTheyWereWrittenAndNotOtherwise) {
  const std::vector<CanarySights> all = {Seen("acme", 1), Seen("zenith", 7)};
  const std::string bytes = EncodeCanarySights(all);
  EXPECT_EQ(*DecodeCanarySights(bytes), all);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeCanarySights(bytes.substr(0, size))) << size;
  }
  EXPECT_FALSE(DecodeCanarySights(bytes + "x"));
  std::vector<CanarySights> unknown = all;
  unknown[0].first_via = static_cast<CanaryVia>(2);
  EXPECT_FALSE(DecodeCanarySights(EncodeCanarySights(unknown)));
}

TEST(CanarySightsTest, OutliveARestartAndAChangeOfKeys) {
  FaultyFileSystem fs;
  ASSERT_TRUE(fs.CreateDirs("dir"));
  const KeyRing old = Ring({1}), both = Ring({1, 2}), fresh = Ring({2});
  Result<CanarySightsFile> file = CanarySightsFile::Open(fs, "dir", old);
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->opened().empty());
  ASSERT_TRUE(file->Write({Seen("acme", 1)}));
  EXPECT_EQ(fs.ReadWhole("dir/canary_sights")->find("acme"), std::string::npos);
  EXPECT_EQ(CanarySightsFile::Open(fs, "dir", fresh).error().code, ErrorCode::kUnavailable);
  ASSERT_TRUE(CanarySightsFile::Open(fs, "dir", both));
  const Result<CanarySightsFile> again = CanarySightsFile::Open(fs, "dir", fresh);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->opened(), std::vector<CanarySights>{Seen("acme", 1)});
}

TEST(CanarySightsTest, ADamagedFileIsNotTakenForNone) {
  FaultyFileSystem fs;
  ASSERT_TRUE(fs.CreateDirs("dir"));
  const KeyRing keys = Ring({1});
  ASSERT_TRUE(CanarySightsFile::Open(fs, "dir", keys)->Write({Seen("acme", 1)}));
  std::string bytes = *fs.ReadWhole("dir/canary_sights");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  ASSERT_TRUE(fs.WriteFileAtomically("dir/canary_sights", bytes));
  EXPECT_EQ(CanarySightsFile::Open(fs, "dir", keys).error().code, ErrorCode::kCorruption);
}

}  // namespace
}  // namespace bulkhead
