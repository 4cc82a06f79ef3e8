#include "crypto/keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/faulty_file_system.h"
#include "crypto/key_file.h"

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
    ::chmod((dir_ + "/" + name).c_str(), 0600);
  }
  SecretBytes Root() { return LoadRootKey(fs_, dir_ + "/root.key").value(); }

  FileSystem& fs_ = RealFileSystem();
  std::string base_;
  std::string dir_;
};

TEST_F(KeysTest, EachCompartmentLoadsItsOwn) {
  ASSERT_TRUE(CreateKeys(fs_, dir_));
  const Result<IntakeKeys> intake = LoadIntakeKeys(fs_, dir_);
  const Result<CoreKeys> core = LoadCoreKeys(fs_, dir_);
  const Result<VaultKeys> vault = LoadVaultKeys(fs_, dir_);
  const Result<AuditKeys> audit = LoadAuditKeys(fs_, dir_);
  const Result<EgressKeys> egress = LoadEgressKeys(fs_, dir_);
  ASSERT_TRUE(intake && core && vault && audit && egress);
  EXPECT_EQ(intake->vault_public_key, vault->seal_keys.newest().public_key);
  ASSERT_EQ(intake->log_recipients.size(), 2U);
  EXPECT_EQ(intake->log_recipients[0], core->log_keys.newest().public_key);
  EXPECT_EQ(intake->log_recipients[1], vault->log_keys.newest().public_key);
  EXPECT_EQ(intake->catalogue_key.view(), core->catalogue_key.view());
  EXPECT_EQ(intake->pseudonym_key.view(), vault->pseudonym_key.view());
  EXPECT_NE(intake->pseudonym_key.view(), intake->insert_id_key.view());
  EXPECT_NE(core->store_keys.newest().key.view(), core->session_key.view());
  EXPECT_NE(audit->signing_seed.view(), audit->payload_key.view());
  EXPECT_EQ(egress->webhook_key.size(), kKeyBytes);
  EXPECT_EQ(vault->seal_keys.Unseal(Seal(intake->vault_public_key, "text"))->view(), "text");
  EXPECT_EQ(core->log_keys.Unseal(Seal(intake->log_recipients[0], "text"))->view(), "text");
}

TEST_F(KeysTest, ABundleHoldsNoOtherCompartmentsKeys) {
  ASSERT_TRUE(CreateKeys(fs_, dir_));
  const SecretBytes root = Root();
  const KeyFile file = KeyFile::Read(fs_, dir_, root).value();
  using enum Compartment;
  for (const auto& [compartment, scope] :
       {std::pair(kIntake, KeyScope::kIntake), std::pair(kCore, KeyScope::kCore),
        std::pair(kVault, KeyScope::kVault), std::pair(kAudit, KeyScope::kAudit),
        std::pair(kEgress, KeyScope::kEgress)}) {
    const SecretBytes bundle = OpenKeyBundle(fs_, dir_, compartment, root).value();
    for (const auto* part : {&file.main(), &file.vault()}) {
      for (const KeyEntry& entry : *part) {
        if (entry.purpose >= KeyPurpose::kCoreLogPublic) {
          continue;  // no secret
        }
        // The private half, where there are two.
        const std::string_view secret =
            entry.bytes.view().substr(entry.bytes.size() - kKeyBytes, kKeyBytes);
        EXPECT_EQ(bundle.view().find(secret) != std::string_view::npos,
                  ScopeHas(scope, entry.purpose))
            << CompartmentName(compartment) << " " << KeyPurposeName(entry.purpose);
      }
    }
    EXPECT_EQ(ParseIntakeKeys(bundle).has_value(), compartment == kIntake);
    EXPECT_EQ(ParseCoreKeys(bundle).has_value(), compartment == kCore);
    EXPECT_EQ(ParseVaultKeys(bundle).has_value(), compartment == kVault);
    EXPECT_EQ(ParseAuditKeys(bundle).has_value(), compartment == kAudit);
    EXPECT_EQ(ParseEgressKeys(bundle).has_value(), compartment == kEgress);
  }
}

TEST_F(KeysTest, FilesAreTheOwnersOnlyAndHoldNoKeyInClear) {
  ASSERT_TRUE(CreateKeys(fs_, dir_));
  const KeyFile file = KeyFile::Read(fs_, dir_, Root()).value();
  for (const char* name : {"root.key", "keyring"}) {
    struct stat info {};
    ASSERT_EQ(0, ::stat((dir_ + "/" + name).c_str(), &info));
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << name;
    for (const auto* part : {&file.main(), &file.vault()}) {
      for (const KeyEntry& entry : *part) {
        EXPECT_EQ(Read(name).find(entry.bytes.view().substr(0, kKeyBytes)), std::string::npos);
      }
    }
  }
}

