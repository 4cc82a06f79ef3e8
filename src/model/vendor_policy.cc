#include "model/vendor_policy.h"

#include <array>
#include <utility>

namespace bulkhead {
namespace {

constexpr std::array<std::pair<VendorType, std::string_view>, 7> kTypeNames{{
    {VendorType::kMixpanel, "mixpanel"},
    {VendorType::kAmplitude, "amplitude"},
    {VendorType::kPosthog, "posthog"},
    {VendorType::kSegment, "segment"},
    {VendorType::kGa4, "ga4"},
    {VendorType::kWebhook, "webhook"},
    {VendorType::kFiles, "files"},
}};

constexpr std::array<std::pair<FieldForm, std::string_view>, 4> kFormNames{{
    {FieldForm::kPlain, "plain"},
    {FieldForm::kCoarse, "coarse"},
    {FieldForm::kToken, "token"},
    {FieldForm::kIdentity, "identity"},
}};

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kHourMs = 60 * kMinuteMs;
constexpr int64_t kDayMs = 24 * kHourMs;

template <typename T, size_t N>
std::string_view NameIn(const std::array<std::pair<T, std::string_view>, N>& names, T wanted) {
  for (const auto& [known, name] : names) {
    if (known == wanted) return name;
  }
  return "unknown";
}

template <typename T, size_t N>
std::optional<T> NamedIn(const std::array<std::pair<T, std::string_view>, N>& names,
                         std::string_view wanted) {
  for (const auto& [known, name] : names) {
    if (name == wanted) return known;
  }
  return std::nullopt;
}

}  // namespace

std::string_view VendorTypeName(VendorType type) { return NameIn(kTypeNames, type); }
std::optional<VendorType> VendorTypeNamed(std::string_view name) {
  return NamedIn(kTypeNames, name);
}

std::string_view FieldFormName(FieldForm form) { return NameIn(kFormNames, form); }
std::optional<FieldForm> FieldFormNamed(std::string_view name) { return NamedIn(kFormNames, name); }

std::string_view TimePrecisionName(TimePrecision precision) {
  switch (precision) {
    case TimePrecision::kExact:
      return "exact";
    case TimePrecision::kMinute:
      return "minute";
    case TimePrecision::kHour:
      return "hour";
    case TimePrecision::kDay:
      return "day";
  }
  return "day";
}

int64_t UnitOf(TimePrecision precision) {
  switch (precision) {
    case TimePrecision::kExact:
      return 1;
    case TimePrecision::kMinute:
      return kMinuteMs;
    case TimePrecision::kHour:
      return kHourMs;
    case TimePrecision::kDay:
      return kDayMs;
  }
  return kDayMs;
}

int64_t CoarsenTime(int64_t time_ms, TimePrecision precision) {
  const int64_t unit = UnitOf(precision);
  const int64_t rest = time_ms % unit;
  return time_ms - (rest < 0 ? rest + unit : rest);
}

}  // namespace bulkhead
