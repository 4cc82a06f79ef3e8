#include "main/audit_messages.h"

#include <charconv>
#include <chrono>
#include <optional>

#include "base/byte_codec.h"

namespace bulkhead {
namespace {

constexpr std::string_view kScopePrefix = "before log position ";
// For what is tried again later anyhow; a process that ends must not wait for longer.
constexpr std::chrono::seconds kShortWait{5};

void WriteSubjects(const std::vector<SubjectId>& subjects, ByteWriter* writer) {
  writer->Varint(subjects.size());
  for (const SubjectId& subject : subjects) {
    writer->Fixed(subject.bytes);
  }
}

void ReadSubjects(ByteReader* reader, std::vector<SubjectId>* subjects) {
  for (size_t left = reader->Count(); left > 0 && reader->ok(); --left) {
    subjects->emplace_back().bytes = reader->Fixed<decltype(SubjectId::bytes)>();
  }
}

Error Malformed() { return {ErrorCode::kInvalid, "a call to or from the audit log is malformed"}; }

}  // namespace

std::string EncodeAuditEntry(const AuditEntry& entry) {
  std::string bytes;
  ByteWriter writer(&bytes);
  for (const std::string* text : {&entry.actor, &entry.action, &entry.purpose, &entry.scope,
                                  &entry.outcome, &entry.approval, &entry.policy}) {
    writer.String(*text);
  }
  writer.Varint(entry.project);
  writer.Varint(entry.count);
  writer.Varint(entry.fields.size());
  for (const std::string& field : entry.fields) {
    writer.String(field);
  }
  WriteSubjects(entry.subjects, &writer);
  return bytes;
}

Result<AuditEntry> DecodeAuditEntry(std::string_view bytes) {
  ByteReader reader(bytes);
  AuditEntry entry;
  for (std::string* text : {&entry.actor, &entry.action, &entry.purpose, &entry.scope,
                            &entry.outcome, &entry.approval, &entry.policy}) {
    *text = reader.String();
  }
  entry.project = static_cast<uint32_t>(reader.Varint());
  entry.count = reader.Varint();
  for (size_t left = reader.Count(); left > 0 && reader.ok(); --left) {
    entry.fields.emplace_back(reader.String());
  }
  ReadSubjects(&reader, &entry.subjects);
  return reader.ok() && reader.AtEnd() ? Result<AuditEntry>(std::move(entry)) : Malformed();
}

std::string EncodeErasures(const std::vector<LoggedErasure>& erasures) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Varint(erasures.size());
  for (const LoggedErasure& erasure : erasures) {
    writer.Varint(erasure.project.value);
    writer.Fixed(erasure.tombstone.subject.bytes);
    writer.Varint(erasure.tombstone.erased_before);
  }
  return bytes;
}

Result<std::vector<LoggedErasure>> DecodeErasures(std::string_view bytes) {
  ByteReader reader(bytes);
  std::vector<LoggedErasure> erasures;
  for (size_t left = reader.Count(); left > 0 && reader.ok(); --left) {
    LoggedErasure& erasure = erasures.emplace_back();
    erasure.project.value = static_cast<uint32_t>(reader.Varint());
    erasure.tombstone.subject.bytes = reader.Fixed<decltype(SubjectId::bytes)>();
    erasure.tombstone.erased_before = reader.Varint();
  }
  return reader.ok() && reader.AtEnd() ? Result<std::vector<LoggedErasure>>(std::move(erasures))
                                       : Malformed();
}

std::string ErasureScope(uint64_t log_position, std::string_view reference) {
  std::string scope = std::string(kScopePrefix) + std::to_string(log_position);
  return reference.empty() ? scope : scope + ", " + std::string(reference);
}

uint64_t LogPositionOf(std::string_view erasure_scope) {
  uint64_t position = 0;
  if (erasure_scope.starts_with(kScopePrefix)) {
    erasure_scope.remove_prefix(kScopePrefix.size());
    std::from_chars(erasure_scope.data(), erasure_scope.data() + erasure_scope.size(), position);
  }
  return position;
}

Result<uint64_t> RemoteAudit::Append(const AuditEntry& entry) {
  return CallForIndex(kAuditAppend, entry);
}

