#include "main/audit_shown.h"

#include <utility>

#include "base/byte_codec.h"
#include "main/audit_messages.h"

namespace bulkhead {
namespace {

Error NotShown() { return {ErrorCode::kInvalid, "not a call about whom somebody was shown"}; }

// 0: nothing; else the number and one.
uint64_t NumberOf(const std::optional<uint64_t>& number) { return number ? *number + 1 : 0; }
std::optional<uint64_t> OptionalOf(uint64_t number) {
  return number == 0 ? std::nullopt : std::optional(number - 1);
}

void WriteEntry(const ShownEntry& entry, ByteWriter* out) {
  out->Varint(entry.index);
  out->SignedVarint(entry.ts_ms);
  out->String(entry.action);
  out->String(entry.scope);
  out->Varint(entry.project);
  out->Varint(entry.fields.size());
  for (const std::string& field : entry.fields) out->String(field);
  out->Byte(static_cast<uint8_t>(entry.set));
  out->Varint(entry.subjects.size());
  for (const SubjectId& subject : entry.subjects) out->Fixed(subject.bytes);
  out->Varint(entry.forgotten);
}

ShownEntry ReadEntry(ByteReader* in) {
  ShownEntry entry;
  entry.index = in->Varint();
  entry.ts_ms = in->SignedVarint();
  entry.action = in->String();
  entry.scope = in->String();
  entry.project = static_cast<uint32_t>(in->Varint());
  for (size_t left = in->Count(); left > 0 && in->ok(); --left) {
    entry.fields.emplace_back(in->String());
  }
  entry.set = static_cast<ShownSet>(in->Byte());
  for (size_t left = in->Count(); left > 0 && in->ok(); --left) {
    entry.subjects.push_back({in->Fixed<decltype(SubjectId::bytes)>()});
  }
  entry.forgotten = in->Varint();
  return entry;
}

bool IsOneQuestion(const ShownQuery& query) {
  return (query.actor.empty() ? 0 : 1) + (query.approval.empty() ? 0 : 1) + (query.entry ? 1 : 0) ==
         1;
}

}  // namespace

std::string EncodeShownRequest(const ShownRequest& request) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.String(request.asker);
  out.String(request.query.actor);
  out.SignedVarint(request.query.from_ms);
  out.SignedVarint(request.query.to_ms);
  out.String(request.query.approval);
  out.Varint(NumberOf(request.query.entry));
  out.Varint(request.from.entry);
  out.Varint(request.from.skip);
  return bytes;
}

Result<ShownRequest> DecodeShownRequest(std::string_view bytes) {
  ByteReader in(bytes);
  ShownRequest request;
  request.asker = in.String();
  request.query.actor = in.String();
  request.query.from_ms = in.SignedVarint();
  request.query.to_ms = in.SignedVarint();
  request.query.approval = in.String();
  request.query.entry = OptionalOf(in.Varint());
  request.from.entry = in.Varint();
  request.from.skip = in.Varint();
  return in.ok() && in.AtEnd() && IsOneQuestion(request.query) &&
                 EncodeShownRequest(request) == bytes
             ? Result<ShownRequest>(std::move(request))
             : NotShown();
}

std::string EncodeShownPage(const ShownPage& page) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Byte(page.known ? 1 : 0);
  out.Byte(page.next ? 1 : 0);
  out.Varint(page.next ? page.next->entry : 0);
  out.Varint(page.next ? page.next->skip : 0);
  out.Varint(page.entries.size());
  for (const ShownEntry& entry : page.entries) WriteEntry(entry, &out);
  return bytes;
}

Result<ShownPage> DecodeShownPage(std::string_view bytes) {
  ByteReader in(bytes);
  ShownPage page;
  page.known = in.Byte() != 0;
  const bool more = in.Byte() != 0;
  const uint64_t entry = in.Varint();
  const uint64_t skip = in.Varint();
  if (more) page.next = ShownPlace{entry, skip};
  bool good = true;
  for (size_t left = in.Count(); left > 0 && in.ok(); --left) {
    page.entries.push_back(ReadEntry(&in));
    const ShownSet set = page.entries.back().set;
    good = good && set >= ShownSet::kNamed && set <= ShownSet::kThrownAway;
  }
  return good && in.ok() && in.AtEnd() && EncodeShownPage(page) == bytes
             ? Result<ShownPage>(std::move(page))
             : NotShown();
}

AuditEntry EntryOf(const ShownRequest& request) {
  const ShownQuery& query = request.query;
  AuditEntry entry;
  entry.actor = request.asker;
  entry.action = kIncidentSurveyAction;
  entry.outcome = "allowed";
  entry.scope = query.entry              ? "whom entry " + std::to_string(*query.entry) + " shows"
                : query.approval.empty() ? "whom " + query.actor + " was shown"
                                         : "whom export " + query.approval + " showed";
  return entry;
}

}  // namespace bulkhead
