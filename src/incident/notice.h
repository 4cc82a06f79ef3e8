// Drafts of what people are told of an incident, as plain text and as HTML of the same words, from
// one set of facts. Nothing is invented: what is not known is said to be not known yet. Drafts are
// for people to read, and for counsel, before they are sent. No draft holds a link: a notice that
// asks people to follow one teaches them to follow the next. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/vendor_policy.h"

namespace bulkhead {

struct NoticeFacts {
  struct Field {
    std::string name;         // in words that people know: "e-mail address"
    std::string field_class;  // Fideslang's
    FieldForm form = FieldForm::kPlain;
  };
  // A party's clock: "vendor became aware".
  struct Moment {
    std::string what;
    std::optional<int64_t> at_ms;
  };

  std::string organisation;  // who tells
  std::string vendor;        // where it happened
  std::string happening;     // one sentence, as far as it is known
  std::optional<int64_t> from_ms, to_ms;
  std::optional<uint64_t> subjects, records;  // exact, out of the ledger
  std::vector<Field> fields;
  std::vector<std::string> not_exposed;  // looked for and not found; never what nobody looked for
  std::vector<Moment> moments;
  std::string contact;                // the data protection officer or another
  std::string check_page;             // typed by hand: "example.com/notice"
  std::vector<std::string> measures;  // taken, or proposed and said to be so
  bool complete = false;              // false: more may follow, in phases
};

enum class NoticeKind : unsigned char {
  kAuthority = 1,  // GDPR 33(3), (a) to (d)
  kOrganisation,
  kAdmin,
  kUser,  // GDPR 34(2), in plain language
  kQuestions
};
std::string_view NoticeKindName(NoticeKind kind);

// Stands in drafts to single recipients (organisations, admins, users) where the recipient's code
// goes (incident/notice_code.h).
inline constexpr std::string_view kNoticeCodePlace = "[NOTICE-CODE]";

struct Notice {
  NoticeKind kind = NoticeKind::kUser;
  std::string subject;
  std::string text;                  // UTF-8, lines end in "\n"
  std::string html;                  // a whole page; everything of the facts is escaped
  std::vector<std::string> unknown;  // which facts are missing, for who completes them
};

// kInvalid: a fact holds a link or a control character (the message says which).
Result<Notice> DraftNotice(NoticeKind kind, const NoticeFacts& facts);

// The notice to one recipient.
Notice WithCode(const Notice& notice, std::string_view code);

// What may follow from these fields being known to others, a sentence each, by their classes. A
// field in the form kToken tells nothing and has no consequence.
std::vector<std::string> LikelyConsequences(const std::vector<NoticeFacts::Field>& fields);

}  // namespace bulkhead
