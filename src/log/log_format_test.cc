#include "log/log_format.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/faulty_file_system.h"
#include "base/hex.h"
#include "log/log_dump.h"
#include "log/log_files.h"
#include "log/log_fixture.h"

namespace bulkhead {
namespace {

std::string Hex(std::string_view bytes) {
  return HexEncode({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

// Explains a file field by field, with every byte.
class Explainer {
 public:
  explicit Explainer(std::string_view bytes) : bytes_(bytes) {}

  std::string Run() {
    const Result<LogHeader> header = DecodeLogHeader(bytes_);
    EXPECT_TRUE(header);
    out_ << "file " << LogFileName(header->start) << '\n';
    Header(*header);
    for (uint64_t position = header->start; !bytes_.empty();) {
      const std::optional<LogFrame> frame = DecodeLogFrame(bytes_, position, header->version);
      if (!frame || !LogRecordIsWhole(*frame, bytes_)) {
        ADD_FAILURE() << "no record at " << position;
        break;
      }
      out_ << "record at " << position << '\n';
      Record(*frame, header->version);
      position = frame->next_position();
    }
    return out_.str();
  }

 private:
  void Field(size_t size, std::string_view meaning) {
    out_ << Hex(bytes_.substr(0, size)) << "  " << meaning << '\n';
    bytes_.remove_prefix(size);
  }
  void Header(const LogHeader& header) {
    Field(8, "magic");
    Field(4, "version");
    Field(4, "header bytes");
    Field(8, "start");
    Field(8, "previous end");
    if (header.version == 1) {
      Field(28, "zeros");
    } else {
      Field(8, "key origin");
      Field(4, "key boxes");
      Field(4, "zeros");
      for (size_t i = 0; i < header.boxes.size(); ++i) {
        Field(32, "reader");
        Field(kLogKeyBoxBytes, "sealed key");
      }
    }
    Field(4, "masked crc");
  }
  void Record(const LogFrame& frame, uint32_t version) {
    Field(4, "magic and version");
    Field(4, "body bytes");
    Field(8, "position");
    Field(4, "in group");
    Field(4, "masked crc");
    if (version == 1) {
      Field(frame.body_bytes, "payload");
    } else {
      Field(4, "group number");
      Field(8, "salt");
      Field(frame.body_bytes - kLogBodyOverheadBytes, "ciphertext");
      Field(16, "tag");
    }
  }
  std::string_view bytes_;
  std::ostringstream out_;
};

// A record of version 1, which no program writes any more.
void AppendRecord1(std::string_view payload, uint64_t position, uint32_t in_group,
                   std::string* out) {
  LogFrame frame;
  frame.position = position;
  frame.group_start = position - in_group;
  frame.body_bytes = static_cast<uint32_t>(payload.size());
  const size_t at = BeginLogRecord(frame, 1, out);
  payload.copy(out->data() + at + kLogFrameBytes, payload.size());
  FinishLogRecord(at, out);
}

std::string Header1(uint64_t start, uint64_t previous_end) {
  return EncodeLogHeader({.version = 1, .start = start, .previous_end = previous_end});
}

// With boxes that open for nobody: these are random otherwise.
LogHeader Header2(uint64_t start, uint64_t previous_end, uint64_t key_origin) {
  LogHeader header{.start = start, .previous_end = previous_end, .key_origin = key_origin};
  for (const uint8_t fill : {uint8_t{0xA1}, uint8_t{0xB2}}) {
    LogKeyBox& box = header.boxes.emplace_back();
    box.reader.fill(fill);
    box.sealed.fill(static_cast<uint8_t>(fill + 0x11));
  }
  return header;
}

// What is random otherwise: the file key 00 01 02 ..., the salts "salt 000", "salt 001" ...
LogEncryptor GoldenEncryptor(uint64_t key_origin) {
  SecretBytes key(kKeyBytes);
  for (size_t i = 0; i < key.size(); ++i) {
    key.data()[i] = static_cast<uint8_t>(i);
  }
  LogSalt next{'s', 'a', 'l', 't', ' ', '0', '0', '0'};
  return {std::move(key), key_origin, [next]() mutable {
            const LogSalt salt = next;
            ++next.back();
            return salt;
          }};
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

TEST(LogFormat, GoldenBytesOfVersion1) {
  std::string first = Header1(1, 0);
  AppendRecord1("first", 1, 0, &first);
  AppendRecord1(std::string("\0\xFF", 2), 30, 0, &first);
  AppendRecord1("same group", 56, 26, &first);
  std::string second = Header1(200, 90);
  AppendRecord1("after a failure", 200, 0, &second);
  ExpectGolden("files_1.txt", Explainer(first).Run() + Explainer(second).Run());
}

TEST(LogFormat, GoldenBytes) {
  LogEncryptor encryptor = GoldenEncryptor(1);
  std::string first = EncodeLogHeader(Header2(1, 0, 1));
  encryptor.AppendRecord("first", 1, 1, &first);
  encryptor.EndGroup();
  encryptor.AppendRecord(std::string("\0\xFF", 2), 58, 58, &first);
  encryptor.AppendRecord("same group", 112, 58, &first);
  encryptor.EndGroup();
  // As recovery moves a group into a file of its own.
  std::string second = EncodeLogHeader(Header2(174, 174, 1));
  encryptor.AppendRecord("moved", 174, 174, &second);
  ExpectGolden("files.txt", Explainer(first).Run() + Explainer(second).Run());
}

TEST(LogFormat, HeaderRefusesEveryFlippedBitAndNewerVersions) {
  for (const LogHeader& right :
       {LogHeader{.version = 1, .start = 200, .previous_end = 90}, Header2(200, 90, 150)}) {
    const std::string header = EncodeLogHeader(right);
    ASSERT_EQ(header.size(), right.bytes());
    ASSERT_TRUE(DecodeLogHeader(header));
    EXPECT_EQ(*DecodeLogHeader(header + "and records"), right);
    for (size_t bit = 0; bit < header.size() * 8; ++bit) {
      std::string damaged = header;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
      EXPECT_FALSE(DecodeLogHeader(damaged)) << bit;
    }
    std::string newer = header;
    newer[8] = 3;
    EXPECT_EQ(DecodeLogHeader(newer).error().code, ErrorCode::kUnavailable);
    for (size_t size = 0; size < header.size(); ++size) {
      EXPECT_FALSE(DecodeLogHeader(std::string_view(header).substr(0, size)));
    }
  }
}

TEST(LogFormat, RecordRefusesEveryFlippedBit) {
  std::string bytes;
  GoldenEncryptor(1).AppendRecord("payload", 77, 70, &bytes);
  const std::optional<LogFrame> frame = DecodeLogFrame(bytes, 77, 2);
  ASSERT_TRUE(frame && LogRecordIsWhole(*frame, bytes));
  EXPECT_EQ(frame->group_start, 70U);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const std::optional<LogFrame> other = DecodeLogFrame(damaged, 77, 2);
    EXPECT_FALSE(other && LogRecordIsWhole(*other, damaged)) << bit;
  }
  EXPECT_FALSE(DecodeLogFrame(bytes, 78, 2));
  EXPECT_FALSE(DecodeLogFrame(bytes, 77, 1));
  EXPECT_FALSE(DecodeLogFrame(std::string(100, '\0'), 0, 2));
}

TEST(LogFormat, TornGroupIsAnEndButDamageBeforeALaterGroupIsNot) {
  const LogHeader header = Header2(1, 0, 1);
  LogEncryptor encryptor = GoldenEncryptor(1);
  std::string file = EncodeLogHeader(header);
  encryptor.AppendRecord("acknowledged", 1, 1, &file);
  encryptor.EndGroup();
  const size_t group_at = file.size();
  const uint64_t group = 1 + group_at - header.bytes();
  encryptor.AppendRecord("one", group, group, &file);
  const size_t one_bytes = file.size() - group_at;
  encryptor.AppendRecord("two", group + one_bytes, group, &file);

  // The first page of a group did not reach the disk, the second did.
  std::string torn = file;
  torn.replace(group_at, 4, 4, '\0');
  const Result<LogTail> tail = ScanLastFile(torn, header);
  ASSERT_TRUE(tail);
  EXPECT_EQ(tail->end, group);
  EXPECT_EQ(tail->torn_bytes, 2 * one_bytes);
  EXPECT_EQ(tail->last_group_start, 1U);

  std::string damaged = file;
  damaged[header.bytes() + kLogFrameBytes] ^= 'A';
  EXPECT_EQ(ScanLastFile(damaged, header).error().code, ErrorCode::kCorruption);
  EXPECT_EQ(ScanLastFile(file, header)->last_group_start, group);
  EXPECT_TRUE(CheckRecords(file, header, group));
  EXPECT_FALSE(CheckRecords(file, header, group + 1));
}

TEST(LogDump, ShowsPositionsAndStatesAndNeedsNoKey) {
  FaultyFileSystem fs;
  ASSERT_TRUE(fs.CreateDirs("/log"));
  std::string old = Header1(1, 0);
  AppendRecord1("secret one", 1, 0, &old);
  AppendRecord1("secret two", 35, 34, &old);
  LogEncryptor encryptor = GoldenEncryptor(100);
  const LogHeader header = Header2(100, 35, 100);
  std::string present = EncodeLogHeader(header);
  encryptor.AppendRecord("secret three", 100, 100, &present);
  present += "BLR";
  ASSERT_TRUE(fs.WriteFileAtomically(LogFilePath("/log", 1), old));
  ASSERT_TRUE(fs.WriteFileAtomically(LogFilePath("/log", 100), present));
  const auto dump = [&] {
    std::string text;
    EXPECT_TRUE(DumpLog(fs, "/log", [&](std::string_view line) { text.append(line) += '\n'; }));
    return text;
  };
  ExpectGolden("dump.txt", dump());
  EXPECT_EQ(dump().find("secret"), std::string::npos);
  fs.Damage(LogFilePath("/log", 1), [](std::string* bytes) { bytes->at(90) = 'X'; });
  EXPECT_NE(dump().find("DAMAGED"), std::string::npos);
  fs.Damage(LogFilePath("/log", 100), [](std::string* bytes) { bytes->at(20) = 'X'; });
  EXPECT_NE(dump().find("the header of the log file is damaged"), std::string::npos);
}

// A log that an older program wrote is read, recovered and followed by encrypted files.
TEST(LogFormat, Version1IsReadAndNotContinued) {
  FaultyFileSystem fs;
  ASSERT_TRUE(fs.CreateDirs(kDir));
  std::string old = Header1(1, 0);
  AppendRecord1("old one", 1, 0, &old);
  AppendRecord1("old two", 32, 0, &old);
  ASSERT_TRUE(fs.WriteFileAtomically(LogFilePath(kDir, 1), old + "BLR\1 torn"));
  EXPECT_EQ(ReadAll(fs, 0, {}, SealKeyRing())->size(), 2U);
  {
    const auto writer = MustOpen(fs);
    EXPECT_EQ(AppendAndWait(*writer, "new one").value(), 63U);
  }
  MustOpen(fs);
  const std::map<uint64_t, std::string> all{{1, "old one"}, {32, "old two"}, {63, "new one"}};
  EXPECT_EQ(ReadAll(fs).value(), all);
  EXPECT_EQ(ReadAll(fs, 0, {}, SealKeyRing()).error().code, ErrorCode::kDenied);
  EXPECT_EQ(ReadLogFile(fs, kDir, 63)->header.version, 2U);
}

}  // namespace
}  // namespace bulkhead
