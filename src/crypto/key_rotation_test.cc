#include "crypto/key_rotation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "base/faulty_file_system.h"
#include "crypto/key_file.h"

namespace bulkhead {
namespace {

constexpr int64_t kNow = 1'795'478'400'000;

// A directory of keys in memory, whose root key lies in it.
class KeyRotationTest : public testing::Test {
 protected:
  KeyRotationTest() {
    EXPECT_TRUE(CreateKeys(fs_, "keys", {.now_ms = kNow}));
    root_ = LoadRootKey(fs_, "keys/root.key").value();
  }
  KeyAccess Access(std::span<const VaultShare> shares = {}) {
    return {&fs_, "keys", &root_, shares, kNow + 1000};
  }
  const KeyChange& Change(std::string_view name) {
    const KeyChange* change = FindKeyChange(name);
    EXPECT_NE(change, nullptr) << name;
    return *change;
  }
  static Result<bool> NothingNeeds(const KeyFact&) { return false; }

  FaultyFileSystem fs_;
  SecretBytes root_;
};

TEST_F(KeyRotationTest, EveryChangeGivesItsKeysANewOneAndLeavesTheOthers) {
  for (const KeyChange& change : KeyChanges()) {
    if (change.purposes.empty()) {
      continue;
    }
    const KeyFile before = KeyFile::Read(fs_, "keys", root_).value();
    const std::vector<KeyFact> made = RotateKey(Access(), change).value();
    EXPECT_EQ(made.size(), change.purposes.size());
    const KeyFile after = KeyFile::Read(fs_, "keys", root_).value();
    const std::pair<const std::vector<KeyEntry>*, const std::vector<KeyEntry>*> parts[] = {
        {&before.main(), &after.main()}, {&before.vault(), &after.vault()}};
    for (const auto& [old_part, new_part] : parts) {
      for (const KeyEntry& entry : *old_part) {
        if (entry.purpose >= KeyPurpose::kCoreLogPublic || entry.state != KeyState::kNewest) {
          continue;
        }
        const bool meant = std::find(change.purposes.begin(), change.purposes.end(),
                                     entry.purpose) != change.purposes.end();
        const KeyEntry* newest = NewestKey(*new_part, entry.purpose);
        EXPECT_EQ(newest->bytes.view() != entry.bytes.view(), meant) << change.name;
        const bool kept = std::any_of(
            new_part->begin(), new_part->end(),
            [&](const KeyEntry& other) { return other.bytes.view() == entry.bytes.view(); });
        EXPECT_EQ(kept, !meant || change.keeps_old) << change.name;
      }
    }
  }
  // Everybody's bundle still parses, and holds what it must together.
  const IntakeKeys intake = LoadIntakeKeys(fs_, "keys").value();
  const CoreKeys core = LoadCoreKeys(fs_, "keys").value();
  const VaultKeys vault = LoadVaultKeys(fs_, "keys").value();
  EXPECT_EQ(intake.vault_public_key, vault.seal_keys.newest().public_key);
  EXPECT_EQ(intake.log_recipients[0], core.log_keys.newest().public_key);
  EXPECT_EQ(intake.log_recipients[1], vault.log_keys.newest().public_key);
  EXPECT_EQ(core.store_keys.entries().size(), 2U);
  EXPECT_EQ(vault.seal_keys.pairs().size(), 2U);
  EXPECT_EQ(intake.catalogue_key.view(), core.catalogue_keys.newest().key.view());
  EXPECT_EQ(LoadAuditKeys(fs_, "keys")->signing_seeds.entries().size(), 2U);
}

TEST_F(KeyRotationTest, WhatWasSealedBeforeStaysReadable) {
  const std::string before = Seal(LoadIntakeKeys(fs_, "keys")->vault_public_key, "before");
  ASSERT_TRUE(RotateKey(Access(), Change("vault-seal")));
  const std::string after = Seal(LoadIntakeKeys(fs_, "keys")->vault_public_key, "after");
  const VaultKeys vault = LoadVaultKeys(fs_, "keys").value();
  EXPECT_EQ(vault.seal_keys.Unseal(before)->view(), "before");
  EXPECT_EQ(vault.seal_keys.Unseal(after)->view(), "after");
  const std::vector<KeyFact> retired =
      RetireKeys(Access(), Change("vault-seal"), NothingNeeds).value();
  ASSERT_EQ(retired.size(), 1U);
  EXPECT_EQ(retired[0].id, 1U);
  const VaultKeys left = LoadVaultKeys(fs_, "keys").value();
  EXPECT_FALSE(left.seal_keys.Unseal(before));
  EXPECT_TRUE(left.seal_keys.Unseal(after));
}

TEST_F(KeyRotationTest, AKeyThatIsNeededIsNotDestroyed) {
  ASSERT_TRUE(RotateKey(Access(), Change("store")));
  ASSERT_TRUE(RotateKey(Access(), Change("store")));
  const auto needs_2 = [](const KeyFact& key) -> Result<bool> { return key.id == 2; };
  EXPECT_EQ(RetireKeys(Access(), Change("store"), needs_2).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(LoadCoreKeys(fs_, "keys")->store_keys.entries().size(), 3U);
  EXPECT_EQ(RetireKeys(Access(), Change("store"), NothingNeeds)->size(), 2U);
  const CoreKeys core = LoadCoreKeys(fs_, "keys").value();
  ASSERT_EQ(core.store_keys.entries().size(), 1U);
  EXPECT_EQ(core.store_keys.newest().id, 3U);
  EXPECT_TRUE(RetireKeys(Access(), Change("store"), NothingNeeds)->empty());
}

TEST_F(KeyRotationTest, TheInsertIdKeyChangesAtAnEventTimeThatNoLoggedEventHas) {
  const std::string first(LoadIntakeKeys(fs_, "keys")->insert_id_key.view());
  ASSERT_TRUE(RotateKey(Access(), Change("insert-id")));
  const IntakeKeys keys = LoadIntakeKeys(fs_, "keys").value();
  ASSERT_EQ(keys.old_insert_id_keys.size(), 1U);
  EXPECT_EQ(keys.old_insert_id_keys[0].key.view(), first);
  EXPECT_EQ(keys.old_insert_id_keys[0].before_ms, kNow + 1000 + 2 * 3600 * 1000);
  EXPECT_NE(keys.insert_id_key.view(), first);
}

TEST_F(KeyRotationTest, ThePseudonymKeyIsNotChanged) {
  const Result<std::vector<KeyFact>> made = RotateKey(Access(), Change("pseudonym"));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kInvalid);
  EXPECT_NE(made.error().message.find("two people"), std::string::npos);
}

TEST_F(KeyRotationTest, AnOldRootKeyIsUselessAfterwards) {
  const std::string pseudonym(LoadIntakeKeys(fs_, "keys")->pseudonym_key.view());
  ASSERT_TRUE(RotateRootInFile(Access(), "keys/root.key"));
  EXPECT_EQ(KeyFile::Read(fs_, "keys", root_).error().code, ErrorCode::kDenied);
  EXPECT_EQ(LoadIntakeKeys(fs_, "keys")->pseudonym_key.view(), pseudonym);
  EXPECT_EQ(fs_.List("keys").value(), (std::vector<std::string>{"keyring", "root.key"}));
}

TEST_F(KeyRotationTest, ARootKeyFromOutsideIsChangedInTwoSteps) {
  const SecretBytes next = RandomSecret(kKeyBytes);
  ASSERT_TRUE(BeginRootChange(Access(), next));
  EXPECT_TRUE(LoadVaultKeys(fs_, "keys", root_));
  EXPECT_TRUE(LoadVaultKeys(fs_, "keys", next));
  EXPECT_EQ(ReadKeyStatus(Access())->root_keys, 2U);
  EXPECT_EQ(RotateKey(Access(), Change("store")).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(FinishRootChange(Access()).error().code, ErrorCode::kInvalid);
  KeyAccess with_next = Access();
  with_next.root = &next;
  ASSERT_TRUE(FinishRootChange(with_next));
  ASSERT_TRUE(FinishRootChange(with_next));
  EXPECT_EQ(LoadVaultKeys(fs_, "keys", root_).error().code, ErrorCode::kDenied);
  EXPECT_TRUE(LoadVaultKeys(fs_, "keys", next));
  EXPECT_EQ(BeginRootChange(with_next, next).error().code, ErrorCode::kInvalid);
}

// Damage to the file between the steps of a change of the root key is seen as ever.
TEST_F(KeyRotationTest, ASlotCannotBeTakenOutOrSwapped) {
  const SecretBytes next = RandomSecret(kKeyBytes);
  ASSERT_TRUE(BeginRootChange(Access(), next));
  const std::string bytes = fs_.ReadWhole("keys/keyring").value();
  std::string swapped = bytes;
  std::swap_ranges(swapped.begin() + 8, swapped.begin() + 88, swapped.begin() + 88);
  std::string without = bytes;
  without.erase(88, 80);
  without[7] = 1;
  for (const std::string& changed : {swapped, without}) {
    fs_.Damage("keys/keyring", [&](std::string* file) { *file = changed; });
    EXPECT_EQ(KeyFile::Read(fs_, "keys", root_).error().code, ErrorCode::kCorruption);
  }
}

// After a crash at any step, what lies in root.key opens the keys, and the change can be made
// again.
TEST(KeyRotationCrash, ChangingTheRootKeyAtEveryStep) {
  uint64_t step = 0;
  for (bool done = false; !done && step < 100; ++step) {
    FaultyFileSystem fs;
    ASSERT_TRUE(CreateKeys(fs, "keys"));
    const SecretBytes root = LoadRootKey(fs, "keys/root.key").value();
    const std::string pseudonym(LoadIntakeKeys(fs, "keys")->pseudonym_key.view());
    fs.FailAt(step, Fault::kCrash);
    done = RotateRootInFile({&fs, "keys", &root, {}, kNow}, "keys/root.key").has_value();
    for (const CrashKeeps keeps :
         {CrashKeeps::kSyncedOnly, CrashKeeps::kEverything, CrashKeeps::kSome}) {
      const auto after = fs.CloneAfterCrash(keeps, step);
      const Result<IntakeKeys> keys = LoadIntakeKeys(*after, "keys");
      ASSERT_TRUE(keys) << step << " " << keys.error().message;
      EXPECT_EQ(keys->pseudonym_key.view(), pseudonym);
      const SecretBytes now = LoadRootKey(*after, "keys/root.key").value();
      ASSERT_TRUE(RotateRootInFile({after.get(), "keys", &now, {}, kNow}, "keys/root.key"));
      EXPECT_EQ(LoadIntakeKeys(*after, "keys")->pseudonym_key.view(), pseudonym);
      EXPECT_EQ(KeyFile::Read(*after, "keys", root).error().code, ErrorCode::kDenied);
      EXPECT_EQ(after->List("keys").value(), (std::vector<std::string>{"keyring", "root.key"}));
    }
  }
  EXPECT_GT(step, 8U);
  EXPECT_LT(step, 100U);
}

TEST(KeyRotationCrash, ANewKeyIsThereOrNotAtEveryStep) {
  uint64_t step = 0;
  std::set<size_t> seen;
  for (bool done = false; !done && step < 100; ++step) {
    FaultyFileSystem fs;
    ASSERT_TRUE(CreateKeys(fs, "keys"));
    const SecretBytes root = LoadRootKey(fs, "keys/root.key").value();
    fs.FailAt(step, Fault::kCrash);
    done = RotateKey({&fs, "keys", &root, {}, kNow}, *FindKeyChange("log")).has_value();
    const auto after = fs.CloneAfterCrash(CrashKeeps::kSome, step);
    const CoreKeys core = LoadCoreKeys(*after, "keys").value();
    const VaultKeys vault = LoadVaultKeys(*after, "keys").value();
    const IntakeKeys intake = LoadIntakeKeys(*after, "keys").value();
    EXPECT_EQ(core.log_keys.pairs().size(), vault.log_keys.pairs().size());
    EXPECT_EQ(intake.log_recipients[0], core.log_keys.newest().public_key);
    EXPECT_EQ(intake.log_recipients[1], vault.log_keys.newest().public_key);
    EXPECT_TRUE(!done || core.log_keys.pairs().size() == 2);
    seen.insert(core.log_keys.pairs().size());
  }
  EXPECT_EQ(seen, (std::set<size_t>{1, 2}));
}

// --- Shares ---

TEST_F(KeyRotationTest, EveryPairOfSharesOpensTheVaultAndNoSingleOneDoes) {
  const std::string blind(LoadVaultKeys(fs_, "keys")->blind_index_keys.newest().key.view());
  std::array<VaultShare, 3> shares = SplitVaultKeys(Access()).value();
  EXPECT_TRUE(LoadIntakeKeys(fs_, "keys"));  // everything else starts
  EXPECT_TRUE(LoadCoreKeys(fs_, "keys"));
  const Result<VaultKeys> none = LoadVaultKeys(fs_, "keys");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kDenied);
  EXPECT_NE(none.error().message.find("0 given"), std::string::npos);
  const auto copy = [&](int i) {
    return ParseVaultShare(FormatVaultShare(shares[static_cast<size_t>(i)]).view()).value();
  };
  for (int i = 0; i < 3; ++i) {
    const VaultShare one[] = {copy(i)};
    EXPECT_EQ(LoadVaultKeys(fs_, "keys", root_, one).error().code, ErrorCode::kDenied) << i;
    const VaultShare twice[] = {copy(i), copy(i)};
    EXPECT_NE(LoadVaultKeys(fs_, "keys", root_, twice).error().message.find("given twice"),
              std::string::npos);
    for (int j = 0; j < 3; ++j) {
      if (j == i) {
        continue;
      }
      const VaultShare two[] = {copy(i), copy(j)};
      const Result<VaultKeys> keys = LoadVaultKeys(fs_, "keys", root_, two);
      ASSERT_TRUE(keys) << i << j << keys.error().message;
      EXPECT_EQ(keys->blind_index_keys.newest().key.view(), blind);
      EXPECT_FALSE(LoadVaultKeys(fs_, "keys", RandomSecret(kKeyBytes), two));
    }
  }
  EXPECT_TRUE(LoadVaultKeys(fs_, "keys", root_, shares));
}

TEST_F(KeyRotationTest, AWrongShareIsNamed) {
  std::array<VaultShare, 3> earlier = SplitVaultKeys(Access()).value();
  EXPECT_EQ(SplitVaultKeys(Access()).error().code, ErrorCode::kDenied);
  std::array<VaultShare, 3> shares = SplitVaultKeys(Access(earlier)).value();
  const auto message = [&](const VaultShare& a, const VaultShare& b) {
    const VaultShare two[] = {ParseVaultShare(FormatVaultShare(a).view()).value(),
                              ParseVaultShare(FormatVaultShare(b).view()).value()};
    return LoadVaultKeys(fs_, "keys", root_, two).error().message;
  };
  EXPECT_NE(message(shares[0], earlier[1]).find("share 2 is of another split"), std::string::npos);
  shares[2].secret.data()[5] ^= 1;
  EXPECT_NE(message(shares[0], shares[2]).find("share 3 is not the one"), std::string::npos);
}

TEST_F(KeyRotationTest, KeysBehindSharesCanBeChangedAndTheRootKeyWithoutThem) {
  const std::array<VaultShare, 3> shares = SplitVaultKeys(Access()).value();
  EXPECT_EQ(RotateKey(Access(), Change("subject-wrap")).error().code, ErrorCode::kDenied);
  ASSERT_TRUE(RotateKey(Access(), Change("token")));
  ASSERT_TRUE(RotateKey(Access(shares), Change("subject-wrap")));
  ASSERT_TRUE(RotateRootInFile(Access(), "keys/root.key"));
  const SecretBytes root = LoadRootKey(fs_, "keys/root.key").value();
  EXPECT_FALSE(LoadVaultKeys(fs_, "keys", root));
  const VaultKeys keys = LoadVaultKeys(fs_, "keys", root, shares).value();
  EXPECT_EQ(keys.subject_wrap_keys.entries().size(), 2U);
  const KeyStatus closed = ReadKeyStatus({&fs_, "keys", &root, {}, kNow}).value();
  EXPECT_TRUE(closed.vault_split && !closed.vault_open);
  ASSERT_TRUE(JoinVaultKeys({&fs_, "keys", &root, shares, kNow}));
  EXPECT_TRUE(LoadVaultKeys(fs_, "keys"));
}

TEST(VaultShares, TextIsCheckedToTheLastCharacter) {
  const NewVaultSplit made = SplitVaultRoot();
  const std::string text(FormatVaultShare(made.shares[1]).view());
  EXPECT_TRUE(text.starts_with("bulkhead-share-2-"));
  const VaultShare read = ParseVaultShare(" " + text + "\n").value();
  EXPECT_EQ(read.number, 2);
  EXPECT_EQ(read.split, made.shares[1].split);
  EXPECT_EQ(read.secret.view(), made.shares[1].secret.view());
  for (size_t i = 0; i < text.size(); ++i) {
    for (const char other : {'0', 'f', 'F', '-', '3', 'x'}) {
      std::string changed = text;
      changed[i] = other;
      EXPECT_EQ(ParseVaultShare(changed).has_value(), changed == text) << changed;
    }
    EXPECT_FALSE(ParseVaultShare(text.substr(0, i)));
  }
  EXPECT_FALSE(ParseVaultShare(text + "0"));
  std::string mistyped = text;
  mistyped[40] = mistyped[40] == 'a' ? 'b' : 'a';
  EXPECT_NE(ParseVaultShare(mistyped).error().message.find("share 2 is mistyped"),
            std::string::npos);
}

// --- The list of keys ---

TEST(KeyBundle, OnlyWhatIsWrittenIsRead) {
  std::vector<KeyEntry> entries;
  AddNewestKey(&entries, GenerateKey(KeyPurpose::kSession, 7, 5));
  AddNewestKey(&entries, GenerateKey(KeyPurpose::kStore, 1, 5));
  AddNewestKey(&entries, GenerateKey(KeyPurpose::kStore, 4, 6));
  AddNewestKey(&entries, GenerateKey(KeyPurpose::kCoreLog, 1, 5));
  const SecretBytes bundle = EncodeKeyBundle(KeyScope::kCore, entries);
  const std::vector<KeyEntry> read = DecodeKeyBundle(KeyScope::kCore, bundle.view()).value();
  ASSERT_EQ(read.size(), 4U);
  EXPECT_EQ(read[0].state, KeyState::kOld);
  EXPECT_EQ(read[1].id, 4U);
  EXPECT_EQ(read[1].from_ms, 6);
  EXPECT_EQ(EncodeKeyBundle(KeyScope::kCore, read).view(), bundle.view());
  EXPECT_FALSE(DecodeKeyBundle(KeyScope::kFileMain, bundle.view()));
  const std::string bytes(bundle.view());
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(DecodeKeyBundle(KeyScope::kCore, std::string_view(bytes).substr(0, i))) << i;
  }
  EXPECT_FALSE(DecodeKeyBundle(KeyScope::kCore, bytes + "x"));
  const auto with = [&](size_t at, char byte) {
    std::string changed = bytes;
    changed[at] = byte;
    return DecodeKeyBundle(KeyScope::kCore, changed).has_value();
  };
  EXPECT_FALSE(with(4, 3));        // version
  EXPECT_FALSE(with(6, 3));        // one entry fewer
  EXPECT_FALSE(with(8, 1));        // a pseudonym key is not core's
  EXPECT_FALSE(with(8, 0));        // no purpose
  EXPECT_FALSE(with(9, 1));        // two newest
  EXPECT_FALSE(with(9, 3));        // no such state
  EXPECT_FALSE(with(10, 0));       // number zero
  EXPECT_FALSE(with(10, 4));       // the same number twice
  EXPECT_FALSE(with(8 + 47, 2));   // no newest
  EXPECT_FALSE(with(8 + 46, 6));   // out of order
  EXPECT_TRUE(with(8 + 14, 'x'));  // a key's own byte is anything
}

}  // namespace
}  // namespace bulkhead
