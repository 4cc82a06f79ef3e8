#include "base/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace bulkhead {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> MakeLenientTable() {
  std::array<int8_t, 256> table{};
  table.fill(-1);
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    table[static_cast<uint8_t>(kAlphabet[i])] = static_cast<int8_t>(i);
  }
  table['-'] = 62;
  table[' '] = 62;
  table['_'] = 63;
  return table;
}
constexpr std::array<int8_t, 256> kValues = MakeLenientTable();

}  // namespace

std::string Base64Encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k) {
      word = word << 8 | (k < count ? static_cast<uint8_t>(bytes[i + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      text.push_back(k <= count ? kAlphabet[(word >> (18 - 6 * k)) & 63] : '=');
    }
  }
  return text;
}

std::optional<std::string> Base64DecodeLenient(std::string_view text) {
  while (!text.empty() && (text.back() == '=' || text.back() == '\n' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) {
    return std::nullopt;
  }
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t word = 0;
  int bits = 0;
  for (const char c : text) {
    const int8_t value = kValues[static_cast<uint8_t>(c)];
    if (value < 0) {
      return std::nullopt;
    }
    word = word << 6 | static_cast<uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<char>(word >> bits & 0xFF));
    }
  }
  return bytes;
}

std::optional<std::string> Base64DecodeStrict(std::string_view text) {
  std::optional<std::string> bytes = Base64DecodeLenient(text);
  if (!bytes || Base64Encode(*bytes) != text) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace bulkhead
