#include "log/log_cipher.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "log/log_dump.h"
#include "log/log_fixture.h"

namespace bulkhead {
namespace {

std::vector<LogFile> Files(FileSystem& fs) { return ListLogFiles(fs, kDir).value(); }

// The frames of a file, whole.
std::vector<LogFrame> Frames(std::string_view bytes, const LogHeader& header) {
  std::vector<LogFrame> frames;
  uint64_t position = header.start;
  for (std::string_view rest = bytes.substr(header.bytes()); !rest.empty();) {
    frames.push_back(DecodeLogFrame(rest, position, header.version).value());
    position = frames.back().next_position();
    rest.remove_prefix(kLogFrameBytes + frames.back().body_bytes);
  }
  return frames;
}

// What the checksum says is right, so that only the encryption can object.
void Reseal(std::string* file, const LogHeader& header, uint64_t position) {
  const size_t at = header.bytes() + (position - header.start);
  uint32_t body_bytes = 0;
  std::memcpy(&body_bytes, file->data() + at + 4, sizeof(body_bytes));
  std::string record = file->substr(at, kLogFrameBytes + body_bytes);
  FinishLogRecord(0, &record);
  file->replace(at, record.size(), record);
}

void Tamper(FaultyFileSystem& fs, uint64_t start,
            const std::function<void(std::string*, const LogHeader&)>& change) {
  fs.Damage(LogFilePath(kDir, start), [&](std::string* bytes) {
    const LogHeader header = DecodeLogHeader(*bytes).value();
    change(bytes, header);
  });
}

TEST(LogCipher, NoFileHoldsWhatWasAppended) {
  FaultyFileSystem fs;
  const std::string needle = "needle in the haystack";
  {
    const auto writer = MustOpen(fs, {.file_bytes = 500});
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(AppendAndWait(*writer, needle + std::to_string(i)));
    }
  }
  const std::vector<std::string> names = fs.List(kDir).value();
  EXPECT_GE(names.size(), 3U);
  for (const std::string& name : names) {
    const std::string bytes = fs.ReadWhole(kDir + "/" + name).value();
    EXPECT_EQ(bytes.find("needle"), std::string::npos);
    EXPECT_EQ(bytes.find(TestKeys().newest().private_key.view()), std::string::npos);
  }
  EXPECT_EQ(ReadAll(fs)->size(), 20U);
}

TEST(LogCipher, EqualPayloadsLookDifferentInOneGroupAndAcrossGroupsAndFiles) {
  FaultyFileSystem fs;
  const std::string payload(1000, 'x');
  {
    const auto writer = MustOpen(fs, {.file_bytes = 4000});
    for (int i = 0; i < 12; ++i) {
      ASSERT_TRUE(AppendAndWait(*writer, payload));
    }
  }
  std::set<std::string> seen;
  size_t blocks = 0;
  for (const LogFile& file : Files(fs)) {
    const std::string bytes = fs.ReadWhole(LogFilePath(kDir, file.header.start)).value();
    for (size_t at = file.header.bytes(); at + 64 <= bytes.size(); at += 64, ++blocks) {
      EXPECT_TRUE(seen.insert(bytes.substr(at, 64)).second);
    }
  }
  EXPECT_GT(blocks, 150U);
}

TEST(LogCipher, OnlyAReadersKeyOpens) {
  FaultyFileSystem fs;
  const SealKeyPair core = GenerateSealKeyPair();
  SealKeyPair vault = GenerateSealKeyPair();
  {
    const auto writer = LogWriter::Open(fs, kDir, {core.public_key, vault.public_key}).value();
    ASSERT_TRUE(AppendAndWait(*writer, "for two"));
    ASSERT_TRUE(AppendAndWait(*writer, "for two again"));
  }
  SealKeyRing keys(GenerateSealKeyPair());
  const Result<std::map<uint64_t, std::string>> refused = ReadAll(fs, 0, {}, keys);
  EXPECT_EQ(refused.error().code, ErrorCode::kDenied);
  EXPECT_EQ(refused.error().message,
            "00000000000000000001.log: the log file is sealed to none of this reader's keys");
  EXPECT_EQ(ReadAll(fs, 0, {}, SealKeyRing()).error().code, ErrorCode::kDenied);
  keys.Add(std::move(vault));  // beside another, as after a rotation
  keys.Add(GenerateSealKeyPair());
  EXPECT_EQ(ReadAll(fs, 0, {}, keys)->size(), 2U);
  std::string dump;
  EXPECT_TRUE(DumpLog(fs, kDir, [&](std::string_view line) { dump.append(line); }));
  EXPECT_NE(dump.find("for 2 readers"), std::string::npos);
}

TEST(LogCipher, ReadersAreReplacedWithTheNextFile) {
  FaultyFileSystem fs;
  SealKeyRing next(GenerateSealKeyPair());
  const auto writer = MustOpen(fs);
  ASSERT_TRUE(AppendAndWait(*writer, "before"));
  EXPECT_EQ(writer->SetReaders({}).error().code, ErrorCode::kInvalid);
  ASSERT_TRUE(writer->SetReaders({next.newest().public_key}));
  const uint64_t start = RollAndWait(*writer).value();
  ASSERT_TRUE(AppendAndWait(*writer, "after"));
  EXPECT_EQ(ReadAll(fs, start, {}, next)->size(), 1U);
  EXPECT_EQ(ReadAll(fs, start).error().code, ErrorCode::kDenied);
  EXPECT_EQ(ReadAll(fs, 0, {}, next).error().code, ErrorCode::kDenied);
}

TEST(LogCipher, AWriterWithoutReadersIsRefused) {
  FaultyFileSystem fs;
  EXPECT_EQ(LogWriter::Open(fs, kDir, {}).error().code, ErrorCode::kInvalid);
  const std::vector<LogReaderKey> many(kMostLogReaders + 1, TestReaders().front());
  EXPECT_EQ(LogWriter::Open(fs, kDir, many).error().code, ErrorCode::kInvalid);
  EXPECT_FALSE(fs.Exists(kDir));
  const std::vector<LogReaderKey> most(kMostLogReaders, TestReaders().front());
  EXPECT_TRUE(LogWriter::Open(fs, kDir, most));
}

// --- Tampering by someone who can write files and compute checksums ---

class LogTampering : public testing::Test {
 protected:
  LogTampering() {
    const auto writer = MustOpen(fs_, {.file_bytes = 200});
    for (int i = 0; i < 12; ++i) {
      EXPECT_TRUE(AppendAndWait(*writer, "payload of equal size " + std::to_string(10 + i)));
    }
    for (const LogFile& file : Files(fs_)) {
      starts_.push_back(file.header.start);
    }
    EXPECT_GE(starts_.size(), 3U);
  }
  void ExpectRefused(std::string_view what) {
    EXPECT_EQ(ReadAll(fs_).error().code, ErrorCode::kCorruption) << what;
    for (const uint64_t start : starts_) {
      EXPECT_TRUE(fs_.WriteFileAtomically(LogFilePath(kDir, start), saved_.at(start)));
    }
    EXPECT_EQ(ReadAll(fs_)->size(), 12U) << what;
  }
  void SetUp() override {
    for (const uint64_t start : starts_) {
      saved_[start] = fs_.ReadWhole(LogFilePath(kDir, start)).value();
    }
  }

