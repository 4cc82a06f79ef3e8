// Arbitrary bytes as a report's body and as a funnel's definition: refused with a path, or within
// the stated bounds.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/limits.h"
#include "wire/report_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulkhead;  // NOLINT
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  if (const Result<Report> report = ParseReport(json)) {
    Check(ProjectOf(*report).value != 0, "a report names its project");
    if (const auto* funnel = std::get_if<FunnelReport>(&*report)) {
      Check(funnel->steps.size() >= 2 && funnel->steps.size() <= limits::kMaxFunnelSteps,
            "a funnel's steps are bounded");
    }
  } else {
    Check(report.error().message.find(": ") != std::string::npos, "an error names the path");
  }
  (void)ParseFunnelDefinition(json).has_value();
  return 0;
}
