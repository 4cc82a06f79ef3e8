#include "main/disk_guard.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

namespace bulkhead {
namespace {

class DiskGuardTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "bulkhead-disk-XXXXXX";
    dir_ = ::mkdtemp(name.data());
    std::filesystem::create_directories(dir_ + "/a/deep");
    std::filesystem::create_directories(dir_ + "/b");
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  void Write(const std::string& file, size_t bytes) {
    std::ofstream(dir_ + file, std::ios::app) << std::string(bytes, 'x');
  }

  std::string dir_;
};

TEST_F(DiskGuardTest, CountsBlocksAndEachFileOnce) {
  const uint64_t empty = MeasureSpace(dir_).value().bytes;
  Write("/a/deep/file", 100000);
  std::filesystem::create_hard_link(dir_ + "/a/deep/file", dir_ + "/b/same");
  std::filesystem::create_symlink("/", dir_ + "/b/elsewhere");
  const uint64_t used = MeasureSpace(dir_).value().bytes - empty;
  EXPECT_GE(used, 100000U);
  EXPECT_LT(used, 150000U);
  EXPECT_EQ(MeasureSpace(dir_ + "/none").value().bytes, 0U);
}

TEST_F(DiskGuardTest, NamesWhoIsOverTheQuota) {
  DiskGuard guard({{"intake", dir_ + "/a", 200000, 0}, {"core", dir_ + "/b", 0, 0}}, 0);
  Write("/a/file", 100000);
  Write("/b/file", 500000);
  EXPECT_FALSE(guard.Look().value()[0].over_quota);
  Write("/a/deep/file", 150000);
  const std::vector<DiskUse> uses = guard.Look().value();
  EXPECT_TRUE(uses[0].over_quota);
  EXPECT_FALSE(uses[1].over_quota) << "no quota of its own";
  EXPECT_FALSE(uses[0].ends_for_space);
}

TEST_F(DiskGuardTest, CountsFilesTooAsTheyUseInodes) {
  DiskGuard guard({{"intake", dir_ + "/a", 0, 5}}, 0);
  for (int i = 0; i < 4; ++i) Write("/a/" + std::to_string(i), 0);
  EXPECT_FALSE(guard.Look().value()[0].over_quota);
  Write("/a/deep/one", 0);
  EXPECT_TRUE(guard.Look().value()[0].over_quota);
}

TEST_F(DiskGuardTest, WithoutSpaceItIsTheOneThatGrew) {
  DiskGuard guard({{"intake", dir_ + "/a", 0, 0}, {"core", dir_ + "/b", 0, 0}},
                  std::numeric_limits<uint64_t>::max());
  Write("/a/file", 500000);
  const std::vector<DiskUse> first = guard.Look().value();
  for (const DiskUse& use : first) {
    EXPECT_FALSE(use.ends_for_space) << "what was there before the first look is nobody's fault";
  }
  Write("/b/file", 100000);
  Write("/a/file", 10000);
  const std::vector<DiskUse> uses = guard.Look().value();
  EXPECT_FALSE(uses[0].ends_for_space);
  EXPECT_TRUE(uses[1].ends_for_space);
}

}  // namespace
}  // namespace bulkhead
