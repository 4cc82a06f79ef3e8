// Mail addresses of given domains in text of any form, whatever stands around them: '@', or "%40"
// as in addresses of pages. Pure; safe on arbitrary bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace bulkhead {

namespace address_search {

inline constexpr size_t kMostLocalBytes = 64;
inline constexpr size_t kMostDomainBytes = 253;

inline bool IsAlnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
inline bool IsOfLocalPart(char c) {
  return IsAlnum(c) || c == '.' || c == '_' || c == '-' || c == '+';
}
inline bool IsOfDomain(char c) { return IsAlnum(c) || c == '.' || c == '-'; }
inline char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
// `known` is in lower case.
inline bool IsSameName(std::string_view text, std::string_view known) {
  return std::ranges::equal(text, known, {}, Lower);
}

// What of the text from `begin` on is a domain's name; a point that ends a sentence is none of it.
inline std::string_view DomainAt(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && end - begin <= kMostDomainBytes && IsOfDomain(text[end])) ++end;
  while (end > begin && text[end - 1] == '.') --end;
  return text.substr(begin, end - begin);
}

// What stands before `end`; the two digits of a percent escape are none of it.
inline std::string_view LocalPartBefore(std::string_view text, size_t end) {
  size_t begin = end;
  while (begin > 0 && end - begin < kMostLocalBytes && IsOfLocalPart(text[begin - 1])) --begin;
  if (begin > 0 && text[begin - 1] == '%' && end - begin >= 2) begin += 2;
  return text.substr(begin, end - begin);
}

}  // namespace address_search

// Calls f(local_part, domain) for each, in the order of the text: what stands before the sign, as
// it is written there, and the place of its domain in `domains`, which are in lower case.
template <typename F>
void ForEachAddress(std::string_view text, std::span<const std::string> domains, const F& f) {
  namespace search = address_search;
  const auto look = [&](size_t sign, size_t size) {
    const std::string_view name = search::DomainAt(text, sign + size);
    const auto found = std::ranges::find_if(
        domains, [&](const std::string& domain) { return search::IsSameName(name, domain); });
    if (found == domains.end()) return;
    const std::string_view local = search::LocalPartBefore(text, sign);
    if (!local.empty()) f(local, static_cast<size_t>(found - domains.begin()));
  };
  size_t at = text.find('@');
  size_t escape = text.find("%40");
  while (std::min(at, escape) != std::string_view::npos) {
    if (at < escape) {
      look(at, 1);
      at = text.find('@', at + 1);
    } else {
      look(escape, 3);
      escape = text.find("%40", escape + 1);
    }
  }
}

}  // namespace bulkhead
