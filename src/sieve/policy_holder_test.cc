#include "sieve/policy_holder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/faulty_file_system.h"
#include "sieve/policy_text.h"
#include "sieve/policy_trial.h"
#include "sieve/policy_versions.h"
#include "sieve/sieve_fixture.h"

namespace bulkhead {
namespace {

constexpr std::string_view kDropPlan =
    "schema = 1\n[[project.1.rule]]\nproperty = \"plan\"\naction = \"drop\"\n";
constexpr std::string_view kThirty = "schema = 1\n[project.1]\nsmall_count = 30\n";

class PolicyHolderTest : public ::testing::Test {
 protected:
  PolicyHolderTest() { InitCrypto(); }

  void Write(std::string_view name, std::string_view text) {
    ASSERT_TRUE(fs_.CreateDirs("/policy"));
    ASSERT_TRUE(fs_.WriteFileAtomically("/policy/" + std::string(name), text));
  }
  PolicyHolderOptions Options(FileSystem* fs = nullptr) {
    FileSystem* const used = fs != nullptr ? fs : &fs_;
    PolicyHolderOptions options;
    options.fs = used;
    options.dir = "/policy";
    options.sieve = &TestSieve();
    options.record = [this, used](const PolicyChange& change) -> Result<uint32_t> {
      changes_.push_back(change);
      if (change.new_hash.empty()) return 0U;
      PolicyVersions versions(used, "/policy/versions");
      return versions.Accept(change.canonical_text, change.new_hash, [this](uint32_t) {
        return audit_works_ ? Result<void>() : Error{ErrorCode::kUnavailable, "audit is down"};
      });
    };
    return options;
  }

