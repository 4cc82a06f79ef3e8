#include "main/policy_record.h"

#include <gtest/gtest.h>

#include "base/faulty_file_system.h"
#include "crypto/crypto.h"
#include "main/data_directory.h"
#include "sieve/policy_follower.h"
#include "sieve/policy_holder.h"

namespace bulkhead {
namespace {

constexpr std::string_view kDropPlan =
    "schema = 1\n[[project.1.rule]]\nproperty = \"plan\"\naction = \"drop\"\n";

class PolicyRecordTest : public testing::Test {
 protected:
  PolicyRecordTest() { InitCrypto(); }

  std::string Write(std::string_view text) {
    EXPECT_TRUE(fs_.CreateDirs(dir_.Policy()));
    EXPECT_TRUE(fs_.WriteFileAtomically(dir_.PolicyFile(), text));
    const Result<LoadedPolicy> loaded = LoadPolicy(text, "policy.toml");
    return loaded ? loaded->hash : "";
  }
  std::string Project(int small_count) {
    return Write("schema = 1\n[project.1]\nsmall_count = " + std::to_string(small_count) + "\n");
  }
  PolicyRecord::Parts Parts() {
    return {&fs_, &clock_, [this](const AuditEntry& entry) {
              EXPECT_EQ(FaultOfEntry(entry), std::nullopt);
              entries_.push_back(entry);
              return audit_works_ ? Result<void>() : Error{ErrorCode::kUnavailable, "full"};
            }};
  }

  FaultyFileSystem fs_;
  DataDirectory dir_{"/data"};
  ManualClock clock_{1'700'000'000'000};
  std::vector<AuditEntry> entries_;
  bool audit_works_ = true;
  PolicyRecord record_{dir_, Parts()};
};

TEST_F(PolicyRecordTest, BringsIntoForceWhatTheFileHolds) {
  const std::string version = Write(kDropPlan);
  EXPECT_EQ(record_.Accept(version).value(), 1U);
  ASSERT_EQ(entries_.size(), 1U);
  EXPECT_EQ(entries_[0].policy, "1");
  EXPECT_EQ(entries_[0].scope, "version " + version);
  EXPECT_EQ(record_.Accept(version).value(), 1U);  // asked again: nothing new
  EXPECT_EQ(entries_.size(), 1U);
  PolicyFollower follower(&fs_, dir_.PolicyVersions());
  EXPECT_TRUE(follower.Look().value());
  EXPECT_EQ(follower.policy().Of(ProjectId{1}).rules.size(), 1U);
  EXPECT_FALSE(follower.Look().value());
  EXPECT_EQ(record_.Accept(Write("schema = 1\n")).value(), 2U);
  EXPECT_TRUE(follower.Look().value());
  EXPECT_EQ(follower.policy(), Policy());
}

TEST_F(PolicyRecordTest, TakesNoOtherPolicyThanTheFiles) {
  const std::string other = Write(kDropPlan);
  Write("schema = 1\n");
  EXPECT_FALSE(record_.Accept(other));
  EXPECT_FALSE(record_.Accept(std::string(64, 'a')));
  EXPECT_FALSE(record_.Refuse());  // it has no mistakes
  EXPECT_TRUE(entries_.empty());
  EXPECT_FALSE(fs_.Exists(dir_.PolicyVersions() + "/index"));
}

TEST_F(PolicyRecordTest, WithoutTheAuditLogNothingChanges) {
  audit_works_ = false;
  const std::string version = Write(kDropPlan);
  EXPECT_FALSE(record_.Accept(version));
  PolicyFollower follower(&fs_, dir_.PolicyVersions());
  EXPECT_TRUE(follower.Look().value());
  EXPECT_EQ(follower.policy(), Policy());
  audit_works_ = true;
  EXPECT_EQ(record_.Accept(version).value(), 1U);
}

TEST_F(PolicyRecordTest, ARefusalIsOnRecordByLineAndKey) {
  Write("schema = 1\n[project.1]\nmode = \"jane@example.com\"\n");
  ASSERT_TRUE(record_.Refuse());
  ASSERT_EQ(entries_.size(), 1U);
  EXPECT_EQ(entries_[0].outcome, "denied");
  EXPECT_EQ(entries_[0].policy, "");
  EXPECT_TRUE(entries_[0].scope.starts_with("policy.toml:3: project.1.mode")) << entries_[0].scope;
  EXPECT_EQ(entries_[0].scope.find("example"), std::string::npos);
}

TEST_F(PolicyRecordTest, ChangesAreBoundedByTheHour) {
  for (size_t i = 0; i < PolicyRecord::kMaxChangesPerHour; ++i) {
    ASSERT_TRUE(record_.Accept(Project(static_cast<int>(i) + 20)));
  }
  const std::string one_more = Project(500);
  EXPECT_EQ(record_.Accept(one_more).error().code, ErrorCode::kLimit);
  clock_.Set(clock_.NowMs() + 3'600'000);
  EXPECT_TRUE(record_.Accept(one_more));
}

}  // namespace
}  // namespace bulkhead
