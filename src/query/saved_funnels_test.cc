#include "query/saved_funnels.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "store/test_keys.h"

namespace bulkhead {
namespace {

constexpr std::string_view kFunnel =
    R"({"steps":[{"event":"a"},{"event":"b"}],"window":{"value":1,"unit":"hour"}})";

SavedFunnels::Options At(const std::string& path, const KeyRing& keys = TestStoreKeys()) {
  return {.fs = &RealFileSystem(), .path = path, .keys = &keys, .owner = "1"};
}

std::string BytesOf(const std::string& path) { return *RealFileSystem().ReadWhole(path); }

class SavedFunnelsFile : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(mkdtemp(dir_.data()), nullptr); }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  [[nodiscard]] std::string Path() const { return dir_ + "/1.json"; }

 private:
  std::string dir_ = testing::TempDir() + "bulkhead-funnels-XXXXXX";
};

TEST_F(SavedFunnelsFile, TellsNothingWithoutTheKey) {
  ASSERT_TRUE((*SavedFunnels::Open(At(Path())))->Add("needle name", kFunnel));
  const std::string file = BytesOf(Path());
  EXPECT_EQ(file.find("needle"), std::string::npos);
  EXPECT_EQ(file.find("steps"), std::string::npos);
  const KeyRing other(SecretBytes(std::string(kKeyBytes, 'o')));
  EXPECT_EQ(SavedFunnels::Open(At(Path(), other)).error().code, ErrorCode::kCorruption);
  SavedFunnels::Options of_other_project = At(Path());
  of_other_project.owner = "2";
  EXPECT_FALSE(SavedFunnels::Open(of_other_project));
  for (size_t at = 0; at < file.size(); ++at) {
    std::string changed = file;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    std::ofstream(Path(), std::ios::binary) << changed;
    EXPECT_FALSE(SavedFunnels::Open(At(Path()))) << at;
  }
}

TEST_F(SavedFunnelsFile, FollowTheRing) {
  KeyRing ring(SecretBytes(std::string(kKeyBytes, 'a')));
  ring.Add(2, SecretBytes(std::string(kKeyBytes, 'b')));
  KeyRing newest;
  newest.Add(2, SecretBytes(std::string(kKeyBytes, 'b')));
  const KeyRing oldest(SecretBytes(std::string(kKeyBytes, 'a')));
  {
    const auto saved = SavedFunnels::Open(At(Path(), oldest));
    ASSERT_TRUE((*saved)->Add("kept", kFunnel));
    EXPECT_EQ(SavedFunnels::Open(At(Path(), newest)).error().code, ErrorCode::kDenied);
    ASSERT_TRUE((*saved)->RewrapAll(ring));
    const std::string file = BytesOf(Path());
    ASSERT_TRUE((*saved)->RewrapAll(ring));
    EXPECT_EQ(BytesOf(Path()), file);  // nothing to do
  }
  const auto again = SavedFunnels::Open(At(Path(), newest));
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->List()[0].name, "kept");
}

TEST_F(SavedFunnelsFile, PlainOnesAreReadAndReplaced) {
  std::ofstream(Path())
      << R"({"version":1,"next_id":4,"funnels":[{"id":3,"name":"old","definition":)" << kFunnel
      << "}]}";
  SavedFunnels::Options strict = At(Path());
  strict.accept_plain = false;
  EXPECT_FALSE(SavedFunnels::Open(strict));
  {
    const auto saved = SavedFunnels::Open(At(Path()));
    ASSERT_TRUE(saved);
    ASSERT_TRUE((*saved)->RewrapAll(TestStoreKeys()));
  }
  EXPECT_EQ(BytesOf(Path()).find("old"), std::string::npos);
  EXPECT_EQ((*SavedFunnels::Open(strict))->List()[0].name, "old");
}

TEST(SavedFunnels, OutliveTheProcess) {
  std::string pattern = testing::TempDir() + "bulkhead-funnels-XXXXXX";
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  const std::string path = pattern + "/1.json";
  {
    const auto saved = SavedFunnels::Open(At(path));
    ASSERT_TRUE(saved);
    EXPECT_EQ(*(*saved)->Add("Sign-up \"A\"", kFunnel), 1U);
    EXPECT_EQ(*(*saved)->Add("second", kFunnel), 2U);
    EXPECT_TRUE((*saved)->Remove(2));
    EXPECT_FALSE((*saved)->Remove(2));
    EXPECT_EQ((*saved)->Add("bad", R"({"steps":[]})").error().message,
              "steps: at least one expected");
    EXPECT_FALSE((*saved)->Add("", kFunnel));
    const std::string steps = R"({"steps":[{"event":"a"},{"event":"b"}],)";
    EXPECT_EQ((*saved)
                  ->Add("any order", steps + R"("order":"any","exclude":[{"event":"x"}]})")
                  .error()
                  .message,
              "exclude: with loose order only");
    EXPECT_EQ((*saved)
                  ->Add("sessions", steps + R"("count":"sessions",)"
                                            R"("window":{"value":1,"unit":"session"}})")
                  .error()
                  .message,
              "window.unit: a funnel counted by sessions lies in one session");
  }
  const auto again = SavedFunnels::Open(At(path));
  ASSERT_TRUE(again);
  ASSERT_EQ((*again)->List().size(), 1U);
  EXPECT_EQ((*again)->List()[0].name, "Sign-up \"A\"");
  EXPECT_EQ((*again)->Find(1)->window_ms, 3'600'000);
  EXPECT_FALSE((*again)->Find(2));
  EXPECT_EQ(*(*again)->Add("third", kFunnel), 3U);  // an id is never used twice
  std::ofstream(path) << "{}";
  EXPECT_EQ(SavedFunnels::Open(At(path)).error().code, ErrorCode::kCorruption);
  std::filesystem::remove_all(pattern);
}

}  // namespace
}  // namespace bulkhead
