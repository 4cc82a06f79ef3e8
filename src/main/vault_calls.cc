#include "main/vault_calls.h"

#include "base/byte_codec.h"

namespace bulkhead {
namespace {

void WriteSubjects(const std::vector<SubjectId>& subjects, ByteWriter* writer) {
  writer->Varint(subjects.size());
  for (const SubjectId& subject : subjects) {
    writer->Fixed(subject.bytes);
  }
}

std::vector<SubjectId> ReadSubjects(ByteReader* reader) {
  std::vector<SubjectId> subjects;
  for (size_t left = reader->Count(); left > 0 && reader->ok(); --left) {
    subjects.emplace_back().bytes = reader->Fixed<decltype(SubjectId::bytes)>();
  }
  return subjects;
}

Error Malformed() { return {ErrorCode::kInvalid, "a call to or from the vault is malformed"}; }

}  // namespace

std::string EncodeVaultQuestion(const VaultQuestion& question) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Varint(question.request.project.value);
  writer.String(question.request.actor);
  writer.String(question.request.purpose);
  WriteSubjects(question.subjects, &writer);
  writer.String(question.text);
  writer.Varint(question.log_end);
  return bytes;
}

Result<VaultQuestion> DecodeVaultQuestion(std::string_view bytes) {
  ByteReader reader(bytes);
  VaultQuestion question;
  question.request.project = ProjectId{static_cast<uint32_t>(reader.Varint())};
  question.request.actor = reader.String();
  question.request.purpose = reader.String();
  question.subjects = ReadSubjects(&reader);
  question.text = reader.String();
  question.log_end = reader.Varint();
  if (!reader.ok() || !reader.AtEnd()) {
    return Malformed();
  }
  return question;
}

std::string EncodeRevealed(const std::vector<RevealedField>& fields) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Varint(fields.size());
  for (const RevealedField& field : fields) {
    writer.String(field.field);
    writer.String(field.value.view());
    writer.Byte(field.from_profile && !field.current ? 1 : 0);
  }
  return bytes;
}

Result<std::vector<RevealedText>> DecodeRevealed(std::string_view bytes) {
  ByteReader reader(bytes);
  std::vector<RevealedText> fields;
  for (size_t left = reader.Count(); left > 0 && reader.ok(); --left) {
    RevealedText& field = fields.emplace_back();
    field.field = reader.String();
    field.value = reader.String();
    field.earlier = reader.Byte() != 0;
  }
  if (!reader.ok() || !reader.AtEnd()) {
    return Malformed();
  }
  return fields;
}

std::string EncodeSubjects(const std::vector<SubjectId>& subjects) {
  std::string bytes;
  ByteWriter writer(&bytes);
  WriteSubjects(subjects, &writer);
  return bytes;
}

Result<std::vector<SubjectId>> DecodeSubjects(std::string_view bytes) {
  ByteReader reader(bytes);
  std::vector<SubjectId> subjects = ReadSubjects(&reader);
  if (!reader.ok() || !reader.AtEnd()) {
    return Malformed();
  }
  return subjects;
}

}  // namespace bulkhead
