#include "sieve/text_cleaner.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "base/base64.h"
#include "base/hex.h"
#include "base/percent.h"
#include "crypto/crypto.h"
#include "sieve/url_cleaner.h"
#include "sieve/validators.h"

namespace bulkhead {
namespace {

constexpr int kMaxRounds = 6;
constexpr int kMaxDepth = 4;
constexpr int kMaxInspectedMembers = 256;
constexpr size_t kMinBase64Bytes = 8;  // "a@b.co" encoded

enum ByteClass : uint8_t {
  kOther = 0,
  kDigit = 1,
  kUpper = 2,
  kTokenByte = 4,
  kSpecial = 8,
  kDot = 16
};

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> classes{};
  for (int c = '0'; c <= '9'; ++c) classes[static_cast<size_t>(c)] = kDigit | kTokenByte;
  for (int c = 'A'; c <= 'Z'; ++c) classes[static_cast<size_t>(c)] = kUpper | kTokenByte;
  for (int c = 'a'; c <= 'z'; ++c) classes[static_cast<size_t>(c)] = kTokenByte;
  for (const char c : {'_', '-', '+', '/'}) classes[static_cast<size_t>(c)] = kTokenByte;
  for (const char c : {'@', '%', '\\', '=', ':', '&', '{', '<', '?', '#', ';'})
    classes[static_cast<size_t>(c)] = kSpecial;
  classes['.'] = kTokenByte | kDot;
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

bool IsLowerHexId(std::string_view text) {
  if (text.size() != 16 && text.size() != 24 && text.size() != 32 && text.size() != 40 &&
      text.size() != 64)
    return false;
  bool letter = false;
  for (const char c : text) {
    const bool hex_letter = c >= 'a' && c <= 'f';
    if (!hex_letter && (c < '0' || c > '9')) return false;
    letter |= hex_letter;
  }
  return letter && text[0] != 'a' && text[0] != 'b';  // two of these letters open an IBAN
}

bool IsBase64Byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
         c == '/' || c == '-' || c == '_';
}

// The whole run, then what lies between separators: /files/<encoded>, order-<encoded>.
std::vector<std::pair<size_t, size_t>> PiecesOf(std::string_view text, size_t begin, size_t end) {
  std::vector<std::pair<size_t, size_t>> pieces;
  if (end - begin < kMinBase64Bytes) return pieces;
  pieces.emplace_back(begin, end);
  for (size_t piece = begin; piece < end;) {
    const size_t stop = std::min(text.find_first_of("/-_", piece), end);
    if (stop - piece >= kMinBase64Bytes && stop - piece < end - begin)
      pieces.emplace_back(piece, stop);
    piece = stop + 1;
  }
  return pieces;
}

bool IsPrintable(unsigned char byte) {
  return (byte >= 0x20 && byte != 0x7F) || byte == '\n' || byte == '\r' || byte == '\t';
}

// Printable UTF-8; what random bytes decode to is not.
bool IsText(std::string_view bytes) {
  size_t following = 0;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (following > 0) {
      if ((byte & 0xC0) != 0x80) return false;
      --following;
    } else if (byte >= 0x80) {
      following = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1;
      if (byte < 0xC2 || byte > 0xF4) return false;
    } else if (!IsPrintable(byte)) {
      return false;
    }
  }
  // The last character may be cut off.
  return bytes.size() >= 6;
}

int SixBits(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' || c == '-' ? 62 : 63;
}

// Whether the first six decoded bytes are printable: settles most ids without decoding them.
bool MayDecodeToText(std::string_view run) {
  for (size_t quad = 0; quad + 4 <= 8; quad += 4) {
    const int bits = SixBits(run[quad]) << 18 | SixBits(run[quad + 1]) << 12 |
                     SixBits(run[quad + 2]) << 6 | SixBits(run[quad + 3]);
    for (const int shift : {16, 8, 0}) {
      if (!IsPrintable(static_cast<unsigned char>((bits >> shift) & 0xFF))) return false;
    }
  }
  return true;
}

// Encoded text has capitals or digits, and no hyphen or slash every few letters.
bool MayBeBase64(std::string_view run) {
  return run.size() >= kMinBase64Bytes && MayDecodeToText(run) && !validators::IsUuid(run) &&
         !validators::IsHex(run) && std::any_of(run.begin(), run.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
         });
}

