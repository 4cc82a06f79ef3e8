#include "vault/email.h"

#include <algorithm>

namespace bulkhead {

std::optional<std::string> NormaliseEmail(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) {
    return std::nullopt;
  }
  text = text.substr(first, text.find_last_not_of(kSpace) - first + 1);
  const size_t at = text.find('@');
  const size_t dot = text.rfind('.');
  const bool one_address =
      at != std::string_view::npos && at > 0 && text.find('@', at + 1) == std::string_view::npos &&
      dot != std::string_view::npos && dot > at + 1 && dot + 1 < text.size() && text.size() <= 254;
  if (!one_address || text.find_first_of(" \t\r\n,;<>\"{}[]") != std::string_view::npos) {
    return std::nullopt;
  }
  std::string email(text);
  std::transform(email.begin(), email.end(), email.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return email;
}

}  // namespace bulkhead
