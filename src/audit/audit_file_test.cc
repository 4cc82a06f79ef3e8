#include "audit/audit_file.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "audit/audit_chain.h"
#include "audit/audit_line.h"

namespace bulkhead {
namespace {

// Fails writes and syncs on demand.
class FailingFile final : public AppendFile {
 public:
  FailingFile(std::unique_ptr<AppendFile> file, const int* write_bytes, const bool* fail_sync)
      : file_(std::move(file)), write_bytes_(write_bytes), fail_sync_(fail_sync) {}
  Result<void> Append(std::string_view bytes) override {
    if (*write_bytes_ < 0) {
      return file_->Append(bytes);
    }
    (void)file_->Append(bytes.substr(0, static_cast<size_t>(*write_bytes_))).has_value();
    return Error{ErrorCode::kUnavailable, "disk full"};
  }
  Result<void> Sync() override {
    return *fail_sync_ ? Result<void>(Error{ErrorCode::kUnavailable, "sync"}) : file_->Sync();
  }
  Result<void> Truncate(uint64_t) override { return Error{ErrorCode::kBug, "history is cut"}; }

 private:
  std::unique_ptr<AppendFile> file_;
  const int* write_bytes_;
  const bool* fail_sync_;
};

class FailingFileSystem final : public FileSystem {
 public:
  int write_bytes = -1;  // >= 0: a write stops after so many bytes
  bool fail_sync = false;

  Result<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path) override {
    Result<std::unique_ptr<AppendFile>> file = real_.OpenAppend(path);
    if (!file) {
      return file.error();
    }
    return std::unique_ptr<AppendFile>(new FailingFile(std::move(*file), &write_bytes, &fail_sync));
  }
  Result<std::unique_ptr<ReadFile>> OpenRead(const std::string& path) override {
    return real_.OpenRead(path);
  }
  Result<std::unique_ptr<MappedFile>> Map(const std::string& path) override {
    return real_.Map(path);
  }
  Result<std::string> ReadWhole(const std::string& path) override { return real_.ReadWhole(path); }
  Result<std::vector<std::string>> List(const std::string& dir) override { return real_.List(dir); }
  Result<void> Remove(const std::string&) override { return Error{ErrorCode::kBug, "removed"}; }
  Result<void> Rename(const std::string&, const std::string&) override {
    return Error{ErrorCode::kBug, "renamed"};
  }
  Result<void> CreateDirs(const std::string& dir) override { return real_.CreateDirs(dir); }
  Result<void> SyncDir(const std::string& dir) override { return real_.SyncDir(dir); }
  Result<uint64_t> FreeBytes(const std::string& dir) override { return real_.FreeBytes(dir); }
  bool Exists(const std::string& path) override { return real_.Exists(path); }

 private:
  FileSystem& real_ = RealFileSystem();
};

class AuditFileTest : public testing::Test {
 protected:
  AuditFileTest() : clock_(1'764'000'000'123) {
    std::string pattern = testing::TempDir() + "bulkhead-audit-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    path_ = dir_ + "/audit/audit.ndjson";
  }
  ~AuditFileTest() override { std::filesystem::remove_all(dir_); }

  std::unique_ptr<AuditFile> Open() {
    return std::move(AuditFile::Open(fs_, path_, clock_)).value();
  }
  static AuditEntry Reveal(const std::string& purpose = "ticket 4711") {
    AuditEntry entry;
    entry.actor = "bulkhead.0011.mp-service-account";
    entry.action = "reveal";
    entry.project = 1;
    entry.purpose = purpose;
    entry.subjects = {SubjectId{{1, 2, 3}}, SubjectId{{0xFF}}};
    entry.count = 7;
    entry.outcome = "allowed";
    return entry;
  }
  void WriteLines(int count) {
    const std::unique_ptr<AuditFile> audit = Open();
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(audit->Append(Reveal("ticket " + std::to_string(i))));
    }
  }
  std::string Read() { return fs_.ReadWhole(path_).value(); }
  void Write(std::string_view bytes) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }
  Result<AuditState> Verify() { return VerifyAuditFile(fs_, path_); }

  FailingFileSystem fs_;
  ManualClock clock_;
  std::string dir_;
  std::string path_;
};

