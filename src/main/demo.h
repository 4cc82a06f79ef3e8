// `bulkhead demo`: a throwaway directory with a month of an API platform's events; three reports,
// what the sieve refused to keep, and a running server.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"

namespace bulkhead {

struct DemoOptions {
  uint16_t port = 8787;
  size_t events = 200'000;
  bool once = false;  // end after printing, for tests
};

Result<void> RunDemo(const DemoOptions& options);

}  // namespace bulkhead
