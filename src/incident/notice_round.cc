#include "incident/notice_round.h"

#include <algorithm>

#include "base/byte_codec.h"
#include "incident/incident_record.h"

namespace bulkhead {
namespace {

constexpr uint8_t kVersion = 1;

Error NotOne(const char* what) { return {ErrorCode::kInvalid, std::string("not ") + what}; }

void WriteRecipient(ByteWriter* out, const NoticeRecipient& recipient) {
  out->Varint(recipient.subjects.size());
  for (const SubjectId& subject : recipient.subjects) out->Fixed(subject.bytes);
  out->String(recipient.address);
  out->Fixed(recipient.leaf);
  out->Varint(recipient.fields.size());
  for (const uint32_t field : recipient.fields) out->Varint(field);
}

NoticeRecipient ReadRecipient(ByteReader* in, size_t fields, bool* good) {
  NoticeRecipient recipient;
  for (size_t left = in->Count(); left > 0 && in->ok(); --left) {
    recipient.subjects.push_back({in->Fixed<std::array<uint8_t, 16>>()});
  }
  recipient.address = in->String();
  recipient.leaf = in->Fixed<TreeHash>();
  for (size_t left = in->Count(); left > 0 && in->ok(); --left) {
    const uint64_t field = in->Varint();
    *good = *good && field < fields;
    recipient.fields.push_back(static_cast<uint32_t>(field));
  }
  *good = *good && recipient.address.size() <= kMaxAddressBytes;
  return recipient;
}

bool ReadFields(ByteReader* in, SentFields* fields) {
  bool good = true;
  for (size_t left = in->Count(); left > 0 && in->ok(); --left) {
    std::string name(in->String());
    const auto form = static_cast<FieldForm>(in->Byte());
    good = good && form >= FieldForm::kPlain && form <= FieldForm::kIdentity;
    fields->push_back({std::move(name), form});
  }
  return good;
}

}  // namespace

std::string EncodeNoticeRound(const NoticeRound& round) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Byte(kVersion);
  out.String(round.incident);
  out.Fixed(round.number);
  out.Fixed(round.version);
  out.Fixed(round.made_ms);
  out.Fixed(round.entry);
  out.Fixed(round.code_key);
  for (const std::string* text : {&round.organisation, &round.vendor, &round.happening,
                                  &round.draft.subject, &round.draft.text, &round.draft.html}) {
    out.String(*text);
  }
  out.Fixed(round.first_day);
  out.Fixed(round.last_day);
  out.Varint(round.fields.size());
  for (const SentField& field : round.fields) {
    out.String(field.name);
    out.Byte(static_cast<uint8_t>(field.form));
  }
  out.Varint(round.without_address);
  out.Varint(round.not_revealed);
  out.Varint(round.recipients.size());
  for (const NoticeRecipient& recipient : round.recipients) WriteRecipient(&out, recipient);
  return bytes;
}

Result<NoticeRound> DecodeNoticeRound(std::string_view bytes) {
  ByteReader in(bytes);
  NoticeRound round;
  bool good = in.Byte() == kVersion;
  round.incident = in.String();
  round.number = in.Fixed<uint32_t>();
  round.version = in.Fixed<uint32_t>();
  round.made_ms = in.Fixed<int64_t>();
  round.entry = in.Fixed<uint64_t>();
  round.code_key = in.Fixed<uint32_t>();
  for (std::string* text : {&round.organisation, &round.vendor, &round.happening,
                            &round.draft.subject, &round.draft.text, &round.draft.html}) {
    *text = in.String();
  }
  round.first_day = in.Fixed<int32_t>();
  round.last_day = in.Fixed<int32_t>();
  good = ReadFields(&in, &round.fields) && good;
  round.without_address = in.Varint();
  round.not_revealed = in.Varint();
  for (size_t left = in.Count(); left > 0 && in.ok() && good; --left) {
    round.recipients.push_back(ReadRecipient(&in, round.fields.size(), &good));
  }
  good = good && in.ok() && in.AtEnd() && IsIncidentId(round.incident) && round.number != 0 &&
         round.version != 0;
  return good ? Result<NoticeRound>(std::move(round)) : NotOne("a sending of notices");
}

std::string EncodeRecipientNote(const RecipientNote& note) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Fixed(note.recipient);
  out.Byte(static_cast<uint8_t>(note.state));
  out.Fixed(note.code);
  out.Fixed(note.at_ms);
  return bytes;
}

Result<RecipientNote> DecodeRecipientNote(std::string_view bytes) {
  ByteReader in(bytes);
  RecipientNote note;
  note.recipient = in.Fixed<uint32_t>();
  note.state = static_cast<RecipientState>(in.Byte());
  note.code = in.Fixed<uint16_t>();
  note.at_ms = in.Fixed<int64_t>();
  return in.ok() && in.AtEnd() && note.state <= RecipientState::kErased
             ? Result<RecipientNote>(note)
             : NotOne("what became of a recipient");
}

std::string EncodeAddressPage(const std::vector<SubjectAddress>& page) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Varint(page.size());
  for (const SubjectAddress& one : page) {
    out.Fixed(one.subject.bytes);
    out.String(one.address);
  }
  return bytes;
}

Result<std::vector<SubjectAddress>> DecodeAddressPage(std::string_view bytes) {
  ByteReader in(bytes);
  std::vector<SubjectAddress> page;
  const size_t count = in.Count();
  bool good = count <= kMaxPageAddresses;
  for (size_t i = 0; i < count && in.ok() && good; ++i) {
    SubjectAddress& one = page.emplace_back();
    one.subject.bytes = in.Fixed<std::array<uint8_t, 16>>();
    one.address = in.String();
    good = !one.address.empty() && one.address.size() <= kMaxAddressBytes;
  }
  return good && in.ok() && in.AtEnd() ? Result<std::vector<SubjectAddress>>(std::move(page))
                                       : NotOne("a page of addresses");
}

}  // namespace bulkhead