// The line of docs/formats/audit.md, byte for byte.
TEST_F(AuditFileTest, ALineIsWhatThePageDraws) {
  WriteLines(1);
  EXPECT_EQ(Read(),
            "{\"action\":\"reveal\",\"actor\":\"bulkhead.0011.mp-service-account\",\"count\":7,"
            "\"hash\":\"" +
                Verify()->head +
                "\",\"outcome\":\"allowed\",\"prev\":"
                "\"0000000000000000000000000000000000000000000000000000000000000000\","
                "\"project\":1,\"purpose\":\"ticket 0\",\"scope\":\"\",\"seq\":1,"
                "\"subjects\":[\"01020300000000000000000000000000\","
                "\"ff000000000000000000000000000000\"],"
                "\"ts\":\"2025-11-24T16:00:00.123Z\",\"v\":1}\n");
}

TEST_F(AuditFileTest, TheChainGoesOnAfterReopening) {
  WriteLines(3);
  WriteLines(2);
  const Result<AuditState> state = Verify();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->lines, 5U);
  EXPECT_EQ(state->torn_lines, 0U);
  EXPECT_EQ(Open()->state().head, state->head);
}

TEST_F(AuditFileTest, EveryChangedByteIsFoundInItsLine) {
  WriteLines(3);
  const std::string bytes = Read();
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    Write(changed);
    const Result<AuditState> state = Verify();
    ASSERT_FALSE(state) << i;
    const auto line = std::count(bytes.begin(), bytes.begin() + static_cast<long>(i), '\n') + 1;
    EXPECT_NE(state.error().message.find("line " + std::to_string(line) + ":"), std::string::npos)
        << i << " " << state.error().message;
    EXPECT_FALSE(AuditFile::Open(fs_, path_, clock_));
  }
}

TEST_F(AuditFileTest, LinesTakenOutSwappedOrDoubledAreFound) {
  WriteLines(3);
  std::vector<std::string> lines;
  std::istringstream stream(Read());
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line + "\n");
  }
  for (const std::string& wrong :
       {lines[1] + lines[2], lines[0] + lines[2], lines[1] + lines[0] + lines[2],
        lines[0] + lines[0] + lines[1], lines[0] + "\n" + lines[1], lines[0] + " " + lines[1]}) {
    Write(wrong);
    EXPECT_EQ(Verify().error().code, ErrorCode::kCorruption);
  }
}

TEST_F(AuditFileTest, ACutAtALinesEndShowsInTheHead) {
  WriteLines(3);
  const AuditState whole = Verify().value();
  std::string bytes = Read();
  bytes.resize(bytes.rfind('\n', bytes.size() - 2) + 1);
  Write(bytes);
  const Result<AuditState> cut = Verify();
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->lines, 2U);
  EXPECT_NE(cut->head, whole.head);
}

TEST_F(AuditFileTest, ATornLastLineIsReportedKeptAndOwnedUpTo) {
  WriteLines(2);
  const std::string bytes = Read();
  const size_t second = bytes.find('\n') + 1;
  for (size_t size = second + 1; size < bytes.size(); size += 9) {
    const std::string torn = bytes.substr(0, size);
    Write(torn);
    ASSERT_TRUE(Verify()) << size;
    EXPECT_EQ(Verify()->torn_tail_bytes, size - second);
    const std::unique_ptr<AuditFile> audit = Open();
    EXPECT_EQ(audit->state().torn_tail_bytes, size - second);
    EXPECT_EQ(Read(), torn);  // opening changes nothing
    ASSERT_TRUE(audit->Append(Reveal()));
    ASSERT_TRUE(audit->Append(Reveal()));
    EXPECT_TRUE(Read().starts_with(torn + " #torn\n{\"action\":\"audit.torn\""));
    const Result<AuditState> state = Verify();
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(state->torn_lines, 1U);
    EXPECT_EQ(state->lines, 4U);
    EXPECT_EQ(state->head, audit->state().head);
  }
}

TEST_F(AuditFileTest, ATornRecoveryIsRecoveredFrom) {
  WriteLines(2);
  const std::string torn = Read().substr(0, Read().size() - 20);
  Write(torn);
  ASSERT_TRUE(Open()->Append(Reveal()));
  const std::string recovered = Read();
  for (size_t size = torn.size() + 1; size < recovered.size(); size += 9) {
    Write(recovered.substr(0, size));
    ASSERT_TRUE(Verify()) << size << Verify().error().message;
    ASSERT_TRUE(Open()->Append(Reveal())) << size;
    ASSERT_TRUE(Open()->Append(Reveal())) << size;
    ASSERT_TRUE(Verify()) << size << Verify().error().message;
    EXPECT_GE(Verify()->torn_lines, 1U);
  }
}

