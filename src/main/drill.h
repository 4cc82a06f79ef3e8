// `bulkhead drill`: the theft of November 2025 replayed on made-up data, with a stopwatch: a month
// of traffic through the policy to a stand-in vendor, everything exported from there by a thief,
// mail to a canary, and what follows, up to a report as HTML and PDF. docs/drill.md.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace bulkhead {

struct DrillOptions {
  std::string out;  // a directory that is not there yet, or empty; "": drill-report-YYYY-MM-DD
  size_t events = 150'000;  // about so many
  size_t people = 0;        // at most so many; 0: as many as these events take
  bool json = false;        // the numbers on standard output, what happens on standard error
};

// The report is there whatever it says; an error where it says that something failed. Nothing is
// left but the report; after an error on the way, or a stop, not even that.
Result<void> RunDrill(const DrillOptions& options);

}  // namespace bulkhead
