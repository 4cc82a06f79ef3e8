// What the store's files tell without the key (nothing but sizes), and that changed, cut, swapped
// and foreign ones are refused.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "store/expect_same.h"
#include "store/golden_store.h"
#include "store/manifest.h"
#include "store/segment_dump.h"

namespace bulkhead {
namespace {

std::string Code(const Result<std::unique_ptr<Store>>& opened) {
  if (opened) return "opened";
  switch (opened.error().code) {
    case ErrorCode::kDenied:
      return "denied";
    case ErrorCode::kCorruption:
      return "corruption";
    default:
      return "other: " + opened.error().message;
  }
}

std::string OpenWith(const Files& files, const KeyRing& keys = TestStoreKeys()) {
  FaultyFileSystem fs;
  PutFiles(&fs, files);
  StoreOptions options = GoldenOptions(&fs);
  options.keys = &keys;
  return Code(Store::Open(options));
}

// Opens and reads all of it; a damaged column shows when it is first used.
std::string ReadAll(const Files& files) {
  FaultyFileSystem fs;
  PutFiles(&fs, files);
  auto store = Store::Open(GoldenOptions(&fs));
  if (!store) return Code(store);
  const Result<void> merged = (*store)->Compact();  // reads every column of both segments
  return merged ? "read" : merged.error().code == ErrorCode::kCorruption ? "corruption" : "other";
}

Files GoldenFiles() {
  FaultyFileSystem fs;
  WriteGoldenStore(&fs);
  return FilesOf(&fs);
}

KeyRing RingOf(std::initializer_list<std::pair<uint32_t, char>> keys) {
  KeyRing ring;
  for (const auto& [id, fill] : keys) ring.Add(id, SecretBytes(std::string(kKeyBytes, fill)));
  return ring;
}

NaiveStore GoldenNaive() {
  NaiveStore naive;
  for (const Batch& batch : GoldenBatches()) naive.Apply(batch);
  return naive;
}

std::string NameWith(const Files& files, std::string_view prefix) {
  for (const auto& [name, bytes] : files) {
    if (name.starts_with(prefix)) return name;
  }
  return "";
}

Files ReadGolden(const std::string& name) {
  std::ifstream in(std::string(BULKHEAD_SOURCE_DIR) + "/test/golden/store/" + name);
  Files files;
  std::string line;
  std::string at;
  while (std::getline(in, line)) {
    if (line.starts_with("file ")) {
      at = line.substr(5);
    } else {
      files[at] += *HexDecode(line);
    }
  }
  return files;
}

TEST(StoreEncryption, NothingOfWhatIsStoredIsInAFile) {
  const Files files = GoldenFiles();
  ASSERT_EQ(files.size(), 4U);
  for (const auto& [name, bytes] : files) {
    for (const std::string_view needle : kGoldenNeedles) {
      EXPECT_EQ(bytes.find(needle), std::string::npos) << name << " holds " << needle;
    }
    for (uint32_t i = 0; i < 4; ++i) {
      const SubjectId id = TestSubject(i);
      const std::string raw(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
      EXPECT_EQ(bytes.find(raw), std::string::npos) << name << " holds a person's id";
      EXPECT_EQ(bytes.find(id.ToHex()), std::string::npos) << name;
    }
    EXPECT_EQ(bytes.find(std::string(kKeyBytes, 's')), std::string::npos) << name;
  }
  // The search finds what is there: the same in the files of before encryption.
  const Files plain = ReadGolden("plain.txt");
  size_t found = 0;
  for (const auto& [name, bytes] : plain) {
    for (const std::string_view needle : kGoldenNeedles) {
      found += bytes.find(needle) != std::string::npos ? 1 : 0;
    }
  }
  EXPECT_GT(found, 4U);
}

TEST(StoreEncryption, TheSameHistoryGivesOtherBytesEachTime) {
  const Files one = GoldenFiles();
  const Files two = GoldenFiles();
  for (const auto& [name, bytes] : one) {
    EXPECT_EQ(bytes.size(), two.at(name).size());
    EXPECT_NE(bytes, two.at(name));
  }
}

TEST(StoreEncryption, AnotherKeyIsRefusedAndSaidSo) {
  const Files files = GoldenFiles();
  EXPECT_EQ(OpenWith(files), "opened");
  EXPECT_EQ(OpenWith(files, RingOf({{1, 'x'}})), "corruption");
  EXPECT_EQ(OpenWith(files, RingOf({{2, 's'}})), "denied");
  FaultyFileSystem fs;
  PutFiles(&fs, files);
  StoreOptions options = GoldenOptions(&fs);
  options.owner = "2";
  EXPECT_EQ(Code(Store::Open(options)), "corruption");
  EXPECT_EQ(FilesOf(&fs), files);  // refused before anything was touched
}

TEST(StoreEncryption, EveryChangedByteIsFound) {
  const Files files = GoldenFiles();
  ASSERT_EQ(ReadAll(files), "read");
  for (const auto& [name, bytes] : files) {
    for (size_t at = 0; at < bytes.size(); ++at) {
      Files changed = files;
      changed[name][at] = static_cast<char>(changed[name][at] ^ 0x10);
      const std::string found = ReadAll(changed);
      EXPECT_TRUE(found == "corruption" || found == "denied") << name << " " << at << " " << found;
    }
  }
}

TEST(StoreEncryption, EveryCutIsFound) {
  const Files files = GoldenFiles();
  for (const auto& [name, bytes] : files) {
    for (size_t size = 0; size < bytes.size(); ++size) {
      Files cut = files;
      cut[name].resize(size);
      EXPECT_EQ(OpenWith(cut), "corruption") << name << " " << size;
    }
    Files longer = files;
    longer[name] += "x";
    EXPECT_EQ(OpenWith(longer), "corruption") << name;
    Files missing = files;
    missing.erase(name);
    EXPECT_EQ(OpenWith(missing), "corruption") << name;
  }
}

TEST(StoreEncryption, FilesOfOtherPlacesAndTimesAreFound) {
  const Files files = GoldenFiles();
  const Files other = GoldenFiles();  // as an old copy of the same store has other keys
  const std::string first = NameWith(files, "segment-");
  for (const auto& [name, bytes] : files) {
    Files mixed = files;
    mixed[name] = other.at(name);
    EXPECT_EQ(OpenWith(mixed), "corruption") << name;
  }
  Files swapped = files;
  std::swap(swapped[first], swapped["segment-0000000002"]);
  EXPECT_EQ(OpenWith(swapped), "corruption");
  Files plain = files;
  plain[first] = ReadGolden("plain.txt").at("segment-0000000001");
  EXPECT_EQ(OpenWith(plain), "corruption");
  plain = files;
  plain["people-0000000003"] = ReadGolden("plain.txt").at("people-0000000003");
  EXPECT_EQ(OpenWith(plain), "corruption");
}

TEST(StoreEncryption, BlocksCannotChangePlaces) {
  const Files files = GoldenFiles();
  const std::string name = NameWith(files, "segment-");
  // Person ids (4 × 16 and the tag) lie first, behind the head.
  constexpr size_t kHead = 16;
  constexpr size_t kIds = 4 * 16 + 16;
  Files moved = files;
  std::string& bytes = moved[name];
  bytes = bytes.substr(0, kHead) + bytes.substr(kHead + 8, kIds - 8) + bytes.substr(kHead, 8) +
          bytes.substr(kHead + kIds);
  ASSERT_EQ(bytes.size(), files.at(name).size());
  EXPECT_EQ(OpenWith(moved), "corruption");
}

// An old manifest together with the files of its time is a state that was once right: nothing in
// the directory tells. What does: the log, which is trimmed further, and the number of commits.
TEST(StoreEncryption, AWholeOldCopyIsToldByTheLog) {
  FaultyFileSystem fs;
  WriteGoldenStore(&fs);
  const Files old = FilesOf(&fs);
  uint64_t commits = 0;
  {
    auto store = Store::Open(GoldenOptions(&fs));
    ASSERT_TRUE((*store)->Apply(GoldenBatches()[0], 500, 600));
    ASSERT_TRUE((*store)->Flush());
    commits = (*store)->stats().commits;
  }
  FaultyFileSystem restored;
  PutFiles(&restored, old);
  StoreOptions options = GoldenOptions(&restored);
  options.log_begins_at = 600;
  EXPECT_EQ(Code(Store::Open(options)), "corruption");
  EXPECT_EQ(FilesOf(&restored), old);
  options.log_begins_at = 201;
  auto store = Store::Open(options);
  ASSERT_TRUE(store);
  EXPECT_LT((*store)->stats().commits, commits);
}

// An old manifest among the files of today names some that are gone.
TEST(StoreEncryption, AnOldManifestAloneIsFound) {
  FaultyFileSystem fs;
  WriteGoldenStore(&fs);
  const std::string old = FilesOf(&fs).at("MANIFEST");
  {
    auto store = Store::Open(GoldenOptions(&fs));
    ASSERT_TRUE((*store)->Compact());
  }
  Files files = FilesOf(&fs);
  files["MANIFEST"] = old;
  EXPECT_EQ(OpenWith(files), "corruption");
}

TEST(StoreEncryption, PlainStoresOpenAndBecomeEncrypted) {
  FaultyFileSystem fs;
  PutFiles(&fs, ReadGolden("plain.txt"));
  StoreOptions strict = GoldenOptions(&fs);
  strict.accept_plain = false;
  EXPECT_EQ(Code(Store::Open(strict)), "corruption");
  {
    auto store = Store::Open(GoldenOptions(&fs));
    ASSERT_TRUE(store) << store.error().message;
    ExpectSame(**store, GoldenNaive(), 2);
    EXPECT_EQ((*store)->stats().plain_segments, 2U);
    EXPECT_EQ((*store)->stats().ring_key, 0U);
    ASSERT_TRUE((*store)->Compact());
    EXPECT_EQ((*store)->stats().plain_segments, 0U);
  }
  {
    auto store = Store::Open(strict);
    ASSERT_TRUE(store) << store.error().message;
    ExpectSame(**store, GoldenNaive(), 2);
    // The people's file follows with the next change of a person.
    ASSERT_TRUE((*store)->Apply(GoldenBatches()[1], 201, 301));
    ASSERT_TRUE((*store)->Flush());
  }
  for (const auto& [name, bytes] : FilesOf(&fs)) {
    EXPECT_EQ(bytes.find("golden-needle"), std::string::npos) << name;
  }
}

// The files of version 2 stay readable. Rewrite with BULKHEAD_REWRITE_GOLDEN=1.
TEST(StoreEncryption, GoldenFilesOpen) {
  if (std::getenv("BULKHEAD_REWRITE_GOLDEN") != nullptr) {
    std::ofstream(std::string(BULKHEAD_SOURCE_DIR) + "/test/golden/store/encrypted.txt")
        << ToText(GoldenFiles());
  }
  FaultyFileSystem fs;
  const Files files = ReadGolden("encrypted.txt");
  ASSERT_EQ(files.size(), 4U);
  PutFiles(&fs, files);
  StoreOptions options = GoldenOptions(&fs);
  options.accept_plain = false;
  auto store = Store::Open(options);
  ASSERT_TRUE(store) << store.error().message;
  ExpectSame(**store, GoldenNaive(), 2);
}

TEST(StoreEncryption, DumpNeedsTheManifestAndTheKey) {
  FaultyFileSystem fs;
  WriteGoldenStore(&fs);
  const std::string path = "/store/segment-0000000001";
  const auto text = DumpSegment(fs, path, TestStoreKeys(), "1");
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("plan"), std::string::npos);
  EXPECT_FALSE(DumpSegment(fs, path, RingOf({{1, 'x'}}), "1"));
  EXPECT_FALSE(DumpSegment(fs, "/store/segment-0000000009", TestStoreKeys(), "1"));
}

TEST(StoreRewrap, TheOldKeyIsNoLongerNeeded) {
  FaultyFileSystem fs;
  WriteGoldenStore(&fs);
  const KeyRing both = RingOf({{1, 's'}, {2, 't'}});
  const KeyRing newest = RingOf({{2, 't'}});
  {
    auto store = Store::Open(GoldenOptions(&fs));
    ASSERT_TRUE(store);
    const Files before = FilesOf(&fs);
    EXPECT_EQ(OpenWith(before, newest), "denied");
    ASSERT_TRUE((*store)->RewrapAll(both));
    EXPECT_EQ((*store)->stats().ring_key, 2U);
    Files after = FilesOf(&fs);
    ASSERT_TRUE((*store)->RewrapAll(both));
    EXPECT_EQ(FilesOf(&fs), after);  // nothing to do
    after["MANIFEST"] = before.at("MANIFEST");
    EXPECT_EQ(after, before);  // the segments are as they were
    ASSERT_TRUE((*store)->Apply(GoldenBatches()[0], 500, 600));
    ASSERT_TRUE((*store)->Flush());  // goes on under the new key
  }
  EXPECT_EQ(OpenWith(FilesOf(&fs), newest), "opened");
  EXPECT_EQ(OpenWith(FilesOf(&fs), TestStoreKeys()), "denied");
}

// At every step and with whatever a power loss keeps, the ring with both keys opens the store.
TEST(StoreRewrap, SurvivesACrashAtEveryStep) {
  const KeyRing both = RingOf({{1, 's'}, {2, 't'}});
  for (uint64_t step = 0;; ++step) {
    FaultyFileSystem fs;
    WriteGoldenStore(&fs);
    auto store = Store::Open(GoldenOptions(&fs));
    ASSERT_TRUE(store);
    fs.FailAt(step, Fault::kCrash);
    const bool done = (*store)->RewrapAll(both).has_value();
    for (const CrashKeeps keeps :
         {CrashKeeps::kSyncedOnly, CrashKeeps::kEverything, CrashKeeps::kSome}) {
      const auto after = fs.CloneAfterCrash(keeps, step);
      StoreOptions options = GoldenOptions(after.get());
      options.keys = &both;
      auto again = Store::Open(options);
      ASSERT_TRUE(again) << step << " " << again.error().message;
      ExpectSame(**again, GoldenNaive(), 2);
      EXPECT_TRUE(!done || (*again)->stats().ring_key == 2U);
    }
    if (!fs.crashed()) break;
  }
}

}  // namespace
}  // namespace bulkhead
