#include "sieve/text_members.h"

#include <algorithm>
#include <cstdlib>
#include <string>

namespace bulkhead {
namespace {

constexpr size_t kMaxNameBytes = 64;

bool IsQuote(char c) { return c == '"' || c == '\''; }

bool IsNameByte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-' || c == '$';
}

size_t SkipSpaces(std::string_view text, size_t at) {
  return std::min(text.find_first_not_of(" \t\r\n", at), text.size());
}

// Past the closing quote of the string that opens at `at`, or the end of a text that was cut off.
size_t EndOfString(std::string_view text, size_t at) {
  for (size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == text[at]) {
      return i + 1;
    }
  }
  return text.size();
}

size_t EndOfComposite(std::string_view text, size_t at) {
  int depth = 0;
  for (size_t i = at; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      i = EndOfString(text, i) - 1;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if ((c == ']' || c == '}') && --depth == 0) {
      return i + 1;
    }
  }
  return text.size();
}

size_t EndOfNumber(std::string_view text, size_t at) {
  const size_t digits = at + (text[at] == '-' ? 1 : 0);
  if (digits >= text.size() || text[digits] < '0' || text[digits] > '9') return at;
  return std::min(text.find_first_not_of("0123456789.eE+-", digits), text.size());
}

// The name before the separator at `at`; empty where there is none.
std::string_view NameBefore(std::string_view text, size_t at, bool* quoted) {
  while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t')) --at;
  *quoted = at > 1 && IsQuote(text[at - 1]);
  size_t begin = at;
  if (*quoted) {
    begin = text.rfind(text[at - 1], at - 2);
    if (begin == std::string_view::npos) return {};
    ++begin;
    --at;
  } else {
    while (begin > 0 && IsNameByte(text[begin - 1])) --begin;
  }
  const std::string_view name = text.substr(begin, at - begin);
  return name.size() <= kMaxNameBytes ? name : std::string_view();
}

std::optional<TextMember> MemberAt(std::string_view text, size_t separator) {
  bool quoted = false;
  const std::string_view name = NameBefore(text, separator, &quoted);
  const size_t begin = SkipSpaces(text, separator + 1);
  if (name.empty() || begin >= text.size()) return std::nullopt;
  TextMember member{name, begin, begin, Value(), false, '"'};
  const char first = text[begin];
  if (IsQuote(first)) {
    member.quote = first;
    member.end = EndOfString(text, begin);
    const bool closed = member.end - begin >= 2 && text[member.end - 1] == first;
    member.value = Value(text.substr(begin + 1, member.end - begin - (closed ? 2 : 1)));
    return member;
  }
  if (!quoted) return std::nullopt;
  member.composite = first == '[' || first == '{';
  member.end = member.composite ? EndOfComposite(text, begin) : EndOfNumber(text, begin);
  if (member.end == begin) return std::nullopt;
  const std::string raw(text.substr(begin, member.end - begin));
  member.value = member.composite ? Value(raw) : Value(std::strtod(raw.c_str(), nullptr));
  return member;
}

}  // namespace

std::optional<TextMember> NextTextMember(std::string_view text, size_t from) {
  for (size_t at = text.find_first_of(":=", from); at != std::string_view::npos;
       at = text.find_first_of(":=", at + 1)) {
    std::optional<TextMember> member = MemberAt(text, at);
    if (member) return member;
  }
  return std::nullopt;
}

}  // namespace bulkhead
