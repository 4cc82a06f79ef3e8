// A dictionary's bytes: singles u8; varint count of numbers, u8 whole?, then varint differences of
// whole numbers (the first one zigzag) or f64 each; varint count of strings, front-coded; varint
// count of composites, each with its length. All of it through EncodeBytes.
#include <algorithm>
#include <cmath>

#include "base/byte_codec.h"
#include "store/dictionary_builder.h"
#include "store/segment_format.h"
#include "store/value_codec.h"

namespace bulkhead {
namespace {

constexpr double kExact = 9007199254740992.0;  // 2^53

Error Damaged() { return Error{ErrorCode::kCorruption, "segment: dictionary is malformed"}; }

bool Whole(double number) { return std::abs(number) <= kExact && std::trunc(number) == number; }

void PutNumbers(const std::vector<double>& numbers, ByteWriter* out) {
  out->Varint(numbers.size());
  const bool whole = std::all_of(numbers.begin(), numbers.end(), Whole);
  out->Byte(whole ? 1 : 0);
  int64_t last = 0;
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (!whole) {
      out->Fixed(numbers[i]);
      continue;
    }
    const auto number = static_cast<int64_t>(numbers[i]);
    if (i == 0) {
      out->SignedVarint(number);
    } else {
      out->Varint(static_cast<uint64_t>(number - last));
    }
    last = number;
  }
}

bool ReadNumbers(ByteReader* in, DictionaryBuilder* builder) {
  const size_t count = in->Count();
  const bool whole = in->Byte() != 0;
  double previous = 0;
  int64_t last = 0;
  for (size_t i = 0; i < count; ++i) {
    double number = 0;
    if (whole) {
      const uint64_t step = i == 0 ? 0 : in->Varint();
      last = i == 0 ? in->SignedVarint() : static_cast<int64_t>(static_cast<uint64_t>(last) + step);
      number = static_cast<double>(last);
      if (std::abs(number) > kExact) {
        return false;
      }
    } else {
      number = in->Fixed<double>();
    }
    if (!in->ok() || !std::isfinite(number) || (i > 0 && number <= previous)) {
      return false;
    }
    builder->AddNumber(number);
    previous = number;
  }
  return in->ok();
}

bool ReadStrings(ByteReader* in, DictionaryBuilder* builder) {
  const size_t count = in->Count();
  std::string text;
  size_t total = 0;
  for (size_t i = 0; i < count && in->ok(); ++i) {
    const uint64_t shared = in->Varint();
    const std::string_view rest = in->String();
    if (!in->ok() || shared > text.size()) {
      return false;
    }
    const bool ascending = i == 0 || rest > std::string_view(text).substr(shared);
    text.resize(shared);
    text.append(rest);
    total += text.size();
    if (!ascending || total > UINT32_MAX) {
      return false;
    }
    builder->AddString(text);
  }
  return in->ok();
}

bool ReadComposites(ByteReader* in, DictionaryBuilder* builder) {
  const size_t count = in->Count();
  std::string_view previous;
  for (size_t i = 0; i < count && in->ok(); ++i) {
    const std::string_view encoded = in->String();
    ByteReader check(encoded);
    Value value;
    if (!DecodeValue(&check, &value) || !check.AtEnd() || !(value.is_list() || value.is_object()) ||
        (i > 0 && encoded <= previous)) {
      return false;
    }
    builder->AddComposite(encoded);
    previous = encoded;
  }
  return in->ok();
}

}  // namespace

void DictionaryFormat::Encode(const Dictionary& dictionary, std::string* out) {
  std::string body;
  ByteWriter writer(&body);
  writer.Byte(dictionary.singles_);
  PutNumbers(dictionary.numbers_, &writer);
  writer.Varint(dictionary.first_composite_ - dictionary.first_string_);
  std::string_view last;
  for (uint32_t code = dictionary.first_string_; code < dictionary.first_composite_; ++code) {
    const std::string_view text = dictionary.String(code);
    const auto shared = static_cast<size_t>(
        std::mismatch(text.begin(), text.end(), last.begin(), last.end()).first - text.begin());
    writer.Varint(shared);
    writer.String(text.substr(shared));
    last = text;
  }
  writer.Varint(dictionary.size_ + 1 - dictionary.first_composite_);
  for (uint32_t code = dictionary.first_composite_; code <= dictionary.size_; ++code) {
    writer.String(dictionary.String(code));
  }
  EncodeBytes(body, 3, out);
}

Result<Dictionary> DictionaryFormat::Decode(std::string_view bytes) {
  std::string body;
  if (!DecodeBytes(bytes, kMaxDictionaryBytes, &body)) {
    return Damaged();
  }
  ByteReader in(body);
  DictionaryBuilder builder;
  const uint8_t singles = in.Byte();
  if (singles > 7) {
    return Damaged();
  }
  if ((singles & 1U) != 0) builder.AddSingle(ValueKind::kNull, false);
  if ((singles & 2U) != 0) builder.AddSingle(ValueKind::kBool, false);
  if ((singles & 4U) != 0) builder.AddSingle(ValueKind::kBool, true);
  if (!ReadNumbers(&in, &builder) || !ReadStrings(&in, &builder) ||
      !ReadComposites(&in, &builder) || !in.AtEnd()) {
    return Damaged();
  }
  return builder.Finish();
}

}  // namespace bulkhead
