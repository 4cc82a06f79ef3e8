#include "log/log_writer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <map>
#include <set>

#include "log/log_fixture.h"
#include "log/log_format.h"

namespace bulkhead {
namespace {

TEST(LogWriter, WhatWasAppendedIsReadBackAcrossFilesAndRestarts) {
  FaultyFileSystem fs;
  std::map<uint64_t, std::string> expected;
  for (int run = 0; run < 4; ++run) {
    const auto writer = MustOpen(fs, {.file_bytes = 300});
    for (int i = 0; i < 20; ++i) {
      const std::string payload = fmt::format("run {} record {}", run, i);
      const Result<uint64_t> position = AppendAndWait(*writer, payload);
      ASSERT_TRUE(position);
      EXPECT_TRUE(expected.emplace(*position, payload).second);
    }
    EXPECT_EQ(ReadAll(fs, 0, [&] { return writer->durable_end(); }).value(), expected);
  }
  EXPECT_EQ(ReadAll(fs).value(), expected);
  for (const auto& [position, payload] : expected) {
    EXPECT_EQ(ReadAll(fs, position)->begin()->first, position);
  }
}

TEST(LogWriter, RestartsWithNothingNewAddNoFiles) {
  FaultyFileSystem fs;
  ASSERT_TRUE(AppendAndWait(*MustOpen(fs), "a"));
  ASSERT_TRUE(AppendAndWait(*MustOpen(fs), "b"));
  MustOpen(fs);
  const size_t files = fs.List(kDir)->size();
  MustOpen(fs);
  MustOpen(fs);
  EXPECT_EQ(fs.List(kDir)->size(), files);
  EXPECT_EQ(ReadAll(fs)->size(), 2U);
}

TEST(LogWriter, RefusesWhatIsNoRecord) {
  FaultyFileSystem fs;
  const auto writer = MustOpen(fs);
  EXPECT_EQ(AppendAndWait(*writer, "").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(AppendAndWait(*writer, std::string(limits::kMaxLogRecordBytes + 1, 'x')).error().code,
            ErrorCode::kInvalid);
  EXPECT_TRUE(AppendAndWait(*writer, std::string(limits::kMaxLogRecordBytes, 'x')));
}

TEST(LogWriter, AnswersLimitBeforeTheDiskIsFullAndGoesOnAfterwards) {
  FaultyFileSystem fs;
  const auto writer = MustOpen(fs, {.min_free_bytes = 1000, .max_total_bytes = 5000});
  fs.SetFreeBytes(1010);
  EXPECT_EQ(AppendAndWait(*writer, "record").error().code, ErrorCode::kLimit);
  fs.SetFreeBytes(100000);
  EXPECT_TRUE(AppendAndWait(*writer, "record"));
  EXPECT_EQ(AppendAndWait(*writer, std::string(5000, 'x')).error().code, ErrorCode::kLimit);
  EXPECT_TRUE(AppendAndWait(*writer, "record"));
  EXPECT_EQ(writer->stats().refused, 2U);
  EXPECT_EQ(ReadAll(fs)->size(), 2U);
}

TEST(LogWriter, TrimsWholeFilesOnlyAndTellsAFollowerThatComesTooLate) {
  FaultyFileSystem fs;
  const auto writer = MustOpen(fs, {.file_bytes = 100});
  std::vector<uint64_t> positions;
  for (int i = 0; i < 20; ++i) {
    positions.push_back(AppendAndWait(*writer, std::string(60, 'x')).value());
  }
  const uint64_t files = writer->stats().files;
  ASSERT_TRUE(writer->TrimBefore(positions[9]));
  EXPECT_LT(writer->stats().files, files);
  EXPECT_LE(writer->stats().first_position, positions[9]);
  EXPECT_EQ(ReadAll(fs, positions[9])->size(), 11U);
  EXPECT_EQ(ReadAll(fs, positions[1]).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(writer->TrimBefore(UINT64_MAX));
  EXPECT_EQ(writer->stats().files, 1U);
  EXPECT_TRUE(AppendAndWait(*writer, "after"));
}

TEST(LogWriter, RollsOnDemandSoThatEverythingCanBeTrimmed) {
  FaultyFileSystem fs;
  const auto writer = MustOpen(fs, {});
  ASSERT_TRUE(AppendAndWait(*writer, "unforgettable"));
  const Result<uint64_t> start = RollAndWait(*writer);
  ASSERT_TRUE(start.has_value());
  EXPECT_EQ(*start, writer->durable_end());
  EXPECT_EQ(RollAndWait(*writer).value(), *start);  // nothing was appended since
  ASSERT_TRUE(writer->TrimBefore(*start));
  EXPECT_EQ(writer->stats().files, 1U);
  EXPECT_EQ(AppendAndWait(*writer, "after").value(), *start);
  EXPECT_EQ(ReadAll(fs, *start)->size(), 1U);
}

TEST(LogWriter, StartsPastTheFollowersWhereTheLogWasLost) {
  FaultyFileSystem fs;
  { const auto writer = MustOpen(fs, {.at_least_position = 5000}); }
  const auto writer = MustOpen(fs, {.at_least_position = 9000});
  EXPECT_EQ(AppendAndWait(*writer, "new").value(), 9000U);
  EXPECT_EQ(ReadAll(fs, 5000, [&] { return writer->durable_end(); })->size(), 1U);
  EXPECT_EQ(ReadAll(fs)->size(), 1U);
  EXPECT_EQ(LogFollower::Open(fs, kDir, TestKeys(), 1 << 20, [&] { return writer->durable_end(); })
                .error()
                .code,
            ErrorCode::kCorruption);
}

TEST(LogWriter, DamageToWhatWasAcknowledgedIsNeverSkipped) {
  FaultyFileSystem fs;
  std::vector<uint64_t> positions;
  {
    const auto writer = MustOpen(fs);
    for (int i = 0; i < 5; ++i) {
      positions.push_back(AppendAndWait(*writer, "record number " + std::to_string(i)).value());
    }
  }
  const std::string path = LogFilePath(kDir, 1);
  const size_t header_bytes = ReadLogFile(fs, kDir, 1)->header.bytes();
  fs.Damage(path, [&](std::string* bytes) {
    bytes->at(header_bytes + positions[2] - 1 + kLogFrameBytes) ^= 1;
  });
  EXPECT_EQ(LogWriter::Open(fs, kDir, TestReaders()).error().code, ErrorCode::kCorruption);
  EXPECT_EQ(ReadAll(fs).error().code, ErrorCode::kCorruption);
  // In an earlier file too.
  fs.Damage(path, [&](std::string* bytes) {
    bytes->at(header_bytes + positions[2] - 1 + kLogFrameBytes) ^= 1;
  });
  { const auto writer = MustOpen(fs); }
  EXPECT_EQ(ReadAll(fs)->size(), 5U);
  ASSERT_EQ(fs.List(kDir)->size(), 3U);  // the rest, the last group, the new file
  fs.Damage(path, [](std::string* bytes) { bytes->resize(bytes->size() - 1); });
  EXPECT_EQ(LogWriter::Open(fs, kDir, TestReaders()).error().code, ErrorCode::kCorruption);
}

TEST(LogWriter, ManyThreadsAndAFollowerOnTheRealDisk) {
  const std::string dir =
      std::filesystem::temp_directory_path() / fmt::format("bulkhead_log_test_{}", ::getpid());
  constexpr int kThreads = 4;
  constexpr int kRecords = 300;
  {
    auto writer = LogWriter::Open(RealFileSystem(), dir, TestReaders(),
                                  {.file_bytes = 20000, .min_free_bytes = 0})
                      .value();
    std::set<std::string> seen;
    std::thread reader([&] {
      LogFollower follower = LogFollower::Open(RealFileSystem(), dir, TestKeys(), 0, [&] {
                               return writer->durable_end();
                             }).value();
      while (seen.size() < kThreads * kRecords) {
        Result<std::optional<LogRecord>> record = follower.Next();
        ASSERT_TRUE(record) << record.error().message;
        if (*record) {
          EXPECT_TRUE(seen.insert((*record)->payload).second);
        } else {
          writer->WaitForData(follower.position(), std::chrono::milliseconds(100));
        }
      }
    });
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kRecords; ++i) {
          if (i % 10 == 0) {
            ASSERT_TRUE(AppendAndWait(*writer, fmt::format("{} {}", t, i)));
          } else {
            writer->Append(fmt::format("{} {}", t, i), [](Result<uint64_t> p) { EXPECT_TRUE(p); });
          }
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    reader.join();
    EXPECT_LT(writer->stats().groups, uint64_t{kThreads * kRecords});
    EXPECT_GT(writer->stats().files, 1U);
  }
  std::filesystem::remove_all(dir);
}

// --- Faults at every step ---

// One history: appends that go one by one, restarts, a trim; remembers what was acknowledged.
struct History {
  std::map<uint64_t, std::string> acknowledged;
  std::set<std::string> attempted;
  size_t number = 0;

  void AppendSome(LogWriter& writer, int count) {
    std::mutex mutex;
    std::vector<std::future<void>> waits;
    for (int i = 0; i < count; ++i) {
      const std::string payload =
          fmt::format("record {} {}", number, std::string(number % 7 * 90, 'x'));
      ++number;
      attempted.insert(payload);
      auto done = std::make_shared<std::promise<void>>();
      waits.push_back(done->get_future());
      writer.Append(payload, [this, &mutex, payload, done](Result<uint64_t> position) {
        if (position) {
          const std::lock_guard lock(mutex);
          EXPECT_TRUE(acknowledged.emplace(*position, payload).second) << "position given twice";
        }
        done->set_value();
      });
      if (i % 2 == 0) {
        waits.back().wait();
      }
    }
    for (const std::future<void>& wait : waits) {
      wait.wait();
    }
  }
  void Run(FileSystem& fs, const LogWriterOptions& options) {
    for (int run = 0; run < 3; ++run) {
      Result<std::unique_ptr<LogWriter>> writer = LogWriter::Open(fs, kDir, TestReaders(), options);
      if (writer) {
        AppendSome(**writer, 7);
        CheckFollower(fs, **writer);
      }
    }
  }
  // A follower beside the writer sees exactly what was acknowledged by this writer, and what
  // earlier ones left.
  void CheckFollower(FileSystem& fs, const LogWriter& writer) const {
    const auto records = ReadAll(fs, 0, [&] { return writer.durable_end(); });
    if (records) {
      CheckHolds(*records);
    }
  }
  void CheckHolds(const std::map<uint64_t, std::string>& records) const {
    std::set<std::string> seen;
    for (const auto& [position, payload] : records) {
      EXPECT_TRUE(attempted.contains(payload)) << "a record that nobody wrote";
      EXPECT_TRUE(seen.insert(payload).second) << "a record twice";
    }
    for (const auto& [position, payload] : acknowledged) {
      const auto found = records.find(position);
      ASSERT_TRUE(found != records.end()) << "an acknowledged record is gone: " << position;
      EXPECT_EQ(found->second, payload);
    }
  }
  // The directory is readable, then opens, then takes more, then survives a power loss as well.
  void CheckAfterCrash(FaultyFileSystem& fs, const LogWriterOptions& options) const {
    const auto before = ReadAll(fs);
    if (before) {
      CheckHolds(*before);
    } else {
      EXPECT_TRUE(acknowledged.empty()) << before.error().message;
    }
    History more = *this;
    {
      Result<std::unique_ptr<LogWriter>> writer = LogWriter::Open(fs, kDir, TestReaders(), options);
      ASSERT_TRUE(writer) << writer.error().message;
      const auto recovered = ReadAll(fs);
      ASSERT_TRUE(recovered);
      CheckHolds(*recovered);
      more.acknowledged = *recovered;  // followers may have seen all of these by now
      more.AppendSome(**writer, 3);
    }
    const auto again = fs.CloneAfterCrash(CrashKeeps::kSyncedOnly);
    const auto records = ReadAll(*again);
    ASSERT_TRUE(records) << records.error().message;
    EXPECT_EQ(*records, more.acknowledged);
  }
};

class LogFaults : public testing::TestWithParam<std::tuple<Fault, uint64_t>> {};

TEST_P(LogFaults, AtEveryStep) {
  const auto [fault, times] = GetParam();
  const LogWriterOptions options{.file_bytes = 900, .min_free_bytes = 0};
  uint64_t steps = 0;
  {
    FaultyFileSystem fs;
    History().Run(fs, options);
    steps = fs.steps();
  }
  ASSERT_GT(steps, 60U);
  for (uint64_t step = 0; step < steps && !HasFailure(); ++step) {
    SCOPED_TRACE(fmt::format("fault at step {}", step));
    FaultyFileSystem fs;
    fs.FailAt(step, fault, times);
    History history;
    history.Run(fs, options);
    for (uint64_t seed = 0; seed < 4; ++seed) {
      history.CheckAfterCrash(*fs.CloneAfterCrash(CrashKeeps::kSome, seed), options);
    }
    history.CheckAfterCrash(*fs.CloneAfterCrash(CrashKeeps::kSyncedOnly), options);
    history.CheckAfterCrash(*fs.CloneAfterCrash(CrashKeeps::kEverything), options);
  }
}

INSTANTIATE_TEST_SUITE_P(Faults, LogFaults,
                         testing::Combine(testing::Values(Fault::kIoError, Fault::kNoSpace,
                                                          Fault::kShortWrite, Fault::kCrash),
                                          testing::Values(1, 2, 5)));

TEST(LogWriter, TakesAppendsAgainOnceTheDiskIsWell) {
  for (const Fault fault : {Fault::kIoError, Fault::kNoSpace, Fault::kShortWrite}) {
    FaultyFileSystem fs;
    const auto writer = MustOpen(fs);
    ASSERT_TRUE(AppendAndWait(*writer, "before"));
    fs.FailAt(0, fault, 1000000);
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(AppendAndWait(*writer, "lost " + std::to_string(i)).error().code,
                ErrorCode::kUnavailable);
    }
    fs.Heal();
    ASSERT_TRUE(AppendAndWait(*writer, "after"));
    const auto records = ReadAll(*fs.CloneAfterCrash(CrashKeeps::kSyncedOnly));
    ASSERT_TRUE(records) << records.error().message;
    ASSERT_EQ(records->size(), 2U);
    EXPECT_EQ(records->rbegin()->second, "after");
  }
}

}  // namespace
}  // namespace bulkhead
