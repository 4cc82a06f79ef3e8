#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace bulkhead {

void CheckFailed(std::string_view why, const std::source_location& where) {
  std::fprintf(stderr, "bulkhead: check failed: %.*s (%s:%u)\n", static_cast<int>(why.size()),
               why.data(), where.file_name(), where.line());
  std::abort();
}

}  // namespace bulkhead
