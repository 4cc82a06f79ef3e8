#include "model/value.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>

namespace bulkhead {
namespace {

constexpr double kLargestExactInteger = 9007199254740992.0;  // 2^53

// 1 where a byte may stand in a JSON string as it is: printable ASCII but '"' and '\'.
constexpr std::array<bool, 256> MakePlainTable() {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < 0x80; ++c) {
    plain[c] = c != '"' && c != '\\';
  }
  return plain;
}
constexpr std::array<bool, 256> kPlain = MakePlainTable();

void AppendEscaped(unsigned char c, std::string* out) {
  switch (c) {
    case '"':
      out->append("\\\"");
      return;
    case '\\':
      out->append("\\\\");
      return;
    case '\b':
      out->append("\\b");
      return;
    case '\f':
      out->append("\\f");
      return;
    case '\n':
      out->append("\\n");
      return;
    case '\r':
      out->append("\\r");
      return;
    case '\t':
      out->append("\\t");
      return;
    default:
      constexpr std::string_view digits = "0123456789abcdef";
      out->append("\\u00");
      out->push_back(digits[c >> 4]);
      out->push_back(digits[c & 15]);
  }
}

// Bytes of the well-formed UTF-8 sequence at the start of `text`, which is not ASCII; 0 where there
// is none.
size_t Utf8SequenceSize(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  const size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) {
    return 0;
  }
  // The second byte's range rules out overlong forms, surrogates and what lies past U+10FFFF.
  const uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) {
    return 0;
  }
  for (size_t i = 2; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) {
      return 0;
    }
  }
  return size;
}

void AppendJsonList(const ValueList& list, std::string* out) {
  out->push_back('[');
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0) {
      out->push_back(',');
    }
    AppendJson(list[i], out);
  }
  out->push_back(']');
}

void AppendJsonObject(const ValueObject& object, std::string* out) {
  out->push_back('{');
  bool first = true;
  for (const auto& [name, member] : object) {
    if (!first) {
      out->push_back(',');
    }
    first = false;
    AppendJsonString(name, out);
    out->push_back(':');
    AppendJson(member, out);
  }
  out->push_back('}');
}

}  // namespace

bool operator==(const Value& a, const Value& b) { return a.data_ == b.data_; }

void AppendJson(const Value& value, std::string* out) {
  switch (value.kind()) {
    case ValueKind::kNull:
      out->append("null");
      return;
    case ValueKind::kBool:
      out->append(value.bool_value() ? "true" : "false");
      return;
    case ValueKind::kNumber:
      AppendJsonNumber(value.number(), out);
      return;
    case ValueKind::kString:
      AppendJsonString(value.string(), out);
      return;
    case ValueKind::kList:
      AppendJsonList(value.list(), out);
      return;
    case ValueKind::kObject:
      AppendJsonObject(value.object(), out);
      return;
  }
}

void AppendJsonString(std::string_view text, std::string* out) {
  out->push_back('"');
  size_t plain_from = 0;
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (kPlain[c]) {
      ++i;
      continue;
    }
    if (c >= 0x80) {
      if (const size_t size = Utf8SequenceSize(text.substr(i)); size > 0) {
        i += size;
        continue;
      }
    }
    out->append(text.substr(plain_from, i - plain_from));
    if (c >= 0x80) {
      out->append("\xEF\xBF\xBD");  // U+FFFD for each byte that is no UTF-8
    } else {
      AppendEscaped(c, out);
    }
    plain_from = ++i;
  }
  out->append(text.substr(plain_from));
  out->push_back('"');
}

void AppendJsonNumber(double number, std::string* out) {
  if (!std::isfinite(number)) {
    out->append("null");  // JSON has no other word for it
  } else if (std::fabs(number) <= kLargestExactInteger && number == std::trunc(number) &&
             !(number == 0 && std::signbit(number))) {
    const fmt::format_int digits(static_cast<int64_t>(number));
    out->append(digits.data(), digits.size());
  } else {
    fmt::format_to(std::back_inserter(*out), FMT_COMPILE("{}"), number);
  }
}

std::string ToJson(const Value& value) {
  std::string json;
  AppendJson(value, &json);
  return json;
}

std::string JsonString(std::string_view text) {
  std::string json;
  AppendJsonString(text, &json);
  return json;
}

const Value* Find(const ValueObject& object, std::string_view name) {
  for (const auto& [key, value] : object) {
    if (key == name) {
      return &value;
    }
  }
  return nullptr;
}

}  // namespace bulkhead
