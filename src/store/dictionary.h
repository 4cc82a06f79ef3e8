// The distinct values of one property in one segment. A row holds a code: 0 = the property is
// absent, 1..size() = a value here. Codes are in the order null, false, true, numbers ascending,
// strings in byte order, lists and objects, so that "is this code in the range" decides a
// comparison. Codes of two segments mean nothing to each other: translate by value.
// Immutable and thread-safe; views live as long as the dictionary.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/value.h"

namespace bulkhead {

class Dictionary {
 public:
  Dictionary() = default;

  [[nodiscard]] uint32_t size() const { return size_; }
  [[nodiscard]] ValueKind Kind(uint32_t code) const;
  [[nodiscard]] Value At(uint32_t code) const;  // code in 1..size()

  // Half-open ranges of codes.
  [[nodiscard]] uint32_t first_number() const { return first_number_; }
  [[nodiscard]] uint32_t first_string() const { return first_string_; }
  [[nodiscard]] uint32_t first_composite() const { return first_composite_; }

  // Only for codes in the range of that kind.
  [[nodiscard]] double Number(uint32_t code) const { return numbers_[code - first_number_]; }
  [[nodiscard]] std::string_view String(uint32_t code) const { return Text(code - first_string_); }

  // 0 = not there.
  [[nodiscard]] uint32_t Find(const Value& value) const;
  [[nodiscard]] uint32_t FindString(std::string_view text) const;

  [[nodiscard]] size_t MemoryBytes() const;

 private:
  friend class DictionaryBuilder;
  friend struct DictionaryFormat;
  [[nodiscard]] std::string_view Text(uint32_t index) const {
    return std::string_view(text_).substr(ends_[index], ends_[index + 1] - ends_[index]);
  }

  uint32_t size_ = 0;
  uint8_t singles_ = 0;  // bit 0: null, bit 1: false, bit 2: true
  uint32_t first_number_ = 1;
  uint32_t first_string_ = 1;
  uint32_t first_composite_ = 1;
  std::vector<double> numbers_;
  std::string text_;            // strings, then composites as store/value_codec.h has them
  std::vector<uint32_t> ends_;  // begin of each text, then the end of the last
};

}  // namespace bulkhead