TEST_F(AuditFileTest, AChangedTornLineIsFound) {
  WriteLines(2);
  Write(Read().substr(0, Read().size() - 20));
  ASSERT_TRUE(Open()->Append(Reveal()));
  std::string bytes = Read();
  bytes[bytes.find('\n') + 30] = '#';
  Write(bytes);
  EXPECT_NE(Verify().error().message.find("line 2:"), std::string::npos);
}

TEST_F(AuditFileTest, PagesOfZerosAtTheEndAreATornLine) {
  WriteLines(2);
  std::string bytes = Read();
  std::fill(bytes.end() - 50, bytes.end() - 1, '\0');
  Write(bytes);
  EXPECT_GT(Verify()->torn_tail_bytes, 0U);
  ASSERT_TRUE(Open()->Append(Reveal()));
  EXPECT_EQ(Verify()->torn_lines, 1U);
}

TEST_F(AuditFileTest, AFullDiskRefusesAndTheFileStaysGood) {
  const std::unique_ptr<AuditFile> audit = Open();
  ASSERT_TRUE(audit->Append(Reveal()));
  for (const int written : {0, 1, 100, 300}) {
    fs_.write_bytes = written;
    EXPECT_EQ(audit->Append(Reveal()).error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(audit->Append(Reveal()).error().code, ErrorCode::kUnavailable);
    ASSERT_TRUE(Verify()) << written << Verify().error().message;
  }
  fs_.write_bytes = -1;
  ASSERT_TRUE(audit->Append(Reveal()));
  ASSERT_TRUE(Verify()) << Verify().error().message;
  EXPECT_EQ(Verify()->head, audit->state().head);
}

TEST_F(AuditFileTest, AFailedSyncRefusesUntilOpenedAgain) {
  const std::unique_ptr<AuditFile> audit = Open();
  fs_.fail_sync = true;
  EXPECT_FALSE(audit->Append(Reveal()));
  fs_.fail_sync = false;
  EXPECT_FALSE(audit->Append(Reveal()));
  EXPECT_TRUE(Open()->Append(Reveal()));
  EXPECT_TRUE(Verify());
}

TEST_F(AuditFileTest, RefusesWhatMustNotBeKeptForEver) {
  const std::unique_ptr<AuditFile> audit = Open();
  AuditEntry nobody = Reveal();
  nobody.actor.clear();
  AuditEntry many = Reveal();
  many.subjects.resize(1001);
  for (const AuditEntry& wrong :
       {Reveal("asked by jane@example.com"), Reveal("two\nlines"), Reveal(std::string(501, 'x')),
        Reveal("\xC3"), Reveal("\xED\xA0\x80"), nobody, many}) {
    EXPECT_EQ(audit->Append(wrong).error().code, ErrorCode::kInvalid);
  }
  EXPECT_EQ(Read(), "");
  EXPECT_TRUE(audit->Append(Reveal("Kündigung \"4711\" \\ 漢字 🙂")));
  EXPECT_TRUE(Verify());
}

TEST_F(AuditFileTest, SeveralOpeningsShareOneChain) {
  std::vector<std::thread> threads;
  std::atomic<int> failed = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      const std::unique_ptr<AuditFile> audit = Open();
      for (int i = 0; i < 25; ++i) {
        failed += audit->Append(Reveal()) ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(Verify()->lines, 100U);
}

TEST_F(AuditFileTest, AFileThatBecameShorterIsRefused) {
  WriteLines(2);
  const std::unique_ptr<AuditFile> audit = Open();
  Write(Read().substr(0, Read().find('\n') + 1));
  EXPECT_EQ(audit->Append(Reveal()).error().code, ErrorCode::kCorruption);
}

TEST_F(AuditFileTest, MissingAndEmptyFiles) {
  EXPECT_EQ(Verify().error().code, ErrorCode::kNotFound);
  Open();
  EXPECT_EQ(Verify()->lines, 0U);
}

TEST(AuditChainTest, VerifyingIsFast) {
  AuditState state;
  state.head = ZeroAuditHash();
  AuditEntry entry;
  entry.actor = "a";
  entry.action = "reveal";
  entry.subjects.resize(1);
  std::string bytes;
  constexpr int kLines = 10'000;
  for (int i = 0; i < kLines; ++i) {
    bytes += AppendToAuditChain(entry, i, &state);
  }
  AuditState verified;
  verified.head = ZeroAuditHash();
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(ReadAuditChain(bytes, &verified));
  const std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - start;
  printf("verify: %.2f us a line\n", spent.count() / kLines);
  EXPECT_EQ(verified.head, state.head);
}

}  // namespace
}  // namespace bulkhead
