// Check(cond, why): stays on in release. For our own mistakes only; bytes from disk or network
// never reach it.
#pragma once

#include <source_location>
#include <string_view>

namespace bulkhead {

[[noreturn]] void CheckFailed(std::string_view why, const std::source_location& where);

inline void Check(bool condition, std::string_view why,
                  const std::source_location& where = std::source_location::current()) {
  if (!condition) [[unlikely]] {
    CheckFailed(why, where);
  }
}

}  // namespace bulkhead
