#include "sieve/coarsen.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace bulkhead {
namespace {

constexpr size_t kDateBytes = 10;

// Through its text, so that the digits of a coarse number are the same again.
double TwoDigits(double number) {
  if (!std::isfinite(number)) return 0;
  char text[32];
  std::snprintf(text, sizeof(text), "%.1e", number);
  return std::strtod(text, nullptr);
}

bool IsDate(std::string_view text) {
  if (text.size() < kDateBytes ||
      (text.size() > kDateBytes && text[kDateBytes] != 'T' && text[kDateBytes] != ' ')) {
    return false;
  }
  for (size_t i = 0; i < kDateBytes; ++i) {
    const bool hyphen = i == 4 || i == 7;
    if (hyphen ? text[i] != '-' : text[i] < '0' || text[i] > '9') return false;
  }
  return true;
}

// "https://user@host:1/path" -> "https://host:1"; empty where it is no address.
std::string Origin(std::string_view text) {
  const size_t colon = text.find("://");
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (colon == std::string_view::npos || colon == 0 || colon > 16 ||
      !std::ranges::all_of(text.substr(0, colon), is_letter)) {
    return {};
  }
  std::string_view host = text.substr(colon + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  host = host.substr(host.rfind('@') + 1);
  const bool plain = !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == ':' || c == '[' || c == ']';
  });
  return plain ? std::string(text.substr(0, colon + 3)).append(host) : std::string();
}

bool CoarsenText(std::string* text) {
  char* end = nullptr;
  const double number = std::strtod(text->c_str(), &end);
  if (!text->empty() && end == text->c_str() + text->size() && std::isfinite(number)) {
    *text = ToJson(Value(TwoDigits(number)));
    return true;
  }
  if (IsDate(*text)) {
    text->resize(kDateBytes);
    return true;
  }
  std::string origin = Origin(*text);
  const bool known = !origin.empty() || text->empty();
  *text = std::move(origin);
  return known;
}

}  // namespace

bool CoarsenValue(Value* value) {
  switch (value->kind()) {
    case ValueKind::kNumber:
      *value = Value(TwoDigits(value->number()));
      return true;
    case ValueKind::kString:
      return CoarsenText(&value->string());
    case ValueKind::kList:
      return std::ranges::all_of(value->list(), [](Value& one) { return CoarsenValue(&one); });
    case ValueKind::kObject:
      return std::ranges::all_of(value->object(),
                                 [](auto& member) { return CoarsenValue(&member.second); });
    default:
      return true;
  }
}

}  // namespace bulkhead