  FaultyFileSystem fs_;
  std::vector<uint64_t> starts_;
  std::map<uint64_t, std::string> saved_;
};

TEST_F(LogTampering, EveryBitOfARecordCounts) {
  const LogHeader header = DecodeLogHeader(saved_[1]).value();
  const LogFrame frame = Frames(saved_[1], header).at(1);
  for (size_t byte = 0; byte < kLogFrameBytes + frame.body_bytes; ++byte) {
    if (byte == 16) byte = 24;  // "in group" is another test's; the checksum is made right
    Tamper(fs_, 1, [&](std::string* bytes, const LogHeader&) {
      (*bytes)[header.bytes() + frame.position - 1 + byte] ^= 0x10;
      if (byte >= kLogFrameBytes) Reseal(bytes, header, frame.position);
    });
    ExpectRefused("byte " + std::to_string(byte));
  }
}

TEST_F(LogTampering, TheGroupOfARecordCounts) {
  // The first record's frame may say any group start; only the encryption tells that it is wrong.
  Tamper(fs_, 1, [&](std::string* bytes, const LogHeader& header) {
    const LogFrame second = Frames(*bytes, header).at(1);
    const size_t at = header.bytes() + second.position - 1;
    const auto in_group = static_cast<uint32_t>(second.position - 1);
    std::memcpy(bytes->data() + at + 16, &in_group, sizeof(in_group));
    Reseal(bytes, header, second.position);
  });
  ExpectRefused("joined to the group before");
}

TEST_F(LogTampering, ARecordBelongsToItsPositionAndItsFile) {
  const LogHeader header = DecodeLogHeader(saved_[1]).value();
  const std::vector<LogFrame> frames = Frames(saved_[1], header);
  ASSERT_EQ(frames.at(0).body_bytes, frames.at(1).body_bytes);
  const auto body_at = [](const LogHeader& of, const LogFrame& frame) {
    return of.bytes() + (frame.position - of.start) + kLogFrameBytes;
  };
  // Two records of one file change places, each under the frame of the other.
  Tamper(fs_, 1, [&](std::string* bytes, const LogHeader&) {
    const size_t size = frames[0].body_bytes;
    std::swap_ranges(bytes->begin() + static_cast<ptrdiff_t>(body_at(header, frames[0])),
                     bytes->begin() + static_cast<ptrdiff_t>(body_at(header, frames[0]) + size),
                     bytes->begin() + static_cast<ptrdiff_t>(body_at(header, frames[1])));
    Reseal(bytes, header, frames[0].position);
    Reseal(bytes, header, frames[1].position);
  });
  ExpectRefused("swapped in a file");
  // The first record of another file instead of this one's.
  const uint64_t other = starts_.at(1);
  const LogHeader other_header = DecodeLogHeader(saved_[other]).value();
  const LogFrame from = Frames(saved_[other], other_header).at(0);
  ASSERT_EQ(from.body_bytes, frames[0].body_bytes);
  Tamper(fs_, 1, [&](std::string* bytes, const LogHeader&) {
    bytes->replace(body_at(header, frames[0]), from.body_bytes,
                   saved_[other].substr(body_at(other_header, from), from.body_bytes));
    Reseal(bytes, header, frames[0].position);
  });
  ExpectRefused("swapped between files");
}

TEST_F(LogTampering, AHeaderBelongsToItsFile) {
  const uint64_t other = starts_.at(1);
  const LogHeader theirs = DecodeLogHeader(saved_[other]).value();
  const auto change_header = [&](const std::function<void(LogHeader*)>& change) {
    Tamper(fs_, other, [&](std::string* bytes, const LogHeader&) {
      LogHeader header = theirs;
      change(&header);
      bytes->replace(0, theirs.bytes(), EncodeLogHeader(header));
    });
  };
  const LogHeader first = DecodeLogHeader(saved_[1]).value();
  change_header([&](LogHeader* header) { header->boxes = first.boxes; });
  ExpectRefused("another file's box");
  change_header([&](LogHeader* header) {
    header->boxes = first.boxes;
    header->key_origin = first.key_origin;
  });
  ExpectRefused("another file's key, whole");
  change_header([&](LogHeader* header) { header->key_origin = 1; });
  ExpectRefused("another origin");
  for (size_t byte = 0; byte < kLogKeyBoxBytes; ++byte) {
    change_header([&](LogHeader* header) { header->boxes[0].sealed[byte] ^= 1; });
    ExpectRefused("a byte of a box");
  }
  change_header([&](LogHeader* header) { header->boxes[0].reader[0] ^= 1; });
  EXPECT_EQ(ReadAll(fs_).error().code, ErrorCode::kDenied);
  Tamper(fs_, other, [&](std::string* bytes, const LogHeader&) { *bytes = saved_[1]; });
  ExpectRefused("another file altogether");
}

TEST_F(LogTampering, AGroupNumberDoesNotGoBackOrBeyond) {
  for (const uint32_t group : {0U, 2U, kMostGroupsInLogFile - 1, kMostGroupsInLogFile, ~0U}) {
    Tamper(fs_, 1, [&](std::string* bytes, const LogHeader& header) {
      const LogFrame second = Frames(*bytes, header).at(1);
      std::memcpy(bytes->data() + header.bytes() + second.position - 1 + kLogFrameBytes, &group,
                  sizeof(group));
      Reseal(bytes, header, second.position);
    });
    ExpectRefused("group number " + std::to_string(group));
  }
}

// --- What a writer remembers ---

TEST(LogCipher, ReadersStartAnywhereAndStepFromGroupToGroup) {
  const SealKeyRing& keys = TestKeys();
  LogHeader header{.start = 1};
  LogEncryptor encryptor = LogEncryptor::Begin(TestReaders(), &header);
  std::string bytes;
  std::vector<size_t> at;
  for (uint32_t i = 0; i < 200; ++i) {
    at.push_back(bytes.size());
    encryptor.AppendRecord("record " + std::to_string(i), 1 + bytes.size(), 1 + bytes.size(),
                           &bytes);
    if (i % 3 == 2) encryptor.EndGroup();
  }
  LogDecryptor decryptor = LogDecryptor::Open(header, keys).value();
  for (const size_t i : {199U, 0U, 100U, 101U, 7U, 7U, 198U}) {
    const std::string_view record = std::string_view(bytes).substr(at[i]);
    const LogFrame frame = DecodeLogFrame(record, 1 + at[i], 2).value();
    EXPECT_EQ(decryptor.Open(frame, record).value(), "record " + std::to_string(i));
  }
}

TEST(LogCipher, AFileEndsBeforeItsGroupsAreTooMany) {
  FaultyFileSystem fs;
  const auto writer = MustOpen(fs, {.file_groups = 10});
  for (int i = 0; i < 25; ++i) {
    ASSERT_TRUE(AppendAndWait(*writer, "x"));
  }
  EXPECT_EQ(writer->stats().files, 3U);
  EXPECT_EQ(ReadAll(fs)->size(), 25U);
}

// Two processes that go on from one state, as a snapshot of a virtual machine lets them.
TEST(LogCipher, TheSameLinkNeverGivesTheSameKeyAgain) {
  std::string bytes[2];
  for (std::string& of : bytes) {
    char salt = 0;
    LogEncryptor encryptor(SecretBytes(std::string(kKeyBytes, 'k')), 1, [&]() -> LogSalt {
      return {static_cast<char>(&of - bytes), salt++};
    });
    encryptor.AppendRecord(std::string(64, '\0'), 1, 1, &of);
  }
  const size_t at = kLogFrameBytes + 12;
  EXPECT_NE(bytes[0].substr(at, 64), bytes[1].substr(at, 64));
}

// A process that writes a log of `groups` groups, then waits, perhaps after it has begun another
// file.
class WritingProcess {
 public:
  WritingProcess(const std::string& dir, uint32_t groups, bool roll) {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      const auto writer =
          LogWriter::Open(RealFileSystem(), dir, TestReaders(), {.min_free_bytes = 0}).value();
      bool done = true;
      for (uint32_t i = 0; i < groups; ++i) {
        done = done && AppendAndWait(*writer, "record").has_value();
      }
      done = done && (!roll || RollAndWait(*writer).has_value());
      done = done && ::write(ready[1], "r", 1) == 1;
      ::pause();
      ::_exit(done ? 0 : 1);
    }
    ::close(ready[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
  }
  ~WritingProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  // In how many places each of these lies in its memory.
  [[nodiscard]] std::vector<int> CountInMemory(const std::vector<SecretBytes>& keys) const {
    std::vector<int> counts(keys.size());
    const std::string proc = "/proc/" + std::to_string(pid_);
    std::ifstream maps(proc + "/maps");
    std::ifstream memory(proc + "/mem", std::ios::binary);
    std::string line;
    while (std::getline(maps, line)) {
      uint64_t begin = 0;
      uint64_t end = 0;
      char readable = 0;
      const int fields =
          std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %c", &begin, &end, &readable);
      if (fields == 3 && readable == 'r' && end - begin < kMostRegionBytes) {
        CountInRegion(&memory, begin, end, keys, &counts);
      }
    }
    return counts;
  }

 private:
  static constexpr uint64_t kMostRegionBytes = uint64_t{1} << 30;  // a sanitizer's shadow is more
  static void CountInRegion(std::ifstream* memory, uint64_t begin, uint64_t end,
                            const std::vector<SecretBytes>& keys, std::vector<int>* counts) {
    std::string block(end - begin, '\0');
    memory->clear();
    memory->seekg(static_cast<std::streamoff>(begin));
    if (!memory->read(block.data(), static_cast<std::streamsize>(block.size()))) {
      return;
    }
    for (size_t i = 0; i < keys.size(); ++i) {
      for (size_t at = block.find(keys[i].view()); at != std::string::npos;
           at = block.find(keys[i].view(), at + 1)) {
        ++(*counts)[i];
      }
    }
  }
  pid_t pid_ = -1;
};

// The links of a file's chain, up to the one after its groups, then the keys of the groups.
std::vector<SecretBytes> Links(const std::string& file) {
  const LogHeader header = DecodeLogHeader(file).value();
  const LogKeyBox& box = header.boxes.front();
  const SealKeyPair& pair = TestKeys().newest();
  const SecretBytes opened =
      Unseal(pair.public_key, pair.private_key,
             {reinterpret_cast<const char*>(box.sealed.data()), box.sealed.size()})
          .value();
  std::vector<SecretBytes> links;
  std::vector<SecretBytes> group_keys;
  links.emplace_back(opened.view().substr(0, kKeyBytes));
  for (const LogFrame& frame : Frames(file, header)) {  // one in each group
    const std::string salt =
        file.substr(header.bytes() + (frame.position - header.start) + kLogFrameBytes + 4, 8);
    group_keys.push_back(DeriveKey(links.back(), "bulkhead log group key" + salt));
    links.push_back(DeriveKey(links.back(), "bulkhead log next group"));
  }
  std::move(group_keys.begin(), group_keys.end(), std::back_inserter(links));
  return links;
}

class LogMemory : public testing::TestWithParam<bool> {};

TEST_P(LogMemory, HoldsTheNewestLinkAndNoneBefore) {
  const bool rolled = GetParam();
  std::string dir = testing::TempDir() + "bulkhead-log-XXXXXX";
  ASSERT_NE(::mkdtemp(dir.data()), nullptr);
  constexpr uint32_t kGroups = 5;
  {
    (void)TestKeys();
    const WritingProcess process(dir, kGroups, rolled);
    const std::vector<SecretBytes> keys =
        Links(RealFileSystem().ReadWhole(LogFilePath(dir, 1)).value());
    ASSERT_EQ(keys.size(), 2 * kGroups + 1);
    const std::vector<int> found = process.CountInMemory(keys);
    for (size_t i = 0; i < keys.size(); ++i) {
      // Without the one that must be there, the search would prove nothing.
      EXPECT_EQ(found[i], i == kGroups && !rolled ? 1 : 0) << i;
    }
  }
  std::filesystem::remove_all(dir);
}

INSTANTIATE_TEST_SUITE_P(Rolled, LogMemory, testing::Bool());

}  // namespace
}  // namespace bulkhead
