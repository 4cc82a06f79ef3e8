#include "incident/incident_store.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/faulty_file_system.h"
#include "incident/incident_versions_fixture.h"

namespace bulkhead {
namespace {

constexpr const char* kDir = "/data/egress/incidents";

class IncidentStoreTest : public testing::Test {
 protected:
  IncidentStore Open() { return *IncidentStore::Open(fs_, kDir, keys_); }
  static std::string Bytes(const IncidentVersion& version) {
    return EncodeIncidentVersion(version);
  }

  FaultyFileSystem fs_;
  KeyRing keys_ = TestRing({1});
};

TEST_F(IncidentStoreTest, KeepsEveryVersionAndOverwritesNone) {
  IncidentStore store = Open();
  EXPECT_EQ(store.Versions("2025-11-26-1").error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(store.Add(FullVersion(1)));
  ASSERT_TRUE(store.Add(FullVersion(2)));
  EXPECT_EQ(store.Add(FullVersion(2)).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store.Add(FullVersion(4)).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store.Add(FullVersion(1, "../../vendors/x")).error().code, ErrorCode::kInvalid);
  const auto versions = Open().Versions("2025-11-26-1");
  ASSERT_TRUE(versions);
  ASSERT_EQ(versions->size(), 2U);
  EXPECT_EQ(Bytes((*versions)[0]), Bytes(FullVersion(1)));
  EXPECT_EQ(Bytes((*versions)[1]), Bytes(FullVersion(2)));
}

TEST_F(IncidentStoreTest, NamesIncidentsByTheirDay) {
  IncidentStore store = Open();
  for (int i = 0; i < 11; ++i) {
    const auto id = store.NextId(20'418);
    ASSERT_TRUE(id);
    EXPECT_EQ(*id, "2025-11-26-" + std::to_string(i + 1));
    ASSERT_TRUE(store.Add(FullVersion(1, *id)));
  }
  EXPECT_EQ(*store.NextId(20'419), "2025-11-27-1");
  EXPECT_EQ(store.List()->at(10), "2025-11-26-11");
}

TEST_F(IncidentStoreTest, NothingOfAVersionIsPlainOnDisk) {
  ASSERT_TRUE(Open().Add(FullVersion(1)));
  const std::string file = *fs_.ReadWhole(std::string(kDir) + "/2025-11-26-1.1");
  for (const char* needle : {"acme", "plan", "controller", "DE", "export at", "org0"}) {
    EXPECT_EQ(file.find(needle), std::string::npos) << needle;
  }
}

TEST_F(IncidentStoreTest, AVersionThatWasTakenOutChangedOrExchangedIsMissed) {
  IncidentStore store = Open();
  for (const uint32_t number : {1U, 2U, 3U}) ASSERT_TRUE(store.Add(FullVersion(number)));
  const std::string path = std::string(kDir) + "/2025-11-26-1.2";
  const std::string good = *fs_.ReadWhole(path);
  ASSERT_TRUE(fs_.WriteFileAtomically(path, *fs_.ReadWhole(std::string(kDir) + "/2025-11-26-1.1")));
  EXPECT_EQ(IncidentStore::Open(fs_, kDir, keys_).error().code, ErrorCode::kCorruption);
  ASSERT_TRUE(fs_.WriteFileAtomically(path, good));
  ASSERT_TRUE(IncidentStore::Open(fs_, kDir, keys_));
  fs_.Damage(path, [](std::string* bytes) { bytes->back() ^= 1; });
  EXPECT_EQ(IncidentStore::Open(fs_, kDir, keys_).error().code, ErrorCode::kCorruption);
  ASSERT_TRUE(fs_.Remove(path));
  EXPECT_EQ(IncidentStore::Open(fs_, kDir, keys_).error().code, ErrorCode::kCorruption);
  EXPECT_EQ(store.Add(FullVersion(4)).error().code, ErrorCode::kCorruption);
}

TEST_F(IncidentStoreTest, NewKeysTakeOver) {
  ASSERT_TRUE(Open().Add(FullVersion(1)));
  const KeyRing both = TestRing({1, 2});
  const KeyRing newer = TestRing({2});
  EXPECT_EQ(IncidentStore::Open(fs_, kDir, newer).error().code, ErrorCode::kUnavailable);
  ASSERT_TRUE(IncidentStore::Open(fs_, kDir, both));
  const auto store = IncidentStore::Open(fs_, kDir, newer);
  ASSERT_TRUE(store);
  EXPECT_EQ(Bytes(store->Versions("2025-11-26-1")->front()), Bytes(FullVersion(1)));
}

// Whatever step fails or ends in a power loss: what was answered is there, what failed may be said
// again, and nothing else is changed.
TEST_F(IncidentStoreTest, EveryFaultLeavesTheVersionsThatWereKept) {
  ASSERT_TRUE(Open().Add(FullVersion(1)));
  for (const Fault fault : {Fault::kIoError, Fault::kNoSpace, Fault::kShortWrite, Fault::kCrash}) {
    bool reached_end = false;
    for (uint64_t step = 0; !reached_end; ++step) {
      const auto fs = fs_.CloneAfterCrash(CrashKeeps::kEverything);
      auto store = IncidentStore::Open(*fs, kDir, keys_);
      ASSERT_TRUE(store);
      const uint64_t before = fs->steps();
      fs->FailAt(step, fault);
      const bool added = store->Add(FullVersion(2)).has_value();
      reached_end = fs->steps() - before <= step;
      if (fault != Fault::kCrash) {
        fs->Heal();
        ASSERT_TRUE(added || store->Add(FullVersion(2)) ||
                    store->Versions("2025-11-26-1")->size() == 2)
            << step;
      }
      for (const CrashKeeps keeps :
           {CrashKeeps::kSyncedOnly, CrashKeeps::kEverything, CrashKeeps::kSome}) {
        const auto after = fs->CloneAfterCrash(keeps, step);
        const auto opened = IncidentStore::Open(*after, kDir, keys_);
        ASSERT_TRUE(opened) << opened.error().message;
        const auto versions = opened->Versions("2025-11-26-1");
        ASSERT_TRUE(versions);
        EXPECT_EQ(Bytes(versions->front()), Bytes(FullVersion(1)));
        if (added) {
          ASSERT_EQ(versions->size(), 2U) << "step " << step;
          EXPECT_EQ(Bytes(versions->back()), Bytes(FullVersion(2)));
        }
      }
    }
  }
}

}  // namespace
}  // namespace bulkhead
