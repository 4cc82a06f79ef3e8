#include "sieve/policy_words.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdint>

namespace bulkhead {

bool IsPolicyName(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

bool IsDomainName(std::string_view text) {
  constexpr size_t kMaxDomainBytes = 253;
  constexpr size_t kMaxLabelBytes = 63;
  if (text.size() > kMaxDomainBytes || text.find('.') == std::string_view::npos) {
    return false;
  }
  for (;;) {
    const std::string_view label = text.substr(0, text.find('.'));
    const bool fits = !label.empty() && label.size() <= kMaxLabelBytes && label.front() != '-' &&
                      label.back() != '-' && std::ranges::all_of(label, [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                      });
    if (!fits || label.size() == text.size()) {
      return fits;
    }
    text.remove_prefix(label.size() + 1);
  }
}

bool IsIpAddress(const std::string& text) {
  uint8_t bytes[16];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

bool IsWebUrl(std::string_view url, bool plain_http) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!url.starts_with(scheme)) continue;
    if (scheme == "http://" && !plain_http) return false;
    const std::string_view rest = url.substr(scheme.size());
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
    return !authority.empty() && rest.find_first_of("@#\\ ") == std::string_view::npos;
  }
  return false;
}

// Inherits the words of TomlReader, which every line below speaks in.

}  // namespace bulkhead