TEST_F(KeysTest, NeverWritesOverKeys) {
  ASSERT_TRUE(CreateKeys(fs_, dir_));
  EXPECT_EQ(CreateKeys(fs_, dir_).error().code, ErrorCode::kInvalid);
  std::filesystem::remove(dir_ + "/root.key");  // kept elsewhere, say
  EXPECT_EQ(CreateKeys(fs_, dir_).error().code, ErrorCode::kInvalid);
}

TEST(KeysDamageTest, EveryChangeAndEveryCutIsSeen) {
  FaultyFileSystem fs;
  ASSERT_TRUE(CreateKeys(fs, "keys"));
  const SecretBytes root = LoadRootKey(fs, "keys/root.key").value();
  const std::string bytes = fs.ReadWhole("keys/keyring").value();
  const auto put = [&](std::string_view other) {
    ASSERT_TRUE(fs.Damage("keys/keyring", [&](std::string* file) { *file = other; }));
  };
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    put(changed);
    const Result<VaultKeys> keys = LoadVaultKeys(fs, "keys", root);
    ASSERT_FALSE(keys) << i;
    const bool names_root = i >= 8 && i < 16;  // then it says that it is another root key's
    EXPECT_EQ(keys.error().code, names_root ? ErrorCode::kDenied : ErrorCode::kCorruption) << i;
    put(std::string_view(bytes).substr(0, i));
    EXPECT_FALSE(LoadVaultKeys(fs, "keys", root)) << i;
  }
  put(bytes + "x");
  EXPECT_EQ(LoadVaultKeys(fs, "keys", root).error().code, ErrorCode::kCorruption);
  put(bytes);
  EXPECT_TRUE(LoadVaultKeys(fs, "keys", root));
}

TEST_F(KeysTest, AnotherRootKeyIsRefused) {
  ASSERT_TRUE(CreateKeys(fs_, dir_));
  EXPECT_EQ(LoadCoreKeys(fs_, dir_, RandomSecret(32)).error().code, ErrorCode::kDenied);
}

TEST_F(KeysTest, TheRootKeyGoesWhereItIsToldAndAnExistingOneIsTaken) {
  const std::string elsewhere = base_ + "/apart.key";
  ASSERT_TRUE(CreateKeys(fs_, dir_, {.root_key_file = elsewhere}));
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/root.key"));
  const SecretBytes root = LoadRootKey(fs_, elsewhere).value();
  EXPECT_TRUE(LoadVaultKeys(fs_, dir_, root));
  EXPECT_EQ(LoadVaultKeys(fs_, dir_).error().code, ErrorCode::kNotFound);

  const std::string second = base_ + "/second";
  ASSERT_TRUE(CreateKeys(fs_, second, {.root_key_file = elsewhere}));
  EXPECT_TRUE(LoadVaultKeys(fs_, second, root));

  const SecretBytes given = RandomSecret(kKeyBytes);
  const std::string third = base_ + "/third";
  ASSERT_TRUE(CreateKeys(fs_, third, {.root = &given}));
  EXPECT_TRUE(LoadVaultKeys(fs_, third, given));
  EXPECT_EQ(fs_.List(third).value(), std::vector<std::string>{"keyring"});
}

TEST(KeysCrashTest, MakingKeysIsAllOrNothing) {
  for (const CrashKeeps keeps :
       {CrashKeeps::kSyncedOnly, CrashKeeps::kEverything, CrashKeeps::kSome}) {
    uint64_t step = 0;
    for (; step < 100; ++step) {
      FaultyFileSystem fs;
      ASSERT_TRUE(fs.CreateDirs("data"));
      ASSERT_TRUE(fs.SyncDir("."));
      fs.FailAt(step, Fault::kCrash);
      const bool made = CreateKeys(fs, "data/keys").has_value();
      const auto after = fs.CloneAfterCrash(keeps, step);
      if (made) {
        EXPECT_TRUE(LoadVaultKeys(*after, "data/keys"));
        break;
      }
      const bool there = after->Exists("data/keys/keyring");
      EXPECT_EQ(CreateKeys(*after, "data/keys").has_value(), !there) << step;
      EXPECT_TRUE(LoadVaultKeys(*after, "data/keys")) << step;
    }
    EXPECT_GT(step, 5U);
    EXPECT_LT(step, 100U);
  }
}

// --- Version 1 ---

std::string Version1File(const SecretBytes& root, const std::string& name, char compartment,
                         const std::string& body) {
  const std::string header = std::string("BHKEYS\x01") + compartment;
  return header + AeadEncrypt(DeriveKey(root, "bulkhead v1 key file " + name), body, header);
}

template <typename Write>
SecretBytes WriteVersion1(const SealKeyPair& vault, Write write) {
  SecretBytes root(std::string(32, 'r'));
  const std::string public_key(vault.public_key.begin(), vault.public_key.end());
  const auto key = [](char c) { return std::string(32, c); };
  write("root.key", std::string(FormatRootKey(root).view()));
  write("intake.keys",
        Version1File(root, "intake.keys", 1, key('p') + key('i') + key('t') + public_key));
  write("core.keys", Version1File(root, "core.keys", 2, key('s') + key('e')));
  write("vault.keys",
        Version1File(root, "vault.keys", 3,
                     public_key + std::string(vault.private_key.view()) + key('w') + key('b')));
  return root;
}

