#include "wire/json_repair.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>

namespace bulkhead {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kSpaces = " \t\r\n";

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsHighSurrogate(uint32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool IsLowSurrogate(uint32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

bool IsWordByte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '+' || c == '.';
}

void AppendUtf8(uint32_t code, std::string* out) {
  const auto byte = [out](uint32_t value) { out->push_back(static_cast<char>(value)); };
  byte(0xF0 | code >> 18);
  byte(0x80 | (code >> 12 & 0x3F));
  byte(0x80 | (code >> 6 & 0x3F));
  byte(0x80 | (code & 0x3F));
}

// A number that JSON allows may still be more than the parser holds.
std::string_view RepairWord(std::string_view word, std::string* scratch) {
  if (word == "NaN" || word == "Infinity" || word == "-Infinity") return "null";
  const bool negative = word.starts_with('-');
  const std::string_view digits = word.substr(negative ? 1 : 0);
  if (digits.empty() || digits.front() < '0' || digits.front() > '9') return word;
  const char* end = word.data() + word.size();
  double number = 0;
  const auto [stop, failure] = std::from_chars(word.data(), end, number);
  if (stop != end) return word;
  if (failure == std::errc::result_out_of_range) {
    // Too near to zero is zero, as the parser has it too; too far from it is no number.
    scratch->assign(word);
    return std::isinf(std::strtod(scratch->c_str(), nullptr)) ? "null" : word;
  }
  if (digits.find_first_not_of("0123456789") != std::string_view::npos) return word;
  int64_t with_sign = 0;
  uint64_t without = 0;
  const std::errc fits = negative ? std::from_chars(word.data(), end, with_sign).ec
                                  : std::from_chars(word.data(), end, without).ec;
  if (fits == std::errc()) return word;
  scratch->assign(word).append(".0");
  return *scratch;
}

class Repairer {
 public:
  Repairer(std::string_view text, size_t max_bytes) : text_(text), max_bytes_(max_bytes) {}

  std::optional<std::string> Run() {
    out_.reserve(text_.size() + 64);
    while (at_ < text_.size() && out_.size() <= max_bytes_) {
      in_string_ ? StepInString() : StepOutside();
    }
    if (!changed_ || out_.size() > max_bytes_) return std::nullopt;
    return std::move(out_);
  }

 private:
  void Copy(size_t size) {
    out_.append(text_.substr(at_, size));
    at_ += size;
  }
  void Replace(size_t size, std::string_view with) {
    out_.append(with);
    at_ += size;
    changed_ = true;
  }
  [[nodiscard]] uint8_t ByteAt(size_t at) const {
    return at < text_.size() ? static_cast<uint8_t>(text_[at]) : 0;
  }

  void StepOutside() {
    if (!IsWordByte(text_[at_])) {
      in_string_ = text_[at_] == '"';
      return Copy(1);
    }
    size_t size = 1;
    while (at_ + size < text_.size() && IsWordByte(text_[at_ + size])) ++size;
    const std::string_view word = text_.substr(at_, size);
    const std::string_view repaired = RepairWord(word, &scratch_);
    if (repaired == word) return Copy(size);
    Replace(size, repaired);
  }

  void StepInString() {
    const char c = text_[at_];
    if (c == '\\') return StepEscape();
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 0x80) return StepUtf8();
    if (byte < 0x20) return StepControl(byte);
    in_string_ = c != '"';
    Copy(1);
  }

  void StepControl(uint8_t byte) {
    constexpr std::string_view kHex = "0123456789abcdef";
    if (byte == '\n') return Replace(1, "\\n");
    if (byte == '\r') return Replace(1, "\\r");
    if (byte == '\t') return Replace(1, "\\t");
    const std::array<char, 6> escape = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
    Replace(1, {escape.data(), escape.size()});
  }

  // The code unit of "\uXXXX" at `at`, or -1.
  [[nodiscard]] int EscapedUnit(size_t at) const {
    if (at + 6 > text_.size() || text_[at] != '\\' || text_[at + 1] != 'u') return -1;
    int unit = 0;
    for (size_t i = at + 2; i < at + 6; ++i) {
      const int digit = HexDigit(text_[i]);
      if (digit < 0) return -1;
      unit = unit * 16 + digit;
    }
    return unit;
  }

  // The JavaScript SDK cuts strings at 255 UTF-16 units and so sends halves of surrogate pairs.
  void StepEscape() {
    const int read = EscapedUnit(at_);
    if (read < 0) return Copy(2);  // its second character starts nothing
    const auto unit = static_cast<uint32_t>(read);
    if (IsHighSurrogate(unit)) {
      const int next = EscapedUnit(at_ + 6);
      if (next >= 0 && IsLowSurrogate(static_cast<uint32_t>(next))) return Copy(12);
    }
    if (IsHighSurrogate(unit) || IsLowSurrogate(unit)) return Replace(6, "\\ufffd");
    Copy(6);
  }

  // The surrogate that three bytes at `at` spell, or 0.
  [[nodiscard]] uint32_t RawSurrogate(size_t at) const {
    const uint32_t second = ByteAt(at + 1);
    const uint32_t third = ByteAt(at + 2);
    if (ByteAt(at) != 0xED || second < 0xA0 || second > 0xBF || (third & 0xC0) != 0x80) return 0;
    return 0xD000 | (second & 0x3F) << 6 | (third & 0x3F);
  }

  void StepUtf8() {
    if (const uint32_t unit = RawSurrogate(at_); unit != 0) {
      const uint32_t next = RawSurrogate(at_ + 3);
      if (!IsHighSurrogate(unit) || !IsLowSurrogate(next)) return Replace(3, kReplacement);
      AppendUtf8(0x10000 + ((unit - 0xD800) << 10) + (next - 0xDC00), &out_);
      return Replace(6, "");
    }
    const size_t size = CharacterBytes();
    if (size == 0) return Replace(1, kReplacement);
    Copy(size);
  }

  // The length of the well-formed character at at_ (RFC 3629), or 0.
  [[nodiscard]] size_t CharacterBytes() const {
    const uint8_t lead = ByteAt(at_);
    size_t size = 0;
    uint8_t low = 0x80;  // what the second byte must be; those after it are 80 to BF always
    uint8_t high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
      size = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      size = 3;
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      size = 4;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    }
    if (size == 0 || at_ + size > text_.size()) return 0;
    if (ByteAt(at_ + 1) < low || ByteAt(at_ + 1) > high) return 0;
    for (size_t i = 2; i < size; ++i) {
      if ((ByteAt(at_ + i) & 0xC0) != 0x80) return 0;
    }
    return size;
  }

