#include "main/recorders.h"

#include <gtest/gtest.h>

#include <set>

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
  Result<void> Append(const AuditEntry& entry) override {
    Result<AuditEntry> decoded = DecodeAuditEntry(EncodeAuditEntry(entry));
    if (!decoded) {
      return decoded.error();
    }
    if (entries.size() == take) {
      return Error{ErrorCode::kUnavailable, "full"};
    }
    entries.push_back(*std::move(decoded));
    return {};
  }
  std::vector<AuditEntry> entries;
  size_t take = 1000;
};

PersonRead ReadOf(size_t subjects) {
  PersonRead read{ProjectId{3}, "reader", "engage", "page 0", {}};
  for (size_t i = 0; i < subjects; ++i) {
    read.subjects.push_back(Subject(i));
  }
  return read;
}

TEST(RecordersTest, AReadOfManyPersonsNamesEachInAsManyEntriesAsItTakes) {
  NotingSink sink;
  AuditRecorder recorder(&sink);
  const PersonRead read = ReadOf(2001);  // one more than two entries hold
  ASSERT_TRUE(recorder.Record(read));
  ASSERT_EQ(sink.entries.size(), 3U);
  EXPECT_EQ(sink.entries[0].scope, "page 0, part 1 of 3");
  EXPECT_EQ(sink.entries[2].scope, "page 0, part 3 of 3");
  EXPECT_EQ(sink.entries[2].count, 1U);
  std::set<SubjectId> recorded;
  for (const AuditEntry& entry : sink.entries) {
    EXPECT_EQ(entry.project, 3U);
    EXPECT_EQ(entry.actor, "reader");
    EXPECT_EQ(entry.outcome, "allowed");
    recorded.insert(entry.subjects.begin(), entry.subjects.end());
  }
  EXPECT_EQ(recorded, std::set<SubjectId>(read.subjects.begin(), read.subjects.end()));
}

TEST(RecordersTest, AReadOfNobodyByNameIsOneEntry) {
  NotingSink sink;
  AuditRecorder recorder(&sink);
  ASSERT_TRUE(recorder.Record(ReadOf(0)));
  ASSERT_EQ(sink.entries.size(), 1U);
  EXPECT_EQ(sink.entries[0].scope, "page 0");
  EXPECT_TRUE(sink.entries[0].subjects.empty());
}

// One part that cannot be written means that the read is refused, whatever the others did.
TEST(RecordersTest, APartThatCannotBeWrittenRefusesTheRead) {
  NotingSink sink;
  sink.take = 2;
  AuditRecorder recorder(&sink);
  EXPECT_FALSE(recorder.Record(ReadOf(2001)));
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
