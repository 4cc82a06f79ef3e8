#include "incident/notice_code.h"

#include <array>

namespace bulkhead {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr size_t kSymbols = 16;
constexpr size_t kGroup = 4;
using Symbols = std::array<uint8_t, kSymbols>;

// Sum of d_i x^(15-i) over GF(32), modulus x^5 + x^2 + 1: x has order 31, so that no two places
// weigh the same.
uint8_t Checksum(const Symbols& symbols) {
  unsigned sum = 0;
  for (size_t i = 0; i + 1 < kSymbols; ++i) {
    sum ^= symbols[i];
    sum <<= 1U;
    if ((sum & 0x20U) != 0) sum ^= 0x25U;
  }
  return static_cast<uint8_t>(sum);
}

std::string Spell(const Symbols& symbols) {
  std::string code;
  for (size_t i = 0; i < kSymbols; ++i) {
    if (i != 0 && i % kGroup == 0) code.push_back('-');
    code.push_back(kAlphabet[symbols[i]]);
  }
  return code;
}

std::optional<uint8_t> SymbolOf(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (c == 'O') c = '0';
  if (c == 'I' || c == 'L') c = '1';
  const size_t at = kAlphabet.find(c);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<uint8_t>(at);
}

std::optional<Symbols> Read(std::string_view code) {
  Symbols symbols{};
  size_t count = 0;
  for (const char c : code) {
    if (c == '-' || c == ' ') continue;
    const auto symbol = SymbolOf(c);
    if (!symbol || count == kSymbols) return std::nullopt;
    symbols[count++] = *symbol;
  }
  if (count != kSymbols) return std::nullopt;
  return symbols;
}

}  // namespace

std::string NoticeCodes::Of(std::string_view incident, std::string_view address) const {
  std::string text = "notice code\n";
  text.append(std::to_string(incident.size())).append("\n");
  text.append(incident).append("\n").append(address);
  std::array<uint8_t, 32> digest{};
  hash_.Digest256(text, digest.data());
  Symbols symbols{};
  unsigned bits = 0, held = 0;
  for (size_t i = 0, at = 0; i + 1 < kSymbols; ++i) {
    if (held < 5) {
      bits = (bits << 8U) | digest[at++];
      held += 8;
    }
    held -= 5;
    symbols[i] = static_cast<uint8_t>((bits >> held) & 0x1FU);
    bits &= (1U << held) - 1;
  }
  symbols.back() = Checksum(symbols);
  return Spell(symbols);
}

bool NoticeCodes::Verify(std::string_view code, std::string_view incident,
                         std::string_view address) const {
  const std::string right = Of(incident, address);
  // What is no code is compared as well, so that it takes as long.
  const std::string given = NormaliseNoticeCode(code).value_or(std::string(right.size(), '-'));
  return ConstantTimeEqual(given, right);
}

bool HasGoodChecksum(std::string_view code) {
  const auto symbols = Read(code);
  return symbols && Checksum(*symbols) == symbols->back();
}

std::optional<std::string> NormaliseNoticeCode(std::string_view code) {
  const auto symbols = Read(code);
  if (!symbols) return std::nullopt;
  return Spell(*symbols);
}

}  // namespace bulkhead