  std::string_view text_;
  size_t max_bytes_;
  size_t at_ = 0;
  bool in_string_ = false;
  bool changed_ = false;
  std::string out_;
  std::string scratch_;
};

}  // namespace

std::optional<std::string> RepairJson(std::string_view text, size_t max_bytes) {
  return Repairer(text, max_bytes).Run();
}

ArraySplitter::ArraySplitter(std::string_view text) : text_(text) {
  at_ = text.find_first_not_of(kSpaces);
  open_ = at_ != std::string_view::npos && text[at_] == '[';
  if (open_) ++at_;
}

bool ArraySplitter::IsArray(std::string_view text) {
  ArraySplitter parts(text);
  if (!parts.open_) return false;
  while (parts.Next()) {
  }
  return parts.at_ < text.size() && text[parts.at_] == ']' &&
         text.find_first_not_of(kSpaces, parts.at_ + 1) == std::string_view::npos;
}

std::optional<std::string_view> ArraySplitter::Next() {
  if (!open_) return std::nullopt;
  const size_t begin = at_;
  size_t depth = 0;
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == '"') {
      SkipString();
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (depth > 0) {
      depth -= c == '}' || c == ']' ? 1 : 0;
    } else if (c == ',') {
      first_ = false;
      return text_.substr(begin, at_++ - begin);
    } else if (c == ']') {
      break;
    }
  }
  open_ = false;
  const std::string_view last = text_.substr(begin, at_ - begin);
  const bool empty = first_ && last.find_first_not_of(kSpaces) == std::string_view::npos;
  return empty ? std::nullopt : std::optional(last);
}

// To the quote that ends the string at at_, or the text's last byte.
void ArraySplitter::SkipString() {
  for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
    if (text_[at_] == '\\') ++at_;
  }
}

}  // namespace bulkhead
