#include "crypto/keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace bulkhead {
namespace {

class KeysTest : public testing::Test {
 protected:
  KeysTest() {
    std::string pattern = testing::TempDir() + "bulkhead-keys-XXXXXX";
    base_ = ::mkdtemp(pattern.data());
    dir_ = base_ + "/keys";
  }
  ~KeysTest() override { std::filesystem::remove_all(base_); }

  std::string Read(const std::string& name) { return fs_.ReadWhole(dir_ + "/" + name).value(); }
  void Write(const std::string& name, std::string_view bytes) {
    std::ofstream(dir_ + "/" + name, std::ios::binary | std::ios::trunc) << bytes;
  }

  FileSystem& fs_ = RealFileSystem();
  std::string base_;
  std::string dir_;
};

TEST_F(KeysTest, EachCompartmentLoadsItsOwn) {
  ASSERT_TRUE(CreateKeys(fs_, dir_));
  const Result<IntakeKeys> intake = LoadIntakeKeys(fs_, dir_);
  const Result<CoreKeys> core = LoadCoreKeys(fs_, dir_);
  const Result<VaultKeys> vault = LoadVaultKeys(fs_, dir_);
  ASSERT_TRUE(intake && core && vault);
  EXPECT_EQ(intake->vault_public_key, vault->public_key);
  EXPECT_NE(intake->pseudonym_key.view(), intake->insert_id_key.view());
  EXPECT_NE(core->store_key.view(), core->session_key.view());
  const std::string sealed = Seal(intake->vault_public_key, "text");
  EXPECT_EQ(Unseal(vault->public_key, vault->private_key, sealed)->view(), "text");
}

TEST_F(KeysTest, FilesAreTheOwnersOnlyAndHoldNoKeyInClear) {
  ASSERT_TRUE(CreateKeys(fs_, dir_));
  const Result<VaultKeys> vault = LoadVaultKeys(fs_, dir_);
  ASSERT_TRUE(vault);
  for (const char* name : {"root.key", "intake.keys", "core.keys", "vault.keys"}) {
    struct stat info {};
    ASSERT_EQ(0, ::stat((dir_ + "/" + name).c_str(), &info));
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << name;
    EXPECT_EQ(Read(name).find(vault->private_key.view()), std::string::npos);
  }
}

TEST_F(KeysTest, NeverWritesOverKeys) {
  ASSERT_TRUE(CreateKeys(fs_, dir_));
  const std::string before = Read("root.key");
  EXPECT_EQ(CreateKeys(fs_, dir_).error().code, ErrorCode::kInvalid);
  std::filesystem::remove(dir_ + "/root.key");  // kept elsewhere, say
  EXPECT_EQ(CreateKeys(fs_, dir_).error().code, ErrorCode::kInvalid);
}

TEST_F(KeysTest, StartsOverAfterACrashHalfWay) {
  std::filesystem::create_directories(dir_ + ".new");
  std::ofstream(dir_ + ".new/root.key") << "half";
  ASSERT_TRUE(CreateKeys(fs_, dir_));
  EXPECT_TRUE(LoadVaultKeys(fs_, dir_));
}

TEST_F(KeysTest, EveryChangeAndEveryCutIsSeen) {
  ASSERT_TRUE(CreateKeys(fs_, dir_));
  const std::string bytes = Read("vault.keys");
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    Write("vault.keys", changed);
    const Result<VaultKeys> keys = LoadVaultKeys(fs_, dir_);
    ASSERT_FALSE(keys) << i;
    EXPECT_EQ(keys.error().code, ErrorCode::kCorruption);
    Write("vault.keys", std::string_view(bytes).substr(0, i));
    EXPECT_FALSE(LoadVaultKeys(fs_, dir_)) << i;
  }
}

TEST_F(KeysTest, AnotherCompartmentsFileIsRefused) {
  ASSERT_TRUE(CreateKeys(fs_, dir_));
  Write("intake.keys", Read("vault.keys"));
  EXPECT_EQ(LoadIntakeKeys(fs_, dir_).error().code, ErrorCode::kCorruption);
  std::string relabelled = Read("vault.keys");
  relabelled[7] =
      1;  // the compartment's byte: the header is authenticated, and the wrapping key is another
  Write("intake.keys", relabelled);
  EXPECT_EQ(LoadIntakeKeys(fs_, dir_).error().code, ErrorCode::kCorruption);
}

TEST_F(KeysTest, AnotherRootKeyIsRefused) {
  ASSERT_TRUE(CreateKeys(fs_, dir_));
  EXPECT_EQ(LoadCoreKeys(fs_, dir_, RandomSecret(32)).error().code, ErrorCode::kCorruption);
}

TEST_F(KeysTest, RootKeyOfWrongShapeOrOpenToOthersIsRefused) {
  ASSERT_TRUE(CreateKeys(fs_, dir_));
  const std::string root = Read("root.key");
  for (const std::string& wrong : {std::string(), root.substr(0, 40), "x" + root, root + "00"}) {
    Write("root.key", wrong);
    EXPECT_EQ(LoadIntakeKeys(fs_, dir_).error().code, ErrorCode::kCorruption);
  }
  Write("root.key", root);
  EXPECT_TRUE(LoadIntakeKeys(fs_, dir_));
  ::chmod((dir_ + "/root.key").c_str(), 0640);
  EXPECT_EQ(LoadIntakeKeys(fs_, dir_).error().code, ErrorCode::kDenied);
  std::filesystem::remove(dir_ + "/root.key");
  EXPECT_EQ(LoadIntakeKeys(fs_, dir_).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace bulkhead
