#include "main/recorders.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

namespace bulkhead {
namespace {

SubjectId Subject(size_t number) {
  SubjectId id;
  id.bytes[0] = static_cast<uint8_t>(number);
  id.bytes[1] = static_cast<uint8_t>(number >> 8);
  id.bytes[15] = 1;
  return id;
}

class RecordersTest : public testing::Test {
 protected:
  RecordersTest() {
    std::string pattern = testing::TempDir() + "bulkhead-recorders-XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    file_ = *AuditFile::Open(RealFileSystem(), path());
  }
  ~RecordersTest() override { std::filesystem::remove_all(dir_); }

  [[nodiscard]] std::string path() const { return (dir_ / "audit.ndjson").string(); }
  [[nodiscard]] std::vector<AuditLine> Lines() const {
    std::vector<AuditLine> lines;
    std::ifstream in(path());
    for (std::string text; std::getline(in, text);) {
      const std::optional<AuditLine> line = ReadAuditLine(text);
      EXPECT_TRUE(line.has_value()) << text;
      lines.push_back(*line);
    }
    return lines;
  }

  std::filesystem::path dir_;
  std::unique_ptr<AuditFile> file_;
};

TEST_F(RecordersTest, AReadOfManyPersonsNamesEachInAsManyLinesAsItTakes) {
  AuditRecorder recorder(file_.get());
  PersonRead read{ProjectId{3}, "reader", "engage", "2000 persons, page 0", {}};
  std::set<SubjectId> asked;
  for (size_t i = 0; i < 2000; ++i) {
    read.subjects.push_back(Subject(i));
    asked.insert(Subject(i));
  }
  read.subjects.push_back(Subject(2000));  // one more than two lines hold
  asked.insert(Subject(2000));
  ASSERT_TRUE(recorder.Record(read));
  const std::vector<AuditLine> lines = Lines();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].entry.scope, "2000 persons, page 0, part 1 of 3");
  EXPECT_EQ(lines[2].entry.scope, "2000 persons, page 0, part 3 of 3");
  EXPECT_EQ(lines[2].entry.count, 1U);
  std::set<SubjectId> recorded;
  for (const AuditLine& line : lines) {
    EXPECT_EQ(line.entry.project, 3U);
    EXPECT_EQ(line.entry.outcome, "allowed");
    recorded.insert(line.entry.subjects.begin(), line.entry.subjects.end());
  }
  EXPECT_EQ(recorded, asked);
}

TEST_F(RecordersTest, AReadOfNobodyByNameIsOneLine) {
  AuditRecorder recorder(file_.get());
  ASSERT_TRUE(
      recorder.Record(PersonRead{ProjectId{1}, "reader", "engage", "all persons, page 0", {}}));
  const std::vector<AuditLine> lines = Lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].entry.scope, "all persons, page 0");
  EXPECT_TRUE(lines[0].entry.subjects.empty());
}

// One part that cannot be written means that the read is refused, whatever the others did.
TEST_F(RecordersTest, APartThatCannotBeWrittenRefusesTheRead) {
  AuditRecorder recorder(file_.get());
  EXPECT_FALSE(recorder.Record(
      PersonRead{ProjectId{1}, "reader", "engage", std::string(501, 'x'), {Subject(1)}}));
  EXPECT_TRUE(Lines().empty());
}

}  // namespace
}  // namespace bulkhead
