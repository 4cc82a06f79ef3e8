#include "main/recorders.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

SubjectId Subject(size_t number) {
  SubjectId subject;
  subject.bytes[0] = static_cast<uint8_t>(number);
  subject.bytes[1] = static_cast<uint8_t>(number >> 8);
  subject.bytes[15] = 1;
  return subject;
}

// Notes what crosses the channel to the audit compartment, as that decodes it.
class NotingSink final : public AuditSink {
 public:
  Result<uint64_t> Append(const AuditEntry& entry) override {
    Result<AuditEntry> decoded = DecodeAuditEntry(EncodeAuditEntry(entry));
    if (!decoded) {
      return decoded.error();
    }
    if (full) {
      return Error{ErrorCode::kUnavailable, "full"};
    }
    entries.push_back(*std::move(decoded));
    return entries.size();
  }
  std::vector<AuditEntry> entries;
  bool full = false;
};

PersonRead ReadOf(size_t subjects) {
  PersonRead read{ProjectId{3}, "reader", "engage", "page 0", {}};
  for (size_t i = 0; i < subjects; ++i) {
    read.subjects.push_back(Subject(i));
  }
  return read;
}

TEST(RecordersTest, AReadNamesItsPersons) {
  NotingSink sink;
  AuditRecorder recorder(&sink);
  const PersonRead read = ReadOf(2001);
  ASSERT_TRUE(recorder.Record(read));
  ASSERT_EQ(sink.entries.size(), 1U);
  EXPECT_EQ(sink.entries[0].scope, "page 0");
  EXPECT_EQ(sink.entries[0].project, 3U);
  EXPECT_EQ(sink.entries[0].actor, "reader");
  EXPECT_EQ(sink.entries[0].outcome, "allowed");
  EXPECT_EQ(sink.entries[0].subjects, read.subjects);
}

TEST(RecordersTest, AReadThatCannotBeWrittenIsRefused) {
  NotingSink sink;
  sink.full = true;
  AuditRecorder recorder(&sink);
  EXPECT_FALSE(recorder.Record(ReadOf(1)));
}

TEST(RecordersTest, AnErasuresScopeTellsTheLogsPosition) {
  EXPECT_EQ(LogPositionOf(ErasureScope(17, "request 4")), 17U);
  EXPECT_EQ(LogPositionOf(ErasureScope(0, "")), 0U);
  EXPECT_EQ(LogPositionOf("request 4"), 0U);
  const std::vector<LoggedErasure> erasures = {{ProjectId{3}, {Subject(1), 5}},
                                               {ProjectId{4}, {Subject(2), 0}}};
  const Result<std::vector<LoggedErasure>> decoded = DecodeErasures(EncodeErasures(erasures));
  ASSERT_TRUE(decoded);
  ASSERT_EQ(decoded->size(), 2U);
  EXPECT_EQ((*decoded)[0].tombstone.erased_before, 5U);
  EXPECT_EQ((*decoded)[1].tombstone.subject, Subject(2));
}

TEST(RecordersTest, BytesThatAreNoEntryAreRefused) {
  AuditEntry entry;
  entry.actor = "reader";
  entry.action = "engage";
  entry.subjects = {Subject(1)};
  const std::string bytes = EncodeAuditEntry(entry);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeAuditEntry(bytes.substr(0, size))) << size;
  }
  EXPECT_FALSE(DecodeAuditEntry(bytes + "x"));
}

}  // namespace
}  // namespace bulkhead
