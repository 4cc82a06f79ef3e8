#include "wire/expression_lexer.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace bulkhead {
namespace {

bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

void AppendUtf8(uint32_t code, std::string* out) {
  const auto tail = [&](unsigned shift) {
    out->push_back(static_cast<char>(0x80 | ((code >> shift) & 0x3F)));
  };
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out->push_back(static_cast<char>(0xC0 | (code >> 6)));
    tail(0);
  } else if (code < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | (code >> 12)));
    tail(6);
    tail(0);
  } else {
    out->push_back(static_cast<char>(0xF0 | (code >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace

Token Lexer::Next() {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
    ++at_;
  }
  Token token;
  token.column = at_ + 1;
  if (at_ >= text_.size()) {
    return token;
  }
  const char c = text_[at_];
  if (IsNameStart(c)) {
    const size_t begin = at_;
    while (at_ < text_.size() && (IsNameStart(text_[at_]) || IsDigit(text_[at_]))) {
      ++at_;
    }
    token.kind = TokenKind::kName;
    token.text = std::string(text_.substr(begin, at_ - begin));
  } else if (IsDigit(c) || (c == '.' && at_ + 1 < text_.size() && IsDigit(text_[at_ + 1]))) {
    ReadNumber(&token);
  } else if (c == '"' || c == '\'') {
    ReadString(c, &token);
  } else {
    ReadSymbol(&token);
  }
  return token;
}

void Lexer::ReadNumber(Token* token) {
  const char* begin = text_.data() + at_;
  const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), token->number);
  token->kind = error == std::errc() ? TokenKind::kNumber : TokenKind::kBad;
  at_ += static_cast<size_t>(std::max<ptrdiff_t>(end - begin, 1));
}

void Lexer::ReadString(char quote, Token* token) {
  token->kind = TokenKind::kBad;  // until it ends
  for (++at_; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == quote) {
      ++at_;
      token->kind = TokenKind::kString;
      return;
    }
    if (c != '\\') {
      token->text.push_back(c);
    } else if (++at_ >= text_.size() || !ReadEscape(token)) {
      return;
    }
  }
}

bool Lexer::ReadEscape(Token* token) {
  const char c = text_[at_];
  switch (c) {
    case 'n':
      token->text.push_back('\n');
      return true;
    case 't':
      token->text.push_back('\t');
      return true;
    case 'r':
      token->text.push_back('\r');
      return true;
    case 'b':
      token->text.push_back('\b');
      return true;
    case 'f':
      token->text.push_back('\f');
      return true;
    case 'u':
      return ReadUnicodeEscape(token);
    default:
      token->text.push_back(c);
      return true;
  }
}

bool Lexer::ReadUnicodeEscape(Token* token) {
  uint32_t code = ReadHex4(at_ + 1);
  at_ += 4;
  if (code >= 0xD800 && code < 0xDC00 &&
      text_.substr(std::min(at_ + 1, text_.size()), 2) == "\\u") {
    const uint32_t low = ReadHex4(at_ + 3);
    if (low >= 0xDC00 && low < 0xE000) {
      at_ += 6;
      AppendUtf8(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00), &token->text);
      return true;
    }
  }
  if (code >= 0xD800 && code < 0xE000) {
    return false;  // half of a pair, or not four digits
  }
  AppendUtf8(code, &token->text);
  return true;
}

// 0xDFFF, which no string may hold, where four hexadecimal digits are missing.
uint32_t Lexer::ReadHex4(size_t at) const {
  uint32_t code = 0;
  if (at + 4 > text_.size()) {
    return 0xDFFF;
  }
  const char* begin = text_.data() + at;
  const auto [end, error] = std::from_chars(begin, begin + 4, code, 16);
  return error == std::errc() && end == begin + 4 ? code : 0xDFFF;
}

void Lexer::ReadSymbol(Token* token) {
  static constexpr std::array<std::string_view, 16> kSymbols = {
      "==", "!=", ">=", "<=", ">", "<", "+", "-", "*", "/", "%", "(", ")", "[", "]", ","};
  for (const std::string_view symbol : kSymbols) {
    if (text_.substr(at_).starts_with(symbol)) {
      token->kind = TokenKind::kSymbol;
      token->text = std::string(symbol);
      at_ += symbol.size();
      return;
    }
  }
  token->kind = TokenKind::kBad;
  ++at_;
}

}  // namespace bulkhead