  FaultyFileSystem fs_;
  std::vector<PolicyChange> changes_;
  bool audit_works_ = true;
};

TEST_F(PolicyHolderTest, WithoutAFileTheDefaultsAreInForce) {
  const auto holder = PolicyHolder::Open(Options()).value();
  EXPECT_EQ(holder->Current()->version(), 0u);
  EXPECT_EQ(holder->status().trouble, "");
  EXPECT_TRUE(changes_.empty());
}

TEST_F(PolicyHolderTest, AChangeIsRecordedNumberedAndKept) {
  Write("policy.toml", kDropPlan);
  const auto holder = PolicyHolder::Open(Options()).value();
  EXPECT_EQ(holder->Current()->version(), 1u);
  Write("policy.toml", kThirty);
  ASSERT_TRUE(holder->Reload("jane"));
  EXPECT_EQ(holder->Current()->version(), 2u);
  EXPECT_EQ(holder->Current()->policy().Of(ProjectId{1}).small_count, 30u);
  ASSERT_EQ(changes_.size(), 2u);
  EXPECT_EQ(changes_[1].who, "jane");
  EXPECT_EQ(changes_[1].old_version, 1u);
  EXPECT_EQ(changes_[1].old_hash, changes_[0].new_hash);
  EXPECT_EQ(changes_[1].new_hash, holder->Current()->hash());
  const auto index = ReadPolicyIndex(fs_, "/policy/versions").value();
  ASSERT_EQ(index.size(), 2u);
  EXPECT_EQ(ReadPolicyVersion(fs_, "/policy/versions", index[0].hash).value(),
            LoadPolicy(kDropPlan, "p").value().canonical_text);
  // Comments and spelling are no change.
  Write("policy.toml", std::string(kThirty) + "# a word\n");
  ASSERT_TRUE(holder->Reload("jane"));
  EXPECT_EQ(changes_.size(), 2u);
  // Going back is a change like any other.
  Write("policy.toml", kDropPlan);
  ASSERT_TRUE(holder->Reload("jane"));
  EXPECT_EQ(holder->Current()->version(), 3u);
  EXPECT_EQ(holder->Current()->hash(), index[0].hash);
}

TEST_F(PolicyHolderTest, AnInvalidFileIsRefusedOnceAndTheOldPolicyStays) {
  Write("policy.toml", kDropPlan);
  const auto holder = PolicyHolder::Open(Options()).value();
  Write("policy.toml", "schema = 1\ncolour = 2\n");
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(holder->Reload("x"));
  EXPECT_EQ(holder->Current()->version(), 1u);
  ASSERT_EQ(changes_.size(), 2u);
  EXPECT_EQ(changes_[1].refusal, "policy.toml:2: colour: unknown key");
  EXPECT_TRUE(changes_[1].new_hash.empty());
  EXPECT_EQ(holder->status().trouble, "policy.toml:2: colour: unknown key");
  EXPECT_EQ(holder->status().refused, 1u);
  // Also over a restart.
  const auto again = PolicyHolder::Open(Options()).value();
  EXPECT_EQ(again->Current()->version(), 1u);
  EXPECT_NE(again->status().trouble, "");
}

TEST_F(PolicyHolderTest, AChangeThatCannotBeRecordedDoesNotHappenAndIsTriedAgain) {
  Write("policy.toml", kDropPlan);
  const auto holder = PolicyHolder::Open(Options()).value();
  audit_works_ = false;
  Write("policy.toml", kThirty);
  const Result<void> refused = holder->Reload("x");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(holder->Current()->version(), 1u);
  EXPECT_NE(holder->status().trouble, "");
  // After a restart, too, the one that is on record is in force.
  EXPECT_EQ(PolicyHolder::Open(Options()).value()->Current()->version(), 1u);
  audit_works_ = true;
  ASSERT_TRUE(holder->Reload("x"));
  EXPECT_EQ(holder->Current()->version(), 2u);
  EXPECT_EQ(holder->status().trouble, "");
}

TEST_F(PolicyHolderTest, WithoutAVersionToFallBackToNothingOpens) {
  Write("policy.toml", "schema = 3\n");
  EXPECT_FALSE(PolicyHolder::Open(Options()));
  Write("policy.toml", kThirty);
  audit_works_ = false;
  EXPECT_FALSE(PolicyHolder::Open(Options()));
}

TEST_F(PolicyHolderTest, AFileThatGoesMissingChangesNothing) {
  Write("policy.toml", kThirty);
  auto holder = PolicyHolder::Open(Options()).value();
  ASSERT_TRUE(fs_.Remove("/policy/policy.toml"));
  EXPECT_FALSE(holder->Reload("x"));
  EXPECT_EQ(holder->Current()->version(), 1u);
  holder = PolicyHolder::Open(Options()).value();
  EXPECT_EQ(holder->Current()->version(), 1u);
  Write("policy.toml", "schema = 1\n");
  ASSERT_TRUE(holder->Reload("x"));
  EXPECT_EQ(holder->Current()->version(), 2u);
  EXPECT_EQ(holder->Current()->policy(), Policy());
}

TEST_F(PolicyHolderTest, ADamagedVersionIsMadeUpForByAGoodFile) {
  Write("policy.toml", kThirty);
  const std::string hash = PolicyHolder::Open(Options()).value()->Current()->hash();
  const std::string version = "/policy/versions/" + hash + ".toml";
  ASSERT_TRUE(fs_.Damage(version, [](std::string* bytes) { bytes->append("# more"); }));
  EXPECT_EQ(ReadPolicyVersion(fs_, "/policy/versions", hash).error().code, ErrorCode::kCorruption);
  EXPECT_EQ(PolicyHolder::Open(Options()).value()->Current()->hash(), hash);
  ASSERT_TRUE(fs_.Remove("/policy/policy.toml"));
  EXPECT_FALSE(PolicyHolder::Open(Options()));
}

TEST_F(PolicyHolderTest, ACrashAtAnyStepLeavesTheOldOrTheNewPolicy) {
  Write("policy.toml", kDropPlan);
  const std::string old_hash = PolicyHolder::Open(Options()).value()->Current()->hash();
  const std::string new_hash = LoadPolicy(kThirty, "p").value().hash;
  Write("policy.toml", kThirty);
  uint64_t steps = 0;
  for (uint64_t step = 0; step == 0 || step <= steps; ++step) {
    for (const CrashKeeps keeps : {CrashKeeps::kSyncedOnly, CrashKeeps::kEverything}) {
      const auto world = fs_.CloneAfterCrash(CrashKeeps::kEverything);
      const uint64_t before = world->steps();
      if (step != 0) world->FailAt(step - 1, Fault::kCrash);
      const auto holder = PolicyHolder::Open(Options(world.get()));
      if (step == 0) steps = world->steps() - before;
      // What was in force before is in force until the change is whole.
      ASSERT_TRUE(holder) << holder.error().message;
      const bool took = (*holder)->Current()->hash() == new_hash;
      const auto after = world->CloneAfterCrash(keeps);
      const auto index = ReadPolicyIndex(*after, "/policy/versions");
      ASSERT_TRUE(index) << index.error().message;
      ASSERT_FALSE(index->empty());
      if (took) {
        EXPECT_EQ(index->back().hash, new_hash);
      }
      EXPECT_TRUE(index->back().hash == new_hash || index->back().hash == old_hash);
      EXPECT_TRUE(ReadPolicyVersion(*after, "/policy/versions", index->back().hash));
    }
  }
  EXPECT_GT(steps, 4u);
}

TEST_F(PolicyHolderTest, ACandidateIsTriedAndNeverInForce) {
  const auto holder = PolicyHolder::Open(Options()).value();
  EXPECT_EQ(holder->Trial(), nullptr);
  Write("candidate.toml", kDropPlan);
  ASSERT_TRUE(holder->Reload("x"));
  ASSERT_NE(holder->Trial(), nullptr);
  EXPECT_EQ(holder->Current()->version(), 0u);
  const auto first = holder->Trial();
  ASSERT_TRUE(holder->Reload("x"));
  EXPECT_EQ(holder->Trial(), first);  // counts go on while the file stays
  Write("candidate.toml", "schema = 1\nx = 1");
  ASSERT_TRUE(holder->Reload("x"));
  EXPECT_EQ(holder->Trial(), nullptr);
  EXPECT_EQ(holder->status().candidate_trouble, "candidate.toml:2: x: unknown key");
  ASSERT_TRUE(fs_.Remove("/policy/candidate.toml"));
  ASSERT_TRUE(holder->Reload("x"));
  EXPECT_EQ(holder->status().candidate_trouble, "");
}

TEST_F(PolicyHolderTest, ReadersSeeWholePoliciesWhileTheyChange) {
  Write("policy.toml", kThirty);
  const auto holder = PolicyHolder::Open(Options()).value();
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      uint32_t last = 0;
      while (!stop) {
        const auto policy = holder->Current();
        EXPECT_GE(policy->version(), last);
        last = policy->version();
        const bool thirty = policy->Of(ProjectId{1}).policy().small_count == 30;
        EXPECT_EQ(thirty, policy->version() % 2 == 1);
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    Write("policy.toml", i % 2 == 0 ? kDropPlan : kThirty);
    ASSERT_TRUE(holder->Reload("x"));
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(holder->Current()->version(), 51u);
}

TEST_F(PolicyHolderTest, TheWatcherSeesAChangedFile) {
  const auto holder = PolicyHolder::Open(Options()).value();
  holder->StartWatching(5);
  Write("policy.toml", kThirty);
  for (int i = 0; i < 2000 && holder->Current()->version() == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(holder->Current()->version(), 1u);
}

}  // namespace
}  // namespace bulkhead