Result<uint64_t> RemoteAudit::NoteSignIn(const AuditEntry& entry) {
  return CallForIndex(kAuditSignIn, entry);
}

Result<uint64_t> RemoteAudit::NoteVendor(const AuditEntry& entry) {
  return CallForIndex(kAuditVendor, entry);
}

Result<uint64_t> RemoteAudit::NoteIncident(const AuditEntry& entry) {
  return CallForIndex(kAuditIncident, entry);
}

Result<ShownPage> RemoteAudit::Shown(const ShownRequest& request) {
  const Result<std::string> answer = client_.Call(kAuditShown, EncodeShownRequest(request));
  return answer ? DecodeShownPage(*answer) : answer.error();
}

Result<uint64_t> RemoteAudit::CallForIndex(uint8_t kind, const AuditEntry& entry) {
  Result<std::string> answer = client_.Call(kind, EncodeAuditEntry(entry));
  if (!answer) {
    return answer.error();
  }
  ByteReader reader(*answer);
  const uint64_t index = reader.Varint();
  return reader.ok() ? Result<uint64_t>(index) : Malformed();
}

Result<AuditCharged> RemoteAudit::Charge(const AuditEntry& entry) {
  Result<std::string> answer = client_.Call(kAuditCharge, EncodeAuditEntry(entry));
  if (!answer) {
    return answer.error();
  }
  ByteReader reader(*answer);
  AuditCharged charged;
  charged.index = reader.Varint();
  charged.left = reader.Varint();
  return reader.ok() ? Result<AuditCharged>(charged) : Malformed();
}

Result<std::vector<LoggedErasure>> RemoteAudit::Erased() {
  Result<std::string> answer = client_.Call(kAuditErased, "");
  return answer ? DecodeErasures(*answer) : Result<std::vector<LoggedErasure>>(answer.error());
}

Result<std::vector<std::string>> RemoteAudit::VetoedExports() {
  Result<std::string> answer = client_.Call(kAuditVetoed, "");
  if (!answer) {
    return answer.error();
  }
  ByteReader reader(*answer);
  std::vector<std::string> ids;
  for (size_t left = reader.Count(); left > 0 && reader.ok(); --left) {
    ids.emplace_back(reader.String());
  }
  return reader.ok() && reader.AtEnd() ? Result<std::vector<std::string>>(std::move(ids))
                                       : Malformed();
}

Result<uint32_t> RemoteAudit::ChangePolicy(std::string version) {
  Result<std::string> answer = client_.Call(kAuditPolicy, std::move(version));
  if (!answer) {
    return answer.error();
  }
  ByteReader reader(*answer);
  const uint64_t number = reader.Varint();
  return reader.ok() && number <= UINT32_MAX ? Result<uint32_t>(static_cast<uint32_t>(number))
                                             : Malformed();
}

Result<AddCheckpoint> RemoteAudit::Prove(uint64_t old_size) {
  std::string bytes;
  ByteWriter(&bytes).Varint(old_size);
  const Result<std::string> answer = client_.Call(kAuditProve, std::move(bytes), kShortWait);
  if (!answer) {
    return answer.error();
  }
  std::optional<AddCheckpoint> proof = ParseAddCheckpoint(*answer);
  return proof ? Result<AddCheckpoint>(*std::move(proof)) : Malformed();
}

Result<void> RemoteAudit::KeepCosigned(std::string cosigned) {
  const Result<std::string> answer = client_.Call(kAuditCosigned, std::move(cosigned), kShortWait);
  return answer ? Result<void>() : answer.error();
}

Result<std::string> RemoteAudit::Receipt(uint64_t index) {
  std::string bytes;
  ByteWriter(&bytes).Varint(index);
  return client_.Call(kAuditReceipt, std::move(bytes));
}

Result<void> RemoteAudit::Forget(const std::vector<SubjectId>& subjects) {
  AuditEntry entry;
  entry.subjects = subjects;
  Result<std::string> answer = client_.Call(kAuditForget, EncodeAuditEntry(entry));
  return answer ? Result<void>() : Result<void>(answer.error());
}

}  // namespace bulkhead
