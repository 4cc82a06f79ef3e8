#include "sieve/validators.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "base/base64.h"

namespace bulkhead::validators {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool Luhn(std::string_view digits) {
  int sum = 0;
  bool twice = false;
  for (size_t i = digits.size(); i-- > 0;) {
    int d = digits[i] - '0';
    if (twice) d = d * 2 > 9 ? d * 2 - 9 : d * 2;
    sum += d;
    twice = !twice;
  }
  return sum % 10 == 0;
}

int Prefix(std::string_view digits, size_t count) {
  int value = 0;
  for (size_t i = 0; i < count && i < digits.size(); ++i) value = value * 10 + (digits[i] - '0');
  return value;
}

// Nineteen digits only for UnionPay: ids of that length are everywhere.
bool IssuerFits(std::string_view d) {
  const int two = Prefix(d, 2);
  const int three = Prefix(d, 3);
  const int four = Prefix(d, 4);
  switch (d.size()) {
    case 14:
      return two == 36 || two == 38 || (three >= 300 && three <= 305);
    case 15:
      return two == 34 || two == 37;
    case 16:
      return d[0] == '4' || (two >= 51 && two <= 55) || (four >= 2221 && four <= 2720) ||
             four == 6011 || two == 65 || (three >= 644 && three <= 649) || two == 62 ||
             (four >= 3528 && four <= 3589) || two == 50 || (two >= 56 && two <= 58) || two == 60 ||
             two == 63 || two == 67 || (four >= 2200 && four <= 2204);
    case 19:
      return two == 62;
    default:
      return false;
  }
}

constexpr size_t kLongJwtGroup = 17;

struct IbanLength {
  char country[3];
  size_t length;
};
constexpr IbanLength kIbanLengths[] = {
    {"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22},
    {"BH", 22}, {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22}, {"CY", 28}, {"CZ", 24}, {"DE", 22},
    {"DK", 18}, {"DO", 28}, {"EE", 20}, {"EG", 29}, {"ES", 24}, {"FI", 18}, {"FO", 18}, {"FR", 27},
    {"GB", 22}, {"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27}, {"GT", 28}, {"HR", 21}, {"HU", 28},
    {"IE", 22}, {"IL", 23}, {"IQ", 23}, {"IS", 26}, {"IT", 27}, {"JO", 30}, {"KW", 30}, {"KZ", 20},
    {"LB", 28}, {"LC", 32}, {"LI", 21}, {"LT", 20}, {"LU", 20}, {"LV", 21}, {"LY", 25}, {"MC", 27},
    {"MD", 24}, {"ME", 22}, {"MK", 19}, {"MR", 27}, {"MT", 31}, {"MU", 30}, {"NL", 18}, {"NO", 15},
    {"PK", 24}, {"PL", 28}, {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22}, {"SA", 24},
    {"SC", 31}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27}, {"ST", 25}, {"SV", 28}, {"TL", 23},
    {"TN", 24}, {"TR", 26}, {"UA", 29}, {"VA", 22}, {"VG", 24}, {"XK", 20}};

bool CountryCodeExists(std::string_view d) {
  static constexpr int kTwo[] = {20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46,
                                 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58, 60, 61, 62, 63,
                                 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98};
  static constexpr int kThree[] = {21, 22, 23, 24, 25, 26, 29, 35, 37, 38, 42, 50,
                                   59, 67, 68, 69, 80, 85, 87, 88, 96, 97, 99};
  const int two = Prefix(d, 2);
  return d[0] == '7' || std::find(std::begin(kTwo), std::end(kTwo), two) != std::end(kTwo) ||
         std::find(std::begin(kThree), std::end(kThree), two) != std::end(kThree);
}

bool StartsLikeJson(const std::string& text) {
  size_t i = 0;
  while (i < text.size() && std::isspace(static_cast<unsigned char>(text[i]))) ++i;
  return i + 1 < text.size() && text[i] == '{' &&
         (text[i + 1] == '"' || text[i + 1] == '}' ||
          std::isspace(static_cast<unsigned char>(text[i + 1])));
}

// The last group may be cut off, which leaves a length that no encoder gives.
std::optional<std::string> DecodePart(std::string_view part) {
  if (part.size() % 4 == 1) part.remove_suffix(1);
  return Base64DecodeLenient(part);
}

}  // namespace

std::string DigitsOf(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (IsDigit(c)) digits.push_back(c);
  }
  return digits;
}

