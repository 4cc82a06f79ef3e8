// What happened in November and December 2025, as published: the side of the report that no run of
// a drill can change. docs/drill.md lists the sources. Pure data.
#pragma once

#include <span>
#include <string_view>

namespace bulkhead {

struct DrillMoment {
  int day = 0;  // since 8 November 2025
  std::string_view date, what, source;
};
std::span<const DrillMoment> HistoryOf2025();
inline constexpr int kLastDayOfHistory = 41;  // 19 December

// What had gone to the vendor, and under which properties SDKs send it.
struct DrillFormerField {
  std::string_view what;
  std::string_view properties;  // with spaces between them
};
std::span<const DrillFormerField> FieldsOf2025();

// Sources, as the report cites them.
inline constexpr std::string_view kPlatformNotice = "platform's notice, 26 Nov 2025";
inline constexpr std::string_view kPlatformUpdate = "reports of the platform's update, 19 Dec 2025";

}  // namespace bulkhead
