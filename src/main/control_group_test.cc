#include "main/control_group.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace bulkhead {
namespace {

// A directory that looks like a mounted cgroup v2; the kernel's own is not there in every place
// where the tests run.
class ControlGroupTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "bulkhead-cgroup-XXXXXX";
    root_ = ::mkdtemp(name.data());
    Fill("/service", {"cgroup.subtree_control", "cgroup.procs"});
    std::ofstream(root_ + "/service/cgroup.controllers") << "cpu memory pids\n";
    Fill("/service/bulkhead-supervisor", {"cgroup.procs"});
    Fill("/service/bulkhead-core", {"cgroup.procs", "memory.max", "pids.max"});
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void Fill(const std::string& group, const std::vector<std::string>& files) {
    std::filesystem::create_directories(root_ + group);
    for (const std::string& file : files) std::ofstream(root_ + group + "/" + file) << "";
  }
  std::string Read(const std::string& file) {
    std::ifstream in(root_ + file);
    std::string line;
    std::getline(in, line);
    return line;
  }

  std::string root_;
};

TEST_F(ControlGroupTest, LimitsAndPlaces) {
  const Result<ControlGroups> groups = ControlGroups::Prepare(root_, "/service");
  ASSERT_TRUE(groups) << groups.error().message;
  EXPECT_EQ(Read("/service/bulkhead-supervisor/cgroup.procs"), std::to_string(::getpid()));
  EXPECT_EQ(Read("/service/cgroup.subtree_control"), "+memory +pids");
  ASSERT_TRUE(groups->Limit("core", {1 << 30, 0}));
  EXPECT_EQ(Read("/service/bulkhead-core/memory.max"), "1073741824");
  EXPECT_EQ(Read("/service/bulkhead-core/pids.max"), "max");
  ASSERT_TRUE(groups->Place("core", 1234));
  EXPECT_EQ(Read("/service/bulkhead-core/cgroup.procs"), "1234");
  EXPECT_EQ(groups->Place("vault", 1234).error().code, ErrorCode::kUnavailable);
}

TEST_F(ControlGroupTest, WithoutControllersItSaysSo) {
  std::ofstream(root_ + "/service/cgroup.controllers") << "cpu\n";
  const Result<ControlGroups> groups = ControlGroups::Prepare(root_, "/service");
  ASSERT_FALSE(groups);
  EXPECT_NE(groups.error().message.find("memory"), std::string::npos);
  EXPECT_EQ(ControlGroups::Prepare(root_, "/none").error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace bulkhead
