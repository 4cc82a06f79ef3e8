#include "incident/notice_statement.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "base/byte_codec.h"
#include "incident/calendar.h"

namespace bulkhead {
namespace {

constexpr std::string_view kFirstLine = "bulkhead notice answer v1";

std::string_view FormInWords(FieldForm form) {
  switch (form) {
    case FieldForm::kPlain:
    case FieldForm::kIdentity:
      return "as it was";
    case FieldForm::kCoarse:
      return "in a coarse form only";
    case FieldForm::kToken:
      return "as a code; the value itself was not exposed";
  }
  return "";
}

std::string Begin(bool yes, std::string_view asked, int64_t now_ms) {
  return fmt::format("{}\nanswer: {}\nasked: {}\ntime: {}\n", kFirstLine, yes ? "yes" : "no", asked,
                     FormatTime(now_ms));
}

}  // namespace

std::string EncodeNoticeQuestion(const NoticeQuestion& question) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.String(question.code);
  out.String(question.address);
  return bytes;
}

Result<NoticeQuestion> DecodeNoticeQuestion(std::string_view bytes) {
  ByteReader in(bytes);
  NoticeQuestion question;
  question.code = in.String();
  question.address = in.String();
  if (!in.ok() || !in.AtEnd() || question.code.size() > kMaxNoticeQuestionBytes ||
      question.address.size() > kMaxNoticeQuestionBytes) {
    return Error{ErrorCode::kInvalid, "not a question about a notice"};
  }
  return question;
}

NoticeAnswer AnswerNo(std::string_view asked, int64_t now_ms) {
  NoticeAnswer answer;
  answer.at_ms = now_ms;
  answer.statement = Begin(false, asked, now_ms);
  return answer;
}

NoticeAnswer AnswerYes(std::string_view asked, int64_t now_ms, std::string_view incident,
                       const FoundRecipient& found) {
  NoticeAnswer answer;
  answer.yes = true;
  answer.at_ms = now_ms;
  answer.organisation = found.organisation;
  answer.vendor = found.vendor;
  answer.happening = found.happening;
  answer.period = fmt::format("{} to {}", FormatDay(found.first_day), FormatDay(found.last_day));
  answer.incident = incident;
  answer.version = found.version;
  answer.told_ms = found.told_ms;
  answer.entry = found.entry;
  std::string& text = answer.statement;
  text = Begin(true, asked, now_ms);
  if (!found.organisation.empty()) text += fmt::format("by: {}\n", found.organisation);
  text +=
      fmt::format("incident: {}, version {}\ntold: {}\naudit log entry: {}\nvendor: {}\n", incident,
                  found.version, found.told_ms == 0 ? "not yet" : FormatTime(found.told_ms),
                  found.entry, found.vendor);
  if (!found.happening.empty()) text += fmt::format("what happened: {}\n", found.happening);
  text += fmt::format("period: {}\n", answer.period);
  for (const SentField& field : found.fields) {
    answer.exposed.emplace_back(field.name, FormInWords(field.form));
    text += fmt::format("exposed: {}: {}\n", field.name, FormInWords(field.form));
  }
  if (found.fields.empty()) text += "exposed: no longer known, since that person was erased\n";
  return answer;
}

void SignAnswer(const SigningKey& key, NoticeAnswer* answer) {
  answer->signature = key.Sign(answer->statement);
  answer->key = key.public_key();
}

std::string EncodeNoticeAnswer(const NoticeAnswer& answer) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Byte(answer.yes ? 1 : 0);
  out.Fixed(answer.at_ms);
  for (const std::string* text : {&answer.organisation, &answer.vendor, &answer.happening,
                                  &answer.period, &answer.incident, &answer.statement}) {
    out.String(*text);
  }
  out.Fixed(answer.version);
  out.Fixed(answer.told_ms);
  out.Fixed(answer.entry);
  out.Varint(answer.exposed.size());
  for (const auto& [field, form] : answer.exposed) {
    out.String(field);
    out.String(form);
  }
  out.Fixed(answer.signature);
  out.Fixed(answer.key);
  return bytes;
}

Result<NoticeAnswer> DecodeNoticeAnswer(std::string_view bytes) {
  ByteReader in(bytes);
  NoticeAnswer answer;
  const uint8_t yes = in.Byte();
  answer.yes = yes == 1;
  answer.at_ms = in.Fixed<int64_t>();
  for (std::string* text : {&answer.organisation, &answer.vendor, &answer.happening, &answer.period,
                            &answer.incident, &answer.statement}) {
    *text = in.String();
  }
  answer.version = in.Fixed<uint32_t>();
  answer.told_ms = in.Fixed<int64_t>();
  answer.entry = in.Fixed<uint64_t>();
  for (size_t left = in.Count(); left > 0 && in.ok(); --left) {
    std::string field(in.String());
    answer.exposed.emplace_back(std::move(field), in.String());
  }
  answer.signature = in.Fixed<Signature>();
  answer.key = in.Fixed<PublicKey>();
  // FormatTime has years of four digits.
  constexpr int64_t kLastMs = 253402300799999;
  const auto good_time = [](int64_t time_ms) { return time_ms >= 0 && time_ms <= kLastMs; };
  return in.ok() && in.AtEnd() && yes <= 1 && good_time(answer.at_ms) && good_time(answer.told_ms)
             ? Result<NoticeAnswer>(std::move(answer))
             : Error{ErrorCode::kInvalid, "not an answer about a notice"};
}

std::string PublicKeyPem(const PublicKey& key) {
  constexpr std::string_view kPrefix("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);
  const std::string_view bytes(reinterpret_cast<const char*>(key.data()), key.size());
  return fmt::format("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
                     Base64Encode(std::string(kPrefix).append(bytes)));
}

}  // namespace bulkhead
