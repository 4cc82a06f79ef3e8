#include "main/recorders.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
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
    AuditLogOptions options;
    options.signing_seeds = KeyRing(SecretBytes(kKeyBytes));
    options.subjects_keys = KeyRing(SecretBytes(kKeyBytes));
    log_ = *AuditLog::Open(RealFileSystem(), dir_.string(), std::move(options));
  }
  ~RecordersTest() override { std::filesystem::remove_all(dir_); }

  [[nodiscard]] std::vector<AuditRecord> Records() const {
    AuditReader reader = *log_->Read();
    std::vector<AuditRecord> records;
    for (uint64_t i = 0; i < reader.size(); ++i) {
      records.push_back(*reader.Record(i));
    }
    return records;
  }
  [[nodiscard]] SubjectsSeen SeenBy(const std::string& actor) const {
    return *log_->ListSubjectsSeen({actor, 0, INT64_MAX});
  }

  std::filesystem::path dir_;
  std::unique_ptr<AuditLog> log_;
};

TEST_F(RecordersTest, AReadOfManyPersonsIsOneEntryThatCommitsToEach) {
  AuditRecorder recorder(log_.get());
  PersonRead read{ProjectId{3}, "reader", "engage", "2001 persons, page 0", {}};
  std::vector<SubjectId> asked;
  for (size_t i = 0; i <= 2000; ++i) {
    read.subjects.push_back(Subject(i));
    asked.push_back(Subject(i));
  }
  ASSERT_TRUE(recorder.Record(read));
  const std::vector<AuditRecord> records = Records();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].entry.scope, "2001 persons, page 0");
  EXPECT_EQ(records[0].entry.project, 3U);
  EXPECT_EQ(records[0].entry.outcome, "allowed");
  EXPECT_TRUE(records[0].entry.subjects.empty());
  ASSERT_TRUE(records[0].set);
  EXPECT_EQ(records[0].set->count, 2001U);
  std::sort(asked.begin(), asked.end());
  EXPECT_EQ(SeenBy("reader").subjects, asked);
  EXPECT_TRUE(SeenBy("somebody else").subjects.empty());
}

TEST_F(RecordersTest, AReadOfNobodyByNameIsOneEntry) {
  AuditRecorder recorder(log_.get());
  ASSERT_TRUE(
      recorder.Record(PersonRead{ProjectId{1}, "reader", "engage", "all persons, page 0", {}}));
  const std::vector<AuditRecord> records = Records();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].entry.scope, "all persons, page 0");
  EXPECT_FALSE(records[0].set);
  EXPECT_EQ(SeenBy("reader").without_set, std::vector<uint64_t>{0});
}

TEST_F(RecordersTest, AnErasureNamesItsSubjectAndTheSetsForgetIt) {
  AuditRecorder recorder(log_.get());
  ASSERT_TRUE(recorder.Record(
      PersonRead{ProjectId{1}, "reader", "engage", "2 persons", {Subject(1), Subject(2)}}));
  const VaultRequest request{ProjectId{1}, "operator", "request 17"};
  ASSERT_TRUE(recorder.Record(VaultAct{request, "erase", {Subject(1)}, 4, "allowed"}));
  ASSERT_TRUE(recorder.Record(VaultAct{request, "erase", {Subject(1)}, 4, "done"}));
  EXPECT_EQ(SeenBy("reader").subjects, std::vector<SubjectId>{Subject(2)});
  EXPECT_EQ(SeenBy("reader").forgotten, 1U);
  AuditReader reader = *log_->Read();
  const std::vector<ErasedSubjectEntry> erased = *reader.ListErased();
  ASSERT_EQ(erased.size(), 1U);
  EXPECT_EQ(erased[0].subject, Subject(1));
  EXPECT_EQ(erased[0].index, 2U);
}

TEST_F(RecordersTest, AReadThatCannotBeWrittenIsRefused) {
  AuditRecorder recorder(log_.get());
  EXPECT_FALSE(recorder.Record(
      PersonRead{ProjectId{1}, "reader", "engage", std::string(501, 'x'), {Subject(1)}}));
  EXPECT_TRUE(Records().empty());
}

}  // namespace
}  // namespace bulkhead
