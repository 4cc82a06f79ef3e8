#include "main/compartment_rules.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "main/confinement_identity.h"

namespace bulkhead {
namespace {

class CompartmentRulesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "bulkhead-rules-XXXXXX";
    dir_ = std::make_unique<DataDirectory>(::mkdtemp(name.data()));
    ASSERT_TRUE(PrepareOwnership(*dir_));
  }
  void TearDown() override { std::filesystem::remove_all(dir_->path()); }

  std::unique_ptr<DataDirectory> dir_;
};

bool Has(const std::vector<std::string>& paths, const std::string& path) {
  return std::find(paths.begin(), paths.end(), path) != paths.end();
}

TEST_F(CompartmentRulesTest, NamesGoBothWays) {
  for (const Compartment compartment : kCompartments) {
    EXPECT_EQ(CompartmentByName(CompartmentName(compartment)).value(), compartment);
  }
  EXPECT_FALSE(CompartmentByName("kernel").has_value());
}

// The table of docs/confinement.md: who may write what, and that nobody else may.
TEST_F(CompartmentRulesTest, EachDirectoryHasOneWriter) {
  for (const Compartment owner : kCompartments) {
    const std::string own = OwnDirectory(owner, *dir_);
    for (const Compartment other : kCompartments) {
      const ConfinementRules rules = RulesFor(other, *dir_);
      EXPECT_EQ(Has(rules.write_paths, own), owner == other)
          << CompartmentName(other) << " in " << own;
      const bool follows_log = owner == Compartment::kIntake &&
                               (other == Compartment::kCore || other == Compartment::kVault);
      EXPECT_EQ(Has(rules.read_paths, own), follows_log) << CompartmentName(other) << " in " << own;
    }
  }
}

TEST_F(CompartmentRulesTest, NobodyReachesKeysOrTheWholeDirectory) {
  for (const Compartment compartment : kCompartments) {
    ConfinementRules rules = RulesFor(compartment, *dir_);
    std::vector<std::string> all = rules.read_paths;
    all.insert(all.end(), rules.write_paths.begin(), rules.write_paths.end());
    for (const std::string& path : all) {
      EXPECT_FALSE(dir_->Keys().starts_with(path)) << path;
      EXPECT_NE(path, "/etc");
    }
    EXPECT_EQ(rules.may_connect_out, compartment == Compartment::kEgress);
    EXPECT_EQ(rules.may_accept,
              compartment == Compartment::kIntake || compartment == Compartment::kCore);
  }
}

TEST_F(CompartmentRulesTest, UsersDiffer) {
  std::set<uint32_t> users = {0};
  for (const Compartment compartment : kCompartments) users.insert(UserOf(compartment).uid);
  EXPECT_EQ(users.size(), 6U);
}

TEST_F(CompartmentRulesTest, PathsOutsideThatDoNotExistAreLeftOut) {
  CompartmentOptions options;
  options.read_paths = {"/nonexistent/place.mmdb", "/etc/passwd"};
  const ConfinementRules rules = RulesFor(Compartment::kIntake, *dir_, options);
  EXPECT_FALSE(Has(rules.read_paths, "/nonexistent/place.mmdb"));
  EXPECT_TRUE(Has(rules.read_paths, "/etc/passwd"));
}

TEST_F(CompartmentRulesTest, AsRootEachDirectoryIsItsUsers) {
  if (!MayChangeUser()) GTEST_SKIP() << "not root";
  std::ofstream(dir_->Log() + "/1.log") << "batch";
  std::ofstream(dir_->Vault() + "/identities.db") << "sealed";
  std::ofstream(dir_->path() + "/outside") << "not theirs";
  std::filesystem::create_symlink(dir_->path() + "/outside", dir_->Vault() + "/link");
  std::filesystem::create_hard_link(dir_->path() + "/outside", dir_->Vault() + "/second-name");
  ASSERT_TRUE(PrepareOwnership(*dir_));
  const auto look = [](const std::string& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return std::tuple(status.st_uid, status.st_gid, status.st_mode & 07777);
  };
  const CompartmentUser vault = UserOf(Compartment::kVault);
  const CompartmentUser intake = UserOf(Compartment::kIntake);
  EXPECT_EQ(look(dir_->Vault()), std::tuple(vault.uid, vault.gid, 0700U));
  EXPECT_EQ(look(dir_->Vault() + "/identities.db"), std::tuple(vault.uid, vault.gid, 0600U));
  EXPECT_EQ(look(dir_->Log()), std::tuple(intake.uid, LogGroup(), 02750U));
  EXPECT_EQ(look(dir_->Log() + "/1.log"), std::tuple(intake.uid, LogGroup(), 0640U));
  EXPECT_EQ(std::get<0>(look(dir_->path() + "/outside")), 0U) << "by a link or a second name";
}

}  // namespace
}  // namespace bulkhead
