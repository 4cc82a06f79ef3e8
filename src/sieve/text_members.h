// Members in text: "name": value as in JSON text that is whole, cut off or inside a sentence, and
// in what looks like it (single quotes, bare names, name="value").
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "model/value.h"

namespace bulkhead {

struct TextMember {
  std::string_view name;
  size_t begin;  // of the value, its quotes or brackets included
  size_t end;
  Value value;     // a string or a number; of a list or an object its text
  bool composite;  // a list or an object
  char quote;      // that strings beside it have
};

// The next member whose separator stands at or after `from`. Views show `text`.
std::optional<TextMember> NextTextMember(std::string_view text, size_t from);

}  // namespace bulkhead
