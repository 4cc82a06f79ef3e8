#include "main/key_use.h"

#include <gtest/gtest.h>

#include <future>
#include <string>

#include "base/faulty_file_system.h"
#include "crypto/key_file.h"
#include "crypto/sealed_file.h"
#include "log/log_writer.h"

namespace bulkhead {
namespace {

bool Needs(FileSystem& fs, const KeyFact& key) {
  return DataNeedsKey(fs, DataDirectory("d"), key).value().value();
}

KeyFact LogKey(const SealKeyPair& pair) {
  return {KeyPurpose::kCoreLog, KeyState::kOld, 1, 0, pair.public_key};
}

TEST(KeyUse, ALogFileNeedsTheKeysOfItsReadersUntilItIsTrimmed) {
  FaultyFileSystem fs;
  const SealKeyPair before = GenerateSealKeyPair();
  const SealKeyPair after = GenerateSealKeyPair();
  EXPECT_FALSE(Needs(fs, LogKey(before)));
  auto log = LogWriter::Open(fs, "d/log", {before.public_key}).value();
  const auto append = [&] {
    std::promise<uint64_t> at;
    log->Append("record", [&](Result<uint64_t> done) { at.set_value(done.value()); });
    return at.get_future().get();
  };
  append();
  EXPECT_TRUE(Needs(fs, LogKey(before)));
  EXPECT_FALSE(Needs(fs, LogKey(after)));
  ASSERT_TRUE(log->SetReaders({after.public_key}));
  std::promise<uint64_t> rolled;
  log->Roll([&](Result<uint64_t> start) { rolled.set_value(start.value()); });
  const uint64_t start = rolled.get_future().get();
  append();
  EXPECT_TRUE(Needs(fs, LogKey(before)));
  EXPECT_TRUE(Needs(fs, LogKey(after)));
  ASSERT_TRUE(log->TrimBefore(start));
  EXPECT_FALSE(Needs(fs, LogKey(before)));
}

TEST(KeyUse, TheStoreNeedsTheKeyThatItsManifestsNameAndTheSavedFunnels) {
  FaultyFileSystem fs;
  KeyRing ring(RandomSecret(kKeyBytes));
  const auto write = [&](const std::string& path, std::string_view magic) {
    ASSERT_TRUE(fs.CreateDirs(path.substr(0, path.rfind('/'))));
    ASSERT_TRUE(fs.WriteFileAtomically(path, EncryptFile(ring, {magic, "1"}, {}, "body")));
  };
  const KeyFact first{KeyPurpose::kStore, KeyState::kOld, 1, 0, {}};
  const KeyFact second{KeyPurpose::kStore, KeyState::kNewest, 2, 0, {}};
  const std::string_view manifest{"BHMAN\0\0\2", 8};
  const std::string_view funnels{"BHFUN\0\0\2", 8};
  EXPECT_FALSE(Needs(fs, first));
  ASSERT_TRUE(fs.CreateDirs("d/store/1"));
  write("d/store/1/MANIFEST", manifest);
  write("d/store/funnels-1.json", funnels);
  ASSERT_TRUE(fs.CreateDirs("d/store/2"));  // a project without a manifest yet
  EXPECT_TRUE(Needs(fs, first));
  ring.Add(2, RandomSecret(kKeyBytes));
  write("d/store/1/MANIFEST", manifest);
  EXPECT_TRUE(Needs(fs, first));
  write("d/store/funnels-1.json", funnels);
  EXPECT_FALSE(Needs(fs, first));
  EXPECT_TRUE(Needs(fs, second));
  ASSERT_TRUE(fs.WriteFileAtomically("d/store/funnels-2.json", "[]"));  // from before encryption
  EXPECT_FALSE(Needs(fs, first));
  ASSERT_TRUE(fs.WriteFileAtomically("d/store/2/MANIFEST", manifest));
  EXPECT_FALSE(DataNeedsKey(fs, DataDirectory("d"), first));  // cut off: nobody can tell
}

TEST(KeyUse, ForOtherKeysFilesDoNotTell) {
  FaultyFileSystem fs;
  const KeyFact key{KeyPurpose::kSubjectWrap, KeyState::kOld, 1, 0, {}};
  EXPECT_FALSE(DataNeedsKey(fs, DataDirectory("d"), key).value().has_value());
}

}  // namespace
}  // namespace bulkhead
