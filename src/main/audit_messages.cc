#include "main/audit_messages.h"

#include <cstring>

#include "base/byte_codec.h"

namespace bulkhead {

std::string EncodeAuditEntry(const AuditEntry& entry) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.String(entry.actor);
  writer.String(entry.action);
  writer.Varint(entry.project);
  writer.String(entry.purpose);
  writer.String(entry.scope);
  writer.String(entry.outcome);
  writer.Varint(entry.count);
  writer.Varint(entry.subjects.size());
  for (const SubjectId& subject : entry.subjects) {
    writer.Fixed(subject.bytes);
  }
  return bytes;
}

Result<AuditEntry> DecodeAuditEntry(std::string_view bytes) {
  ByteReader reader(bytes);
  AuditEntry entry;
  entry.actor = reader.String();
  entry.action = reader.String();
  entry.project = static_cast<uint32_t>(reader.Varint());
  entry.purpose = reader.String();
  entry.scope = reader.String();
  entry.outcome = reader.String();
  entry.count = reader.Varint();
  const size_t subjects = reader.Count();
  entry.subjects.reserve(subjects / sizeof(SubjectId::bytes));
  for (size_t i = 0; i < subjects && reader.ok(); ++i) {
    entry.subjects.emplace_back().bytes = reader.Fixed<decltype(SubjectId::bytes)>();
  }
  if (!reader.ok() || !reader.AtEnd()) {
    return Error{ErrorCode::kInvalid, "no audit entry"};
  }
  return entry;
}

Result<void> RemoteAudit::Append(const AuditEntry& entry) {
  Result<std::string> done = client_.Call(kAuditAppend, EncodeAuditEntry(entry));
  return done ? Result<void>() : Result<void>(done.error());
}

}  // namespace bulkhead
