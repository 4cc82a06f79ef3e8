// Arbitrary bytes as what notices are kept and asked as: a sending, a note of a recipient, a page
// of addresses, a question and an answer; as the settings file; and as the body of a form.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "http/notice_html.h"
#include "http/query_parameters.h"
#include "incident/notice_round.h"
#include "incident/notice_settings.h"
#include "incident/notice_statement.h"

namespace {

using namespace bulkhead;  // NOLINT

void FuzzRecords(std::string_view bytes) {
  if (const auto round = DecodeNoticeRound(bytes)) {
    Check(EncodeNoticeRound(*round) == bytes, "one form of a sending");
  }
  if (const auto note = DecodeRecipientNote(bytes)) {
    Check(EncodeRecipientNote(*note) == bytes, "one form of a note");
  }
  if (const auto page = DecodeAddressPage(bytes)) {
    Check(EncodeAddressPage(*page) == bytes, "one form of a page");
  }
}

void FuzzAnswers(std::string_view bytes) {
  if (const auto question = DecodeNoticeQuestion(bytes)) {
    Check(EncodeNoticeQuestion(*question) == bytes, "one form of a question");
    static_cast<void>(NoticeForm(400, NoticeHint::kMistyped, *question));
  }
  if (const auto answer = DecodeNoticeAnswer(bytes)) {
    Check(EncodeNoticeAnswer(*answer) == bytes, "one form of an answer");
    Check(NoticeResult(*answer).status == 200 && !NoticeJson(*answer).empty(), "it can be shown");
  }
}

void FuzzForm(std::string_view body) {
  QueryParameters parameters;
  const bool json = !body.empty() && body.front() == '{';
  if (json ? parameters.AddJson(body) : parameters.AddForm(body)) {
    const std::string* code = parameters.Find("code");
    const std::string* address = parameters.Find("address");
    if (code == nullptr || address == nullptr) return;
    const HttpResponse page = NoticeForm(400, NoticeHint::kMistyped, {*code, *address});
    Check(page.body.find("<script") == std::string::npos, "what was typed is escaped");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  InitCrypto();
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      FuzzRecords(rest);
      break;
    case 1:
      FuzzAnswers(rest);
      break;
    case 2:
      static_cast<void>(ParseNoticeSettings(rest, "n"));
      break;
    default:
      FuzzForm(rest);
      break;
  }
  return 0;
}
