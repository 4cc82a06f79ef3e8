// Cleans one string by its value: detectors over the text, over its decoded forms, and over the
// addresses in it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sieve/name_rules.h"
#include "sieve/text_members.h"
#include "sieve/value_rules.h"

namespace bulkhead {

class KeyedHash;

struct TextHit {
  std::string rule;
  Action action;
  std::string sealed;  // the raw value where the action seals
};

// "<kind:word>", such as <jwt:redacted>.
std::string Placeholder(std::string_view kind, std::string_view word);

// Whether no rule and no decoded form can match: short, without the characters that every rule
// needs.
bool IsTriviallyClean(std::string_view text);

class TextCleaner {
 public:
  TextCleaner(const RuleSet* rules, const KeyedHash* token_key)
      : rules_(rules), token_key_(token_key) {}

  // Cleans in place; `hits` grows by what was found. False: the text is as it was.
  bool Clean(std::string* text, ValueClass value_class, std::vector<TextHit>* hits) const;
  // `<kind:TOKEN>`, the same for equal values; e-mail addresses are equal in any case, numbers in
  // any separators.
  [[nodiscard]] std::string Token(std::string_view kind, std::string_view value) const;

 private:
  // How a string is looked at; `depth` counts decodings and addresses inside addresses.
  struct View {
    ValueClass value_class;
    int depth;
  };
  bool CleanAt(std::string* text, View view, std::vector<TextHit>* hits) const;
  bool CleanOnce(std::string* text, View view, std::vector<TextHit>* hits) const;
  bool CleanMembers(std::string* text, std::vector<TextHit>* hits) const;
  // What stands in place of a member's value by its name; nothing where it may stay.
  [[nodiscard]] std::optional<std::string> MemberReplacement(const TextMember& member,
                                                             std::vector<TextHit>* hits) const;
  bool ReplaceSpans(std::string* text, View view, std::vector<TextHit>* hits) const;
  bool CleanAddresses(std::string* text, View view, std::vector<TextHit>* hits) const;
  bool CleanBase64(std::string* text, View view, std::vector<TextHit>* hits) const;
  // Takes the decoded form in place of the text if it holds anything.
  bool AdoptIfHit(std::string decoded, std::string* text, View view,
                  std::vector<TextHit>* hits) const;
  [[nodiscard]] std::string CleanAddress(std::string_view url, View view,
                                         std::vector<TextHit>* hits) const;
  std::string Replacement(const ValueRule& rule, std::string_view value,
                          std::vector<TextHit>* hits) const;

  const RuleSet* rules_;
  const KeyedHash* token_key_;
};

}  // namespace bulkhead