bool IsCard(std::string_view text) {
  const std::string digits = DigitsOf(text);
  return IssuerFits(digits) && Luhn(digits);
}

bool IsIban(std::string_view text) {
  std::string compact;
  for (const char c : text) {
    if (IsDigit(c) || IsAlpha(c)) compact.push_back(static_cast<char>(std::toupper(c)));
  }
  if (compact.size() < 15) return false;
  const auto* entry =
      std::find_if(std::begin(kIbanLengths), std::end(kIbanLengths),
                   [&](const IbanLength& e) { return compact.compare(0, 2, e.country, 2) == 0; });
  if (entry == std::end(kIbanLengths) || entry->length != compact.size()) return false;
  int remainder = 0;
  for (size_t i = 0; i < compact.size(); ++i) {
    const char c = compact[(i + 4) % compact.size()];
    remainder =
        IsDigit(c) ? (remainder * 10 + (c - '0')) % 97 : (remainder * 100 + (c - 'A' + 10)) % 97;
  }
  return remainder == 1;
}

bool IsSsn(std::string_view text) {
  const std::string d = DigitsOf(text);
  if (d.size() != 9) return false;
  const int area = Prefix(d, 3);
  return area != 0 && area != 666 && area < 900 && d.compare(3, 2, "00") != 0 &&
         d.compare(5, 4, "0000") != 0;
}

bool IsInternationalPhone(std::string_view text) {
  const std::string d = DigitsOf(text);
  if (d.size() < 8 || d.size() > 15) return false;
  if (d[0] == '1') return d.size() == 11 && d[1] >= '2';
  return CountryCodeExists(d);
}

bool IsNanpPhone(std::string_view text) {
  std::string d = DigitsOf(text);
  if (d.size() == 11 && d[0] == '1') d.erase(0, 1);
  return d.size() == 10 && d[0] >= '2' && d[3] >= '2';
}

bool IsTrunkPhone(std::string_view text) {
  const std::string d = DigitsOf(text);
  return d.size() >= 9 && d.size() <= 12 && d[0] == '0' &&
         (d.compare(0, 2, "00") != 0 || IsInternationalPhone(d.substr(2)));
}

bool IsPublicIpv4(std::string_view text) {
  in_addr address{};
  if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return false;
  const uint32_t ip = ntohl(address.s_addr);
  const auto in = [ip](uint32_t net, int bits) {
    return (ip >> (32 - bits)) == (net >> (32 - bits));
  };
  if (in(0, 8) || in(0x0A000000, 8) || in(0x7F000000, 8) || in(0xA9FE0000, 16)) return false;
  if (in(0xAC100000, 12) || in(0xC0A80000, 16) || in(0x64400000, 10) || ip >= 0xE0000000)
    return false;
  // x.0.0.0 and x.y.0.0 are versions of programs, not hosts.
  return (ip & 0xFFFF) != 0;
}

bool IsPublicIpv6(std::string_view text) {
  in6_addr address{};
  if (inet_pton(AF_INET6, std::string(text).c_str(), &address) != 1) return false;
  if ((address.s6_addr[0] & 0xE0) == 0x20) return true;
  static constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (!std::equal(kMapped.begin(), kMapped.end(), address.s6_addr)) return false;
  char v4[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, address.s6_addr + 12, v4, sizeof v4);
  return IsPublicIpv4(v4);
}

bool IsJwt(std::string_view text) {
  const size_t dot = text.find('.');
  const std::string_view head = text.substr(0, dot);
  // Two long groups that both begin as encoded braces do, and a third: damaged, but nothing else.
  if (dot != std::string_view::npos && dot >= kLongJwtGroup && text.substr(dot + 1, 2) == "ey" &&
      text.find('.', dot + 1) != std::string_view::npos &&
      text.find('.', dot + 1) - dot > kLongJwtGroup)
    return true;
  const auto header = DecodePart(head);
  if (!header || !StartsLikeJson(*header)) return false;
  for (const char* key : {"\"alg\"", "\"typ\"", "\"enc\"", "\"kid\""}) {
    if (header->find(key) != std::string::npos) return true;
  }
  if (dot == std::string_view::npos) return false;
  const std::string_view rest = text.substr(dot + 1);
  const auto payload = DecodePart(rest.substr(0, rest.find('.')));
  return payload && StartsLikeJson(*payload);
}

