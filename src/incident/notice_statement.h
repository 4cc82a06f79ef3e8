// What the page where notices are checked says of a code and an address, as one text that is
// signed: line by line, always in the same order, so that an answer can be kept and shown to
// others. docs/notices.md has the form. Plain data and its codec; safe on arbitrary bytes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "crypto/signature.h"
#include "incident/notice_rounds.h"

namespace bulkhead {

inline constexpr size_t kMaxNoticeQuestionBytes = 512;

struct NoticeQuestion {
  std::string code, address;  // as typed
};
std::string EncodeNoticeQuestion(const NoticeQuestion& question);
// kInvalid: not what EncodeNoticeQuestion writes, or longer than may be.
Result<NoticeQuestion> DecodeNoticeQuestion(std::string_view bytes);

struct NoticeAnswer {
  bool yes = false;
  int64_t at_ms = 0;
  // With yes:
  std::string organisation, vendor, happening, period;
  std::string incident;
  uint32_t version = 0;
  int64_t told_ms = 0;                                       // 0: not told yet
  uint64_t entry = 0;                                        // of the audit log
  std::vector<std::pair<std::string, std::string>> exposed;  // field, and in which form
  std::string statement;  // all of it as text, which is what is signed
  Signature signature{};
  PublicKey key{};
};

// `asked`: SHA-256 of the code and the address, which binds the answer to the question.
NoticeAnswer AnswerNo(std::string_view asked, int64_t now_ms);
NoticeAnswer AnswerYes(std::string_view asked, int64_t now_ms, std::string_view incident,
                       const FoundRecipient& found);
void SignAnswer(const SigningKey& key, NoticeAnswer* answer);

std::string EncodeNoticeAnswer(const NoticeAnswer& answer);
// kInvalid: not what EncodeNoticeAnswer writes.
Result<NoticeAnswer> DecodeNoticeAnswer(std::string_view bytes);

// An Ed25519 public key in PEM (SubjectPublicKeyInfo, RFC 8410), as OpenSSL reads it.
std::string PublicKeyPem(const PublicKey& key);

}  // namespace bulkhead
