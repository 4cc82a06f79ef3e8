// Tokens of the where/on language. Used by expression_parser.cc alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bulkhead {

enum class TokenKind : unsigned char { kEnd, kName, kNumber, kString, kSymbol, kBad };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  // names, symbols, decoded strings
  double number = 0;
  size_t column = 1;
};

// Splits text into tokens. The text outlives the lexer.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  Token Next();

 private:
  void ReadNumber(Token* token);
  void ReadString(char quote, Token* token);
  bool ReadEscape(Token* token);
  bool ReadUnicodeEscape(Token* token);
  [[nodiscard]] uint32_t ReadHex4(size_t at) const;
  void ReadSymbol(Token* token);

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace bulkhead