bool IsBasicCredentials(std::string_view base64) {
  const auto decoded = DecodePart(base64);
  if (!decoded || decoded->find(':') == std::string::npos) return false;
  return std::all_of(decoded->begin(), decoded->end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
}

bool IsEmail(std::string_view text) {
  static constexpr std::string_view kFiles[] = {"png",  "jpg",   "jpeg", "gif", "svg", "webp",
                                                "avif", "ico",   "js",   "css", "mjs", "map",
                                                "woff", "woff2", "mp4",  "json"};
  const size_t at = text.find('@');
  const size_t dot = text.rfind('.');
  if (at == std::string_view::npos || dot == std::string_view::npos || dot < at) return false;
  if (text.substr(0, at) == "git") return false;
  std::string tld;
  for (const char c : text.substr(dot + 1)) tld.push_back(Lower(c));
  return std::find(std::begin(kFiles), std::end(kFiles), tld) == std::end(kFiles);
}

double Entropy(std::string_view text) {
  std::array<int, 256> counts{};
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const int count : counts) {
    if (count == 0) continue;
    const double p = static_cast<double>(count) / static_cast<double>(text.size());
    bits -= p * std::log2(p);
  }
  return bits;
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < 36; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsHexDigit(text[i])) return false;
  }
  return true;
}

bool IsHex(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsHexDigit);
}

bool IsTimestamp(std::string_view t) {
  static constexpr std::string_view kShape = "0000-00-00 00:00:00";
  if (t.size() < kShape.size() || t.size() > 35) return false;
  for (size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = t[i] >= '0' && t[i] <= '9';
    if (kShape[i] == '0'   ? !digit
        : kShape[i] == ' ' ? t[i] != 'T' && t[i] != ' '
                           : t[i] != kShape[i])
      return false;
  }
  t.remove_prefix(kShape.size());
  if (!t.empty() && t[0] == '.') {
    t.remove_prefix(1);
    size_t digits = 0;
    while (digits < t.size() && digits < 9 && t[digits] >= '0' && t[digits] <= '9') ++digits;
    t.remove_prefix(digits);
  }
  if (t.empty() || t == "Z") return true;
  if ((t[0] != '+' && t[0] != '-') || t.size() < 3 || t.size() > 6) return false;
  return std::all_of(t.begin() + 1, t.end(),
                     [](char c) { return (c >= '0' && c <= '9') || c == ':'; });
}

bool IsSecretValue(std::string_view text) {
  bool digit = false;
  bool other = false;
  bool version = true;
  for (const char c : text) {
    digit |= IsDigit(c);
    other |= !IsDigit(c);
    version &= IsDigit(c) || c == '.' || c == '-' || c == ':' || c == 'T' || c == 'Z';
  }
  if (text.size() < 6 || text.find("://") != std::string_view::npos) return false;
  if (text[0] == '/' || text[0] == '.' || text[0] == '$' || text[0] == '(' || text[0] == '{')
    return false;
  if (!other) return text.size() >= 10;
  if (version || IsTimestamp(text.substr(0, 19))) return false;
  return digit || Entropy(text) >= 3.7;
}

bool LooksRandom(std::string_view text) {
  if (text.size() < 20 || IsUuid(text)) return false;
  bool digit = false;
  bool upper = false;
  bool lower = false;
  size_t separators = 0;
  for (const char c : text) {
    digit |= IsDigit(c);
    upper |= c >= 'A' && c <= 'Z';
    lower |= c >= 'a' && c <= 'z';
    separators += c == '-' || c == '_' || c == '.' ? 1 : 0;
  }
  // Slugs and dotted names have a separator every few letters.
  if (separators * 8 > text.size()) return false;
  if (IsHex(text)) return text.size() >= 32;
  return digit && (upper ? lower : text.size() >= 24) && Entropy(text) >= 3.6;
}

}  // namespace bulkhead::validators