void AppendUtf8(uint32_t code, std::string* out) {
  const auto push = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xC0 | (code >> 6));
    push(0x80 | (code & 0x3F));
  } else {
    push(0xE0 | (code >> 12));
    push(0x80 | ((code >> 6) & 0x3F));
    push(0x80 | (code & 0x3F));
  }
}

// \uXXXX and \xXX to bytes, \" and \/ to themselves; what is no escape stays.
std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 >= text.size()) {
      out.push_back(text[i]);
      continue;
    }
    const char kind = text[++i];
    const size_t digits = kind == 'u' ? 4 : kind == 'x' ? 2 : 0;
    const std::string_view hex = text.substr(i + 1, digits);
    if (digits != 0 && hex.size() == digits && validators::IsHex(hex)) {
      AppendUtf8(static_cast<uint32_t>(std::stoul(std::string(hex), nullptr, 16)), &out);
      i += digits;
    } else if (kind == 'n' || kind == 'r' || kind == 't') {
      out.push_back(' ');
    } else if (kind == '"' || kind == '/' || kind == '\\' || kind == '\'') {
      out.push_back(kind);
    } else {
      out.push_back('\\');
      out.push_back(kind);
    }
  }
  return out;
}

std::string Canonical(std::string_view kind, std::string_view value) {
  if (kind == "phone" || kind == "ssn" || kind == "card") {
    std::string digits = validators::DigitsOf(value);
    if (!digits.empty()) return digits;
  }
  std::string out;
  for (const char c : value) {
    if (kind == "iban" && (c == ' ' || c == '-')) continue;
    out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  }
  return kind == "email" || kind == "iban" || kind == "ip" ? out : std::string(value);
}

bool HasSpace(std::string_view text) {
  return text.find_first_of(" \t\r\n") != std::string_view::npos;
}

// A value that is an address as a whole, without a scheme: /path, ?query, #fragment.
bool IsRelativeAddress(std::string_view text) {
  if (text.size() < 2 || HasSpace(text)) return false;
  return text[0] == '/' ||
         ((text[0] == '?' || text[0] == '#') && text.find('=') != std::string_view::npos);
}

}  // namespace

std::string Placeholder(std::string_view kind, std::string_view word) {
  std::string out;
  out.reserve(kind.size() + word.size() + 3);
  out.push_back('<');
  out.append(kind);
  out.push_back(':');
  out.append(word);
  out.push_back('>');
  return out;
}

