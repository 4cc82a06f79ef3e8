// Inside wire/ only: what clients send that is nearly JSON, made JSON where its meaning is clear,
// and an array cut into its elements where it is not, so that one of them does not cost the others.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bulkhead {

// One pass over a text that the parser refused:
//   in strings    surrogate pairs as two times three bytes (CESU-8, as the browser SDK's base64
//                 sends them) become their character; halves of pairs, escaped or not, and bytes
//                 that are no UTF-8 become U+FFFD; raw control characters are escaped
//   outside       whole numbers beyond 64 bits become doubles; numbers beyond any double, NaN and
//                 Infinity become null, as in JavaScript
// Nothing where there is nothing to repair, or where more than `max_bytes` would come out.
std::optional<std::string> RepairJson(std::string_view text, size_t max_bytes);

// The elements of the array that a text is, by brackets and strings alone. The views are into the
// text.
class ArraySplitter {
 public:
  explicit ArraySplitter(std::string_view text);

  // Whether `text` is one array, ended by its bracket.
  static bool IsArray(std::string_view text);

  // The next element, untrimmed; nothing at the end, or where the text is no array.
  std::optional<std::string_view> Next();

 private:
  void SkipString();

  std::string_view text_;
  size_t at_ = 0;
  bool open_ = false;
  bool first_ = true;
};

}  // namespace bulkhead
