// A log that is failed or stopped at every step of the file system: it opens and verifies, has
// every entry that was acknowledged, and never signs two histories.
#include <map>

#include "audit/log_fixture.h"
#include "audit/merkle_tree.h"

namespace bulkhead {
namespace {

struct History {
  std::vector<std::string> acknowledged;   // purposes, by index
  std::map<uint64_t, TreeHash> published;  // root by size
};

class AuditCrashTest : public AuditLogTest {
 protected:
  // Every checkpoint that leaves the log, or that lies readable on disk, is noted here.
  void Note(History* history, std::string_view checkpoint) {
    const Result<Checkpoint> opened = OpenCheckpoint(checkpoint, TestLogKeys());
    if (opened) {
      const auto [at, is_new] = history->published.emplace(opened->size, opened->root);
      EXPECT_EQ(at->second, opened->root) << "two roots at size " << opened->size;
    }
  }

  void NoteDisk(History* history, FileSystem& fs) {
    for (const char* name : {"checkpoint", "checkpoint.tmp"}) {
      if (const Result<std::string> bytes = fs.ReadWhole(Path(name))) {
        Note(history, *bytes);
      }
    }
  }

  Result<std::unique_ptr<AuditLog>> OpenNoting(FileSystem& fs, History* history) {
    AuditLogOptions options = TestLogOptions(clock_);
    options.published = [this, history](const std::string& text) { Note(history, text); };
    return AuditLog::Open(fs, kTestLogDir, std::move(options));
  }

  // Appends entries until one fails, at most `count`.
  void Append(AuditLog& log, int count, History* history) {
    for (int i = 0; i < count; ++i) {
      AuditEntry entry = TestReveal("entry " + std::to_string(++number_));
      entry.subjects = {TestSubject(number_), TestSubject(1)};
      const Result<AuditReceipt> receipt = log.Append(entry);
      if (!receipt) {
        return;
      }
      ASSERT_GE(receipt->index, history->acknowledged.size());
      history->acknowledged.resize(receipt->index + 1);
      history->acknowledged[receipt->index] = entry.purpose;
    }
  }

  void ExpectWhole(FileSystem& fs, History* history, const std::string& what) {
    NoteDisk(history, fs);
    Result<std::unique_ptr<AuditLog>> log = OpenNoting(fs, history);
    ASSERT_TRUE(log) << what << ": " << log.error().message;
    const Result<AuditLogReport> report = Verify(fs);
    ASSERT_TRUE(report) << what << ": " << report.error().message;
    EXPECT_TRUE(report->strays.empty()) << what << ": " << report->strays.front();
    EXPECT_EQ(report->missing_sets, 0U) << what;
    AuditReader reader = *(*log)->Read();
    ASSERT_GE(reader.size(), history->acknowledged.size()) << what;
    for (uint64_t i = 0; i < history->acknowledged.size(); ++i) {
      if (!history->acknowledged[i].empty()) {
        EXPECT_EQ(reader.Record(i)->entry.purpose, history->acknowledged[i]) << what;
      }
    }
    // What was ever signed is a beginning of what is there now.
    for (const auto& [size, root] : history->published) {
      ASSERT_LE(size, reader.size()) << what;
      EXPECT_EQ(*reader.RootAt(size), root) << what << ", size " << size;
    }
    Append(**log, 2, history);
    NoteDisk(history, fs);
    EXPECT_TRUE(Verify(fs)) << what << ": " << Verify(fs).error().message;
  }

  // They only make each of the many copies of the log larger.
  void DropOlderPartialTiles(uint64_t size) {
    for (uint64_t width = 1; width < size % kTileWidth; ++width) {
      for (const std::string& name :
           {TilePath({0, size / kTileWidth, width}), BundlePath(size / kTileWidth, width)}) {
        ASSERT_TRUE(fs_->Remove(Path(name)));
      }
    }
    for (const char* dir : {"tile/0/", "tile/entries/"}) {
      ASSERT_TRUE(fs_->SyncDir(Path(dir + NumberPath(size / kTileWidth) + ".p")) || size == 0);
    }
  }

