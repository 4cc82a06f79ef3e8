#include "store/dictionary.h"

#include <algorithm>
#include <cmath>

#include "base/byte_codec.h"
#include "base/check.h"
#include "store/value_codec.h"

namespace bulkhead {

ValueKind Dictionary::Kind(uint32_t code) const {
  if (code >= first_composite_) {
    return static_cast<ValueKind>(Text(code - first_string_)[0]);
  }
  if (code >= first_string_) {
    return ValueKind::kString;
  }
  if (code >= first_number_) {
    return ValueKind::kNumber;
  }
  return code == 1 && (singles_ & 1U) != 0 ? ValueKind::kNull : ValueKind::kBool;
}

Value Dictionary::At(uint32_t code) const {
  Check(code >= 1 && code <= size_, "dictionary code out of range");
  switch (Kind(code)) {
    case ValueKind::kNull:
      return Value();
    case ValueKind::kBool:
      // true is the last of the singles where there is one
      return Value((singles_ & 4U) != 0 && code + 1 == first_number_);
    case ValueKind::kNumber:
      return Value(Number(code));
    case ValueKind::kString:
      return Value(String(code));
    default: {
      ByteReader reader(Text(code - first_string_));
      Value value;
      const bool ok = DecodeValue(&reader, &value);
      return ok ? value : Value();
    }
  }
}

uint32_t Dictionary::FindString(std::string_view text) const {
  uint32_t low = first_string_;
  uint32_t high = first_composite_;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (String(middle) < text) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < first_composite_ && String(low) == text ? low : 0;
}

uint32_t Dictionary::Find(const Value& value) const {
  switch (value.kind()) {
    case ValueKind::kNull:
      return (singles_ & 1U) != 0 ? 1 : 0;
    case ValueKind::kBool:
      if (value.bool_value()) {
        return (singles_ & 4U) != 0 ? first_number_ - 1 : 0;
      }
      return (singles_ & 2U) != 0 ? 1 + (singles_ & 1U) : 0;
    case ValueKind::kNumber: {
      if (!std::isfinite(value.number())) {
        return (singles_ & 1U) != 0 ? 1 : 0;
      }
      const auto found = std::lower_bound(numbers_.begin(), numbers_.end(), value.number());
      return found != numbers_.end() && *found == value.number()
                 ? first_number_ + static_cast<uint32_t>(found - numbers_.begin())
                 : 0;
    }
    case ValueKind::kString:
      return FindString(value.string());
    default: {
      std::string encoded;
      EncodeValue(value, &encoded);
      for (uint32_t low = first_composite_, high = size_ + 1; low < high;) {
        const uint32_t middle = low + (high - low) / 2;
        const int order = Text(middle - first_string_).compare(encoded);
        if (order == 0) {
          return middle;
        }
        (order < 0 ? low : high) = order < 0 ? middle + 1 : middle;
      }
      return 0;
    }
  }
}

size_t Dictionary::MemoryBytes() const {
  return sizeof(*this) + numbers_.size() * sizeof(double) + text_.size() +
         ends_.size() * sizeof(uint32_t);
}

}  // namespace bulkhead
