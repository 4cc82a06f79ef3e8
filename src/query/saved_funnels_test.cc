#include "query/saved_funnels.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace bulkhead {
namespace {

constexpr std::string_view kFunnel =
    R"({"steps":[{"event":"a"},{"event":"b"}],"window":{"value":1,"unit":"hour"}})";

TEST(SavedFunnels, OutliveTheProcess) {
  std::string pattern = testing::TempDir() + "bulkhead-funnels-XXXXXX";
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  const std::string path = pattern + "/1.json";
  {
    const auto saved = SavedFunnels::Open(&RealFileSystem(), path);
    ASSERT_TRUE(saved);
    EXPECT_EQ(*(*saved)->Add("Sign-up \"A\"", kFunnel), 1U);
    EXPECT_EQ(*(*saved)->Add("second", kFunnel), 2U);
    EXPECT_TRUE((*saved)->Remove(2));
    EXPECT_FALSE((*saved)->Remove(2));
    EXPECT_EQ((*saved)->Add("bad", R"({"steps":[]})").error().message,
              "steps: at least one expected");
    EXPECT_FALSE((*saved)->Add("", kFunnel));
    const std::string steps = R"({"steps":[{"event":"a"},{"event":"b"}],)";
    EXPECT_EQ((*saved)->Add("any order", steps + R"("order":"any"})").error().message,
              "order: this version answers loose only");
    EXPECT_EQ((*saved)
                  ->Add("sessions", steps + R"("window":{"value":1,"unit":"session"}})")
                  .error()
                  .message,
              "window.unit: this version answers no windows of sessions");
  }
  const auto again = SavedFunnels::Open(&RealFileSystem(), path);
  ASSERT_TRUE(again);
  ASSERT_EQ((*again)->List().size(), 1U);
  EXPECT_EQ((*again)->List()[0].name, "Sign-up \"A\"");
  EXPECT_EQ((*again)->Find(1)->window_ms, 3'600'000);
  EXPECT_FALSE((*again)->Find(2));
  EXPECT_EQ(*(*again)->Add("third", kFunnel), 3U);  // an id is never used twice
  std::ofstream(path) << "{}";
  EXPECT_EQ(SavedFunnels::Open(&RealFileSystem(), path).error().code, ErrorCode::kCorruption);
  std::filesystem::remove_all(pattern);
}

}  // namespace
}  // namespace bulkhead
