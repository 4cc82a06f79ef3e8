// What the tests of the audit log share: keys, entries, a log in memory.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "audit/audit_log.h"
#include "audit/audit_verify.h"
#include "base/faulty_file_system.h"

namespace bulkhead {

inline constexpr const char* kTestLogDir = "/data/audit";

inline SecretBytes TestKey(uint8_t byte) {
  SecretBytes key(kKeyBytes);
  key.data()[0] = byte;
  return key;
}

inline AuditLogOptions TestLogOptions(const Clock& clock) {
  AuditLogOptions options;
  options.origin = "log.example/audit";
  options.signing_seeds = KeyRing(TestKey(1));
  options.subjects_keys = KeyRing(TestKey(2));
  options.clock = &clock;
  return options;
}

inline LogKeys TestLogKeys() {
  return {{NoteKeyKind::kLog, "log.example/audit", SigningKey(TestKey(1)).public_key()}};
}

inline SubjectId TestSubject(uint64_t number) {
  SubjectId id;
  for (size_t i = 0; i < 8; ++i) {
    id.bytes[i] = static_cast<uint8_t>(number >> (8 * i));
  }
  id.bytes[15] = 1;
  return id;
}

inline AuditEntry TestReveal(const std::string& purpose = "ticket 4711") {
  AuditEntry entry;
  entry.actor = "bulkhead.0011.mp-service-account";
  entry.action = "reveal";
  entry.project = 1;
  entry.purpose = purpose;
  entry.count = 7;
  entry.outcome = "allowed";
  return entry;
}

inline AuditEntry TestErasure(const SubjectId& subject, const std::string& outcome = "done") {
  AuditEntry entry = TestReveal("request 17");
  entry.action = kEraseAction;
  entry.subjects = {subject};
  entry.outcome = outcome;
  return entry;
}

class AuditLogTest : public testing::Test {
 protected:
  AuditLogTest() : clock_(1'764'000'000'123), fs_(std::make_unique<FaultyFileSystem>()) {}

  Result<std::unique_ptr<AuditLog>> TryOpen(FileSystem& fs) {
    return AuditLog::Open(fs, kTestLogDir, TestLogOptions(clock_));
  }
  std::unique_ptr<AuditLog> Open() { return std::move(TryOpen(*fs_)).value(); }
  // A log of `count` entries, in one go.
  void Fill(uint64_t count) {
    const std::unique_ptr<AuditLog> log = Open();
    for (uint64_t i = 0; i < count; ++i) {
      ASSERT_TRUE(log->Append(TestReveal("ticket " + std::to_string(i))));
    }
  }
  static Result<AuditLogReport> Verify(FileSystem& fs) {
    static const KeyRing keys(TestKey(2));
    VerifyAuditOptions options;
    options.subjects_keys = &keys;
    return VerifyAuditLog(fs, kTestLogDir, TestLogKeys(), options);
  }
  Result<AuditLogReport> Verify() { return Verify(*fs_); }
  static std::string Path(const std::string& name) { return std::string(kTestLogDir) + "/" + name; }

  ManualClock clock_;
  std::unique_ptr<FaultyFileSystem> fs_;
};

}  // namespace bulkhead