bool IsTriviallyClean(std::string_view text) {
  if (text.size() < 6) return true;
  uint8_t any = 0;
  size_t digits = 0;
  size_t dots = 0;
  size_t run = 0;
  size_t longest = 0;
  for (const char c : text) {
    const uint8_t cls = kClasses[static_cast<unsigned char>(c)];
    any |= cls;
    digits += cls & kDigit;
    dots += (cls & kDot) != 0 ? 1 : 0;
    run = (cls & kTokenByte) != 0 ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const size_t limit = (any & (kUpper | kDigit)) != 0 ? kMinBase64Bytes : 16;
  if ((any & kSpecial) == 0 && digits < 7 && dots < 3 && longest < limit && text[0] != '/')
    return true;
  return validators::IsUuid(text) || IsLowerHexId(text) || validators::IsTimestamp(text);
}

std::string TextCleaner::Token(std::string_view kind, std::string_view value) const {
  uint8_t digest[16];
  std::string keyed = "sieve:";
  keyed += kind;
  keyed += ':';
  keyed += Canonical(kind, value);
  token_key_->Digest128(keyed, digest);
  return Placeholder(kind, HexEncode(digest));
}

bool TextCleaner::Clean(std::string* text, ValueClass value_class,
                        std::vector<TextHit>* hits) const {
  if (IsTriviallyClean(*text)) return false;
  return CleanAt(text, {value_class, 0}, hits);
}

bool TextCleaner::CleanAt(std::string* text, View view, std::vector<TextHit>* hits) const {
  if (view.depth > kMaxDepth) {
    // Wrapped deeper than anyone honest wraps.
    hits->push_back({"too_deep", Action::kRedact, std::string()});
    *text = "<redacted>";
    return true;
  }
  bool changed = false;
  for (int round = 0; round < kMaxRounds; ++round) {
    if (!CleanOnce(text, view, hits)) return changed;
    changed = true;
  }
  hits->push_back({"unsettled", Action::kRedact, std::string()});
  *text = "<redacted>";
  return true;
}

bool TextCleaner::CleanOnce(std::string* text, View view, std::vector<TextHit>* hits) const {
  bool changed = CleanMembers(text, hits);
  changed |= CleanAddresses(text, view, hits);
  // Encodings before the detectors, which otherwise see a secret end where its first escape stands.
  if (text->find('\\') != std::string::npos)
    changed |= AdoptIfHit(Unescape(*text), text, view, hits);
  // Addresses are decoded part by part: a decoded & or # would move their borders.
  const bool address = view.value_class == ValueClass::kUrl || IsRelativeAddress(*text) ||
                       (text->find("://") < 32 && !HasSpace(*text));
  if (!address && text->find('%') != std::string::npos)
    changed |= AdoptIfHit(PercentDecode(*text, false), text, view, hits);
  changed |= ReplaceSpans(text, view, hits);
  changed |= CleanBase64(text, view, hits);
  return changed;
}

bool TextCleaner::AdoptIfHit(std::string decoded, std::string* text, View view,
                             std::vector<TextHit>* hits) const {
  if (decoded == *text) return false;
  std::vector<TextHit> inner;
  if (!CleanAt(&decoded, {view.value_class, view.depth + 1}, &inner) || inner.empty()) return false;
  hits->insert(hits->end(), inner.begin(), inner.end());
  *text = std::move(decoded);
  return true;
}

std::string TextCleaner::Replacement(const ValueRule& rule, std::string_view value,
                                     std::vector<TextHit>* hits) const {
  if (rule.action == Action::kTokenAndSeal) {
    hits->push_back({rule.id, rule.action, std::string(value)});
    return Token(rule.kind, value);
  }
  hits->push_back({rule.id, rule.action, std::string()});
  return Placeholder(rule.kind, "redacted");
}

std::optional<std::string> TextCleaner::MemberReplacement(const TextMember& member,
                                                          std::vector<TextHit>* hits) const {
  const NameDecision decision = DecideByName(member.name, false);
  const bool text = member.value.is_string();
  if (decision.action == Action::kKeep) {
    if (decision.value_class == ValueClass::kUserAgent && text && !member.composite &&
        !IsPlaceholder(member.value.string(), "user-agent")) {
      hits->push_back({"name:user_agent", Action::kRedact, std::string()});
      return Placeholder("user-agent", "redacted");
    }
    return std::nullopt;
  }
  if ((!member.composite && SaysNothing(decision, member.value)) ||
      (text && IsPlaceholder(member.value.string(), decision.kind))) {
    return std::nullopt;
  }
  const std::string value = text ? Unescape(member.value.string()) : ToJson(member.value);
  switch (decision.action) {
    case Action::kSeal:
      hits->push_back({decision.rule, decision.action, value});
      return Placeholder(decision.kind, "sealed");
    case Action::kToken:
      hits->push_back({decision.rule, decision.action, std::string()});
      return Token(decision.kind, value);
    default:
      hits->push_back({decision.rule, Action::kRedact, std::string()});
      return Placeholder(decision.kind, "redacted");
  }
}

bool TextCleaner::CleanMembers(std::string* text, std::vector<TextHit>* hits) const {
  if (text->find_first_of("\"'") == std::string::npos) return false;
  bool changed = false;
  int inspected = 0;
  size_t from = 0;
  while (const std::optional<TextMember> member = NextTextMember(*text, from)) {
    const std::optional<std::string> replaced = MemberReplacement(*member, hits);
    if (!replaced) {
      // Members may stand inside: in a list, or in a string whose quotes lost their escapes. The
      // bound keeps hostile text from costing its square.
      const bool inside =
          member->composite || (!member->value.is_number() && ++inspected < kMaxInspectedMembers);
      from = inside ? member->begin + 1 : member->end;
      continue;
    }
    const std::string quoted = member->quote + *replaced + member->quote;
    text->replace(member->begin, member->end - member->begin, quoted);
    from = member->begin + quoted.size();
    changed = true;
  }
  return changed;
}

bool TextCleaner::ReplaceSpans(std::string* text, View view, std::vector<TextHit>* hits) const {
  const std::vector<Span> spans = rules_->Scan(*text, view.value_class == ValueClass::kVersion);
  if (spans.empty()) return false;
  std::string out;
  size_t from = 0;
  for (const Span& span : spans) {
    out.append(*text, from, span.begin - from);
    out += Replacement(*span.rule,
                       std::string_view(*text).substr(span.begin, span.end - span.begin), hits);
    from = span.end;
  }
  out.append(*text, from);
  *text = std::move(out);
  return true;
}

std::string TextCleaner::CleanAddress(std::string_view url, View view,
                                      std::vector<TextHit>* hits) const {
  const CleanPart part = [&](std::string* text) {
    if (IsTriviallyClean(*text)) return false;
    return CleanAt(text, {ValueClass::kText, view.depth + 1}, hits);
  };
  return CleanUrl(url, part, hits);
}

bool TextCleaner::CleanAddresses(std::string* text, View view, std::vector<TextHit>* hits) const {
  if (text->starts_with("data:") && text->find(',') != std::string::npos) {
    hits->push_back({"data_url", Action::kRedact, std::string()});
    *text = "<data-url:redacted>";
    return true;
  }
  const bool whole =
      (view.value_class == ValueClass::kUrl && !HasSpace(*text)) || IsRelativeAddress(*text);
  if (whole) {
    // current_url_search without its question mark.
    const bool bare_query =
        text->find_first_of("/?#") == std::string::npos && text->find('=') != std::string::npos;
    std::string cleaned =
        CleanAddress(bare_query ? std::string(1, '?').append(*text) : *text, view, hits);
    if (bare_query && cleaned.starts_with('?')) cleaned.erase(0, 1);
    const bool changed = cleaned != *text;
    *text = std::move(cleaned);
    return changed;
  }
  bool changed = false;
  for (size_t at = text->find("://"); at != std::string::npos;) {
    size_t begin = at;
    const auto is_scheme = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '+' || c == '.' || c == '-';
    };
    while (begin > 0 && is_scheme((*text)[begin - 1])) --begin;
    const bool all = begin == 0 && !HasSpace(*text);
    const size_t end =
        all ? text->size() : std::min(text->find_first_of(" \t\r\n\"'<>`|\\", at), text->size());
    const std::string cleaned =
        CleanAddress(std::string_view(*text).substr(begin, end - begin), view, hits);
    if (text->compare(begin, end - begin, cleaned) != 0) {
      text->replace(begin, end - begin, cleaned);
      changed = true;
    }
    const size_t next = std::max(begin + cleaned.size(), at + 3);
    at = next < text->size() ? text->find("://", next) : std::string::npos;
  }
  return changed;
}

bool TextCleaner::CleanBase64(std::string* text, View view, std::vector<TextHit>* hits) const {
  bool changed = false;
  size_t from = 0;
  while (from < text->size()) {
    size_t end = from;
    while (end < text->size() && IsBase64Byte((*text)[end])) ++end;
    size_t next = end + 1;
    for (const auto& [begin, stop] : PiecesOf(*text, from, end)) {
      std::string_view run = std::string_view(*text).substr(begin, stop - begin);
      if (run.size() % 4 == 1) run.remove_suffix(1);  // cut off
      const auto decoded = MayBeBase64(run) ? Base64DecodeLenient(run) : std::nullopt;
      std::string replaced(run);
      if (!decoded || !IsText(*decoded) ||
          !AdoptIfHit(*decoded, &replaced, {ValueClass::kText, view.depth}, hits))
        continue;
      size_t padded = stop;
      while (padded < text->size() && (*text)[padded] == '=') ++padded;
      text->replace(begin, padded - begin, replaced);
      next = begin + replaced.size();
      changed = true;
      break;
    }
    from = next;
  }
  return changed;
}

}  // namespace bulkhead