  // From a log of `before` entries, so that the fault falls on small trees and on full tiles.
  void FaultAtEveryStep(uint64_t before, Fault fault) {
    Fill(before);
    DropOlderPartialTiles(before);
    const std::unique_ptr<FaultyFileSystem> start = fs_->CloneAfterCrash(CrashKeeps::kSyncedOnly);
    for (uint64_t step = 0;; ++step) {
      number_ = 0;
      History history;
      history.acknowledged.resize(before);
      std::unique_ptr<FaultyFileSystem> fs = start->CloneAfterCrash(CrashKeeps::kEverything);
      fs->FailAt(step, fault);
      const uint64_t first = fs->steps();
      if (Result<std::unique_ptr<AuditLog>> log = OpenNoting(*fs, &history)) {
        Append(**log, 4, &history);
        NoteDisk(&history, *fs);
        if (fault != Fault::kCrash) {
          Append(**log, 3, &history);  // it goes on once the fault is over
        }
      }
      const bool done = fs->steps() - first <= step;
      const std::string what = std::to_string(before) + " entries, step " + std::to_string(step);
      if (fault != Fault::kCrash) {
        History copy = history;
        ExpectWhole(*fs->CloneAfterCrash(CrashKeeps::kEverything), &copy, what);
      }
      for (uint64_t seed = 0; seed < 4; ++seed) {
        History copy = history;
        const CrashKeeps keeps = seed == 0   ? CrashKeeps::kSyncedOnly
                                 : seed == 1 ? CrashKeeps::kEverything
                                             : CrashKeeps::kSome;
        const auto crashed = fs->CloneAfterCrash(keeps, seed + step);
        ExpectWhole(*crashed, &copy, what + ", seed " + std::to_string(seed));
      }
      if (testing::Test::HasFailure() || done) {
        return;
      }
    }
  }

  uint64_t number_ = 0;
};

TEST_F(AuditCrashTest, CrashInASmallLog) { FaultAtEveryStep(0, Fault::kCrash); }
TEST_F(AuditCrashTest, CrashWhereATileBecomesFull) { FaultAtEveryStep(254, Fault::kCrash); }
TEST_F(AuditCrashTest, CrashBehindFullTiles) { FaultAtEveryStep(257, Fault::kCrash); }
TEST_F(AuditCrashTest, IoError) { FaultAtEveryStep(3, Fault::kIoError); }
TEST_F(AuditCrashTest, IoErrorWhereATileBecomesFull) { FaultAtEveryStep(254, Fault::kIoError); }
TEST_F(AuditCrashTest, NoSpace) { FaultAtEveryStep(254, Fault::kNoSpace); }
TEST_F(AuditCrashTest, ShortWrite) { FaultAtEveryStep(254, Fault::kShortWrite); }

TEST_F(AuditCrashTest, AFullDiskRefusesAndTheLogGoesOnWhenThereIsRoom) {
  const std::unique_ptr<AuditLog> log = Open();
  ASSERT_TRUE(log->Append(TestReveal()));
  fs_->FailAt(0, Fault::kNoSpace, 1'000'000);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(log->Append(TestReveal()).error().code, ErrorCode::kUnavailable);
  }
  fs_->Heal();
  ASSERT_TRUE(log->Append(TestReveal()));
  EXPECT_EQ(Verify()->checkpoint.size, 2U);
}

// Forgetting is all or nothing, and a table that was cut off in writing loses nothing that the log
// needs.
TEST_F(AuditCrashTest, ForgettingASubject) {
  {
    const std::unique_ptr<AuditLog> log = Open();
    AuditEntry entry = TestReveal();
    entry.subjects = {TestSubject(1), TestSubject(2)};
    ASSERT_TRUE(log->Append(entry));
  }
  for (uint64_t step = 0; step < 40; ++step) {
    const auto fs = fs_->CloneAfterCrash(CrashKeeps::kEverything);
    fs->FailAt(step, Fault::kCrash);
    const Result<std::unique_ptr<AuditLog>> log = TryOpen(*fs);
    const bool forgotten =
        log && (*log)->ForgetSubjects(std::vector<SubjectId>{TestSubject(1)}).has_value();
    for (uint64_t seed = 0; seed < 3; ++seed) {
      const auto crashed = fs->CloneAfterCrash(CrashKeeps::kSome, seed);
      const std::unique_ptr<AuditLog> again = *TryOpen(*crashed);
      const SubjectsSeen seen = *again->ListSubjectsSeen({TestReveal().actor, 0, INT64_MAX});
      EXPECT_EQ(seen.subjects.size() + seen.forgotten, 2U);
      EXPECT_TRUE(!forgotten || seen.forgotten == 1) << step;
    }
  }
}

}  // namespace
}  // namespace bulkhead
