#include "base/file_system.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "base/faulty_file_system.h"

namespace bulkhead {
namespace {

// What both file systems promise.
void ExerciseFileSystem(FileSystem& fs, const std::string& dir) {
  ASSERT_TRUE(fs.CreateDirs(dir + "/a/b"));
  ASSERT_TRUE(fs.CreateDirs(dir + "/a/b"));
  const std::string path = dir + "/a/b/file";
  EXPECT_EQ(fs.ReadWhole(path).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(fs.OpenAppend(dir + "/none/file").error().code, ErrorCode::kNotFound);
  {
    const auto file = fs.OpenAppend(path).value();
    ASSERT_TRUE(file->Append("hello "));
    ASSERT_TRUE(file->Append("world"));
    ASSERT_TRUE(file->Sync());
    ASSERT_TRUE(file->Truncate(8));
    ASSERT_TRUE(file->Append("!"));
  }
  EXPECT_EQ(fs.ReadWhole(path).value(), "hello wo!");
  EXPECT_EQ(fs.Map(path).value()->bytes(), "hello wo!");
  const auto reader = fs.OpenRead(path).value();
  EXPECT_EQ(reader->ReadAt(6, 100).value(), "wo!");
  EXPECT_EQ(reader->ReadAt(100, 5).value(), "");
  EXPECT_EQ(reader->Size().value(), 9U);
  ASSERT_TRUE(fs.WriteFileAtomically(path, "new"));
  EXPECT_EQ(fs.ReadWhole(path).value(), "new");
  EXPECT_EQ(fs.List(dir + "/a/b").value(), std::vector<std::string>{"file"});
  EXPECT_EQ(fs.List(dir + "/a").value(), std::vector<std::string>{"b"});
  ASSERT_TRUE(fs.Rename(path, path + "2"));
  EXPECT_FALSE(fs.Exists(path));
  EXPECT_TRUE(fs.Exists(path + "2"));
  ASSERT_TRUE(fs.Remove(path + "2"));
  EXPECT_FALSE(fs.Remove(path + "2"));
  EXPECT_GT(fs.FreeBytes(dir).value(), 0U);
  ASSERT_TRUE(fs.WriteFileAtomically(path, ""));
  EXPECT_EQ(fs.Map(path).value()->bytes(), "");
}

TEST(FileSystem, TheRealOne) {
  const auto dir =
      std::filesystem::temp_directory_path() / ("bulkhead_base_test_" + std::to_string(::getpid()));
  ExerciseFileSystem(RealFileSystem(), dir);
  std::filesystem::remove_all(dir);
}

TEST(FileSystem, TheFaultyOneWithoutFaults) {
  FaultyFileSystem fs;
  ExerciseFileSystem(fs, "/data");
}

TEST(FaultyFileSystem, APowerLossKeepsWhatWasSynced) {
  FaultyFileSystem fs;
  ASSERT_TRUE(fs.CreateDirs("/d"));
  const auto file = fs.OpenAppend("/d/f").value();
  ASSERT_TRUE(file->Append("synced"));
  ASSERT_TRUE(file->Sync());
  EXPECT_FALSE(fs.CloneAfterCrash(CrashKeeps::kSyncedOnly)->Exists("/d/f")) << "its name was not";
  ASSERT_TRUE(fs.SyncDir("/d"));
  ASSERT_TRUE(file->Append(" not"));
  EXPECT_EQ(fs.CloneAfterCrash(CrashKeeps::kSyncedOnly)->ReadWhole("/d/f").value(), "synced");
  EXPECT_EQ(fs.CloneAfterCrash(CrashKeeps::kEverything)->ReadWhole("/d/f").value(), "synced not");
  EXPECT_EQ(fs.CloneAfterCrash(CrashKeeps::kEverything)
                ->CloneAfterCrash(CrashKeeps::kSyncedOnly)
                ->ReadWhole("/d/f")
                .value(),
            "synced");
}

TEST(FaultyFileSystem, AFailedSyncLosesItsBytesEvenIfALaterOneSucceeds) {
  FaultyFileSystem fs;
  ASSERT_TRUE(fs.CreateDirs("/d"));
  const auto file = fs.OpenAppend("/d/f").value();
  ASSERT_TRUE(fs.SyncDir("/d"));
  ASSERT_TRUE(file->Append("lost"));
  fs.FailAt(0, Fault::kIoError);
  EXPECT_FALSE(file->Sync());
  ASSERT_TRUE(file->Append("kept"));
  ASSERT_TRUE(file->Sync());
  EXPECT_EQ(fs.ReadWhole("/d/f").value(), "lostkept");
  EXPECT_EQ(fs.CloneAfterCrash(CrashKeeps::kSyncedOnly)->ReadWhole("/d/f").value(),
            std::string(4, '\0') + "kept");
}

TEST(FaultyFileSystem, AtomicWritesHaveOldOrNewBytesAtEveryFault) {
  for (const Fault fault : {Fault::kIoError, Fault::kShortWrite, Fault::kCrash}) {
    for (uint64_t step = 0; step < 8; ++step) {
      FaultyFileSystem fs;
      ASSERT_TRUE(fs.CreateDirs("/d"));
      ASSERT_TRUE(fs.WriteFileAtomically("/d/f", "old bytes"));
      fs.FailAt(step, fault);
      const bool written = fs.WriteFileAtomically("/d/f", "new").has_value();
      for (uint64_t seed = 0; seed < 8; ++seed) {
        const std::string now =
            fs.CloneAfterCrash(CrashKeeps::kSome, seed)->ReadWhole("/d/f").value();
        EXPECT_TRUE(now == "new" || (now == "old bytes" && !written)) << now;
      }
    }
  }
}

TEST(FileSystem, OnlyTheGroupReadableOneLetsTheGroupRead) {
  const std::string dir = testing::TempDir() + "bulkhead-modes-" + std::to_string(::getpid());
  const auto modes = [&](FileSystem& fs) {
    EXPECT_TRUE(fs.CreateDirs(dir));
    EXPECT_TRUE(fs.WriteFileAtomically(dir + "/file", "x"));
    const auto folder = std::filesystem::status(dir).permissions();
    const auto file = std::filesystem::status(dir + "/file").permissions();
    std::filesystem::remove_all(dir);
    return std::pair(static_cast<int>(folder), static_cast<int>(file));
  };
  const mode_t before = ::umask(0027);
  EXPECT_EQ(modes(RealFileSystem()), std::pair(0700, 0600));
  EXPECT_EQ(modes(GroupReadableFileSystem()), std::pair(0750, 0640));
  ::umask(before);
}

TEST(FileSystem, ALockKeepsOthersWaiting) {
  const std::string path = testing::TempDir() + "bulkhead-lock-" + std::to_string(::getpid());
  auto lock = RealFileSystem().Lock(path);
  ASSERT_TRUE(lock);
  std::atomic<bool> held = false;
  std::thread other([&] { held = RealFileSystem().Lock(path).has_value(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(held);
  lock->reset();
  other.join();
  EXPECT_TRUE(held);
  std::filesystem::remove(path);
  EXPECT_FALSE(RealFileSystem().Lock("/nonexistent/lock"));

  FaultyFileSystem fs;
  auto first = fs.Lock("/lock");
  EXPECT_TRUE(first);
  EXPECT_FALSE(fs.Lock("/lock"));
  first->reset();
  EXPECT_TRUE(fs.Lock("/lock"));
}

}  // namespace
}  // namespace bulkhead
