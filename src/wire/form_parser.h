// Query strings and urlencoded bodies: name=value&name=value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bulkhead {

struct FormFields {
  std::vector<std::pair<std::string, std::string>> fields;  // in the order sent, decoded

  // The first field of that name, or nullptr.
  [[nodiscard]] const std::string* Find(std::string_view name) const;
  [[nodiscard]] std::string* Find(std::string_view name);
};

// '+' becomes a space, wrong escapes stay. At most 256 fields are kept; those after are dropped.
FormFields ParseForm(std::string_view text);

}  // namespace bulkhead
