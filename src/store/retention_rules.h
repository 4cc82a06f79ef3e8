// How long events are kept, by days of UTC.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/policy.h"

namespace bulkhead {

inline constexpr uint32_t kMaxRetentionDays = 100 * 365;

// An event is kept on the day of its time and `days` more; when the next day begins it has expired.
struct RetentionRules {
  struct OfEvent {
    std::string event;             // a name or a glob (model/policy.h)
    std::optional<uint32_t> days;  // nullopt: for ever
    friend bool operator==(const OfEvent&, const OfEvent&) = default;
  };
  std::optional<uint32_t> days;  // of events without a rule of their own; nullopt: for ever
  std::vector<OfEvent> events;   // the first that matches counts; shorter or longer than `days`

  [[nodiscard]] bool KeepsAll() const {
    return !days && std::none_of(events.begin(), events.end(),
                                 [](const OfEvent& rule) { return rule.days.has_value(); });
  }
  friend bool operator==(const RetentionRules&, const RetentionRules&) = default;
};

inline int64_t UtcDay(int64_t time_ms) {
  constexpr int64_t kMsPerDay = 86'400'000;
  return time_ms / kMsPerDay - (time_ms % kMsPerDay < 0 ? 1 : 0);
}

// Where the rules draw the line at one moment.
class RetentionCutoffs {
 public:
  static constexpr int64_t kNever = INT64_MIN;

  RetentionCutoffs(const RetentionRules& rules, int64_t now_ms) : rules_(rules), now_ms_(now_ms) {}

  // Events of that name before it have expired.
  [[nodiscard]] int64_t Of(std::string_view event) const {
    const auto rule = std::find_if(rules_.events.begin(), rules_.events.end(),
                                   [&](const auto& r) { return MatchesGlob(r.event, event); });
    return Before(rule != rules_.events.end() ? rule->days : rules_.days);
  }
  // No event at or after it has expired.
  [[nodiscard]] int64_t Latest() const {
    int64_t latest = Before(rules_.days);
    for (const auto& rule : rules_.events) latest = std::max(latest, Before(rule.days));
    return latest;
  }

 private:
  [[nodiscard]] int64_t Before(std::optional<uint32_t> days) const {
    return days ? (UtcDay(now_ms_) - *days) * 86'400'000 : kNever;
  }
  RetentionRules rules_;
  int64_t now_ms_;
};

}  // namespace bulkhead