void ExpectVersion1Keys(FileSystem& fs, const std::string& dir, const SealKeyPair& vault) {
  const auto key = [](char c) { return std::string(32, c); };
  const IntakeKeys intake = LoadIntakeKeys(fs, dir).value();
  EXPECT_EQ(intake.pseudonym_key.view(), key('p'));
  EXPECT_EQ(intake.insert_id_key.view(), key('i'));
  EXPECT_EQ(intake.token_key.view(), key('t'));
  EXPECT_EQ(intake.vault_public_key, vault.public_key);
  const CoreKeys core = LoadCoreKeys(fs, dir).value();
  EXPECT_EQ(core.store_keys.newest().key.view(), key('s'));
  EXPECT_EQ(core.session_key.view(), key('e'));
  EXPECT_EQ(intake.log_recipients[0], core.log_keys.newest().public_key);
  const VaultKeys keys = LoadVaultKeys(fs, dir).value();
  EXPECT_EQ(keys.seal_keys.newest().private_key.view(), vault.private_key.view());
  EXPECT_EQ(keys.subject_wrap_keys.newest().key.view(), key('w'));
  EXPECT_EQ(keys.blind_index_keys.newest().key.view(), key('b'));
  EXPECT_TRUE(LoadAuditKeys(fs, dir));
  EXPECT_TRUE(LoadEgressKeys(fs, dir));
}

TEST_F(KeysTest, Version1IsBroughtUpToDate) {
  std::filesystem::create_directories(dir_);
  const SealKeyPair vault = GenerateSealKeyPair();
  const SecretBytes root = WriteVersion1(
      vault, [&](const std::string& name, const std::string& bytes) { Write(name, bytes); });
  EXPECT_EQ(LoadIntakeKeys(fs_, dir_).error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(UpgradeKeys(fs_, dir_, root, 1000).value());
  ExpectVersion1Keys(fs_, dir_, vault);
  EXPECT_EQ(fs_.List(dir_).value(), (std::vector<std::string>{"keyring", "root.key"}));
  const std::string bytes = Read("keyring");
  EXPECT_FALSE(UpgradeKeys(fs_, dir_, root, 2000).value());
  EXPECT_EQ(Read("keyring"), bytes);
}

TEST(KeysCrashTest, BringingUpToDateSurvivesACrashAtEveryStep) {
  const SealKeyPair vault = GenerateSealKeyPair();
  uint64_t step = 0;
  for (bool done = false; !done && step < 100; ++step) {
    FaultyFileSystem fs;
    ASSERT_TRUE(fs.CreateDirs("keys"));
    ASSERT_TRUE(fs.SyncDir("."));
    const SecretBytes root =
        WriteVersion1(vault, [&](const std::string& name, const std::string& bytes) {
          ASSERT_TRUE(fs.WriteFileAtomically("keys/" + name, bytes));
        });
    fs.FailAt(step, Fault::kCrash);
    done = UpgradeKeys(fs, "keys", root, 1000).has_value();
    for (const CrashKeeps keeps :
         {CrashKeeps::kSyncedOnly, CrashKeeps::kEverything, CrashKeeps::kSome}) {
      const auto after = fs.CloneAfterCrash(keeps, step);
      ASSERT_TRUE(UpgradeKeys(*after, "keys", root, 2000)) << step;
      ExpectVersion1Keys(*after, "keys", vault);
      EXPECT_FALSE(after->Exists("keys/vault.keys")) << step;
    }
  }
  EXPECT_GT(step, 5U);
  EXPECT_LT(step, 100U);
}

TEST_F(KeysTest, AKeyThatAnOlderProgramDidNotMakeIsMissedAndMade) {
  ASSERT_TRUE(CreateKeys(fs_, dir_));
  const SecretBytes root = Root();
  KeyFile file = KeyFile::Read(fs_, dir_, root).value();
  std::erase_if(file.main(),
                [](const KeyEntry& entry) { return entry.purpose == KeyPurpose::kWebhook; });
  const SecretBytes* roots[] = {&root};
  ASSERT_TRUE(file.Write(fs_, dir_, roots));
  EXPECT_EQ(LoadEgressKeys(fs_, dir_).error().code, ErrorCode::kNotFound);
  const std::string session(LoadCoreKeys(fs_, dir_)->session_key.view());
  EXPECT_TRUE(UpgradeKeys(fs_, dir_, root, 1000).value());
  EXPECT_TRUE(LoadEgressKeys(fs_, dir_));
  EXPECT_EQ(LoadCoreKeys(fs_, dir_)->session_key.view(), session);
}

}  // namespace
}  // namespace bulkhead
