#include "log/log_format.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/faulty_file_system.h"
#include "base/hex.h"
#include "log/log_dump.h"
#include "log/log_files.h"
#include "log/log_writer.h"

namespace bulkhead {
namespace {

std::string Hex(std::string_view bytes) {
  return HexEncode({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

// Every byte of a file with its meaning.
std::string Explain(std::string_view bytes, uint64_t start) {
  std::ostringstream out;
  const auto field = [&](size_t size, std::string_view meaning) {
    out << Hex(bytes.substr(0, size)) << "  " << meaning << '\n';
    bytes.remove_prefix(size);
  };
  out << "file " << LogFileName(start) << '\n';
  field(8, "magic");
  field(4, "version");
  field(4, "header bytes");
  field(8, "start");
  field(8, "previous end");
  field(28, "zeros");
  field(4, "masked crc");
  for (uint64_t position = start; !bytes.empty();) {
    const std::optional<LogFrame> frame = DecodeLogFrame(bytes, position);
    if (!frame) {
      ADD_FAILURE() << "no record at " << position;
      return out.str();
    }
    out << "record at " << position << '\n';
    field(4, "magic and version");
    field(4, "payload bytes");
    field(8, "position");
    field(4, "in group");
    field(4, "masked crc");
    field(frame->payload_bytes, "payload");
    position = frame->next_position();
  }
  return out.str();
}

// Rewrite with BULKHEAD_REWRITE_GOLDEN=1; a change of these bytes is a change of format.
void ExpectGolden(const std::string& name, const std::string& text) {
  const std::string path = std::string(BULKHEAD_SOURCE_DIR) + "/test/golden/log/" + name;
  if (std::getenv("BULKHEAD_REWRITE_GOLDEN") != nullptr) {
    std::ofstream(path) << text;
  }
  std::ifstream file(path);
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(text, expected.str()) << path;
}

TEST(LogFormat, GoldenBytes) {
  std::string first = EncodeLogHeader({1, 0});
  AppendLogRecord("first", 1, 0, &first);
  AppendLogRecord(std::string("\0\xFF", 2), 30, 0, &first);
  AppendLogRecord("same group", 56, 26, &first);
  std::string second = EncodeLogHeader({200, 90});
  AppendLogRecord("after a failure", 200, 0, &second);
  ExpectGolden("files.txt", Explain(first, 1) + Explain(second, 200));
}

TEST(LogFormat, HeaderRefusesEveryFlippedBitAndNewerVersions) {
  const std::string header = EncodeLogHeader({200, 90});
  ASSERT_EQ(header.size(), kLogHeaderBytes);
  const Result<LogHeader> decoded = DecodeLogHeader(header);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->start, 200U);
  EXPECT_EQ(decoded->previous_end, 90U);
  for (size_t bit = 0; bit < header.size() * 8; ++bit) {
    std::string damaged = header;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(DecodeLogHeader(damaged)) << bit;
  }
  std::string newer = header;
  newer[8] = 2;
  EXPECT_EQ(DecodeLogHeader(newer).error().code, ErrorCode::kUnavailable);
  for (size_t size = 0; size < header.size(); ++size) {
    EXPECT_FALSE(DecodeLogHeader(std::string_view(header).substr(0, size)));
  }
}

TEST(LogFormat, RecordRefusesEveryFlippedBit) {
  std::string bytes;
  AppendLogRecord("payload", 77, 7, &bytes);
  const std::optional<LogFrame> frame = DecodeLogFrame(bytes, 77);
  ASSERT_TRUE(frame && LogRecordIsWhole(*frame, bytes));
  EXPECT_EQ(frame->group_start, 70U);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const std::optional<LogFrame> other = DecodeLogFrame(damaged, 77);
    EXPECT_FALSE(other && LogRecordIsWhole(*other, damaged)) << bit;
  }
  EXPECT_FALSE(DecodeLogFrame(bytes, 78));
  EXPECT_FALSE(DecodeLogFrame(std::string(100, '\0'), 0));
}

TEST(LogFormat, TornGroupIsAnEndButDamageBeforeALaterGroupIsNot) {
  std::string file = EncodeLogHeader({1, 0});
  AppendLogRecord("acknowledged", 1, 0, &file);
  const uint64_t group = 1 + kLogFrameBytes + 12;
  const size_t group_at = file.size();
  AppendLogRecord("one", group, 0, &file);
  AppendLogRecord("two", group + kLogFrameBytes + 3, kLogFrameBytes + 3, &file);

  // The first page of a group did not reach the disk, the second did.
  std::string torn = file;
  torn.replace(group_at, 4, 4, '\0');
  const Result<LogTail> tail = ScanLastFile(torn, 1);
  ASSERT_TRUE(tail);
  EXPECT_EQ(tail->end, group);
  EXPECT_EQ(tail->torn_bytes, 2 * (kLogFrameBytes + 3));
  EXPECT_EQ(tail->last_group_start, 1U);

  std::string damaged = file;
  damaged[kLogHeaderBytes + kLogFrameBytes] = 'A';
  EXPECT_EQ(ScanLastFile(damaged, 1).error().code, ErrorCode::kCorruption);
  EXPECT_EQ(ScanLastFile(file, 1)->last_group_start, group);
  EXPECT_TRUE(CheckRecords(file, 1, group));
  EXPECT_FALSE(CheckRecords(file, 1, group + 1));
}

TEST(LogDump, ShowsPositionsAndStatesButNoPayload) {
  FaultyFileSystem fs;
  ASSERT_TRUE(fs.CreateDirs("/log"));
  std::string first = EncodeLogHeader({1, 0});
  AppendLogRecord("secret one", 1, 0, &first);
  AppendLogRecord("secret two", 35, 34, &first);
  std::string second = EncodeLogHeader({100, 35});
  AppendLogRecord("secret three", 100, 0, &second);
  second += "BLR";
  ASSERT_TRUE(fs.WriteFileAtomically(LogFilePath("/log", 1), first));
  ASSERT_TRUE(fs.WriteFileAtomically(LogFilePath("/log", 100), second));
  std::string text;
  ASSERT_TRUE(DumpLog(fs, "/log", [&](std::string_view line) { text.append(line) += '\n'; }));
  ExpectGolden("dump.txt", text);
  EXPECT_EQ(text.find("secret"), std::string::npos);
  fs.Damage(LogFilePath("/log", 1), [](std::string* bytes) { bytes->at(90) = 'X'; });
  text.clear();
  ASSERT_TRUE(DumpLog(fs, "/log", [&](std::string_view line) { text.append(line) += '\n'; }));
  EXPECT_NE(text.find("DAMAGED"), std::string::npos);
}

}  // namespace
}  // namespace bulkhead
