#include "egress/canary_activity.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace bulkhead {
namespace {

constexpr int64_t kSessionGapMs = 30 * 60'000;
constexpr int64_t kDayMs = 86'400'000;
constexpr uint32_t kFade = 256;  // of one name: then old events weigh half
constexpr int kNewWeighs = 8;    // an event's time of the day: one in so many

double Log(double count) { return std::log(std::max(count, 0.0) + 0.5); }
double Log(uint64_t count) { return Log(static_cast<double>(count)); }

double PerEach(uint64_t count, uint64_t of) {
  return std::log(static_cast<double>(count + 1) / static_cast<double>(of + 1));
}

double MixDistance(const CanaryActivity& a, const CanaryActivity& b) {
  const auto sum = [](const CanaryActivity& one) {
    double all = 1;
    for (const uint32_t count : one.mix) all += count;
    return all;
  };
  const double all_a = sum(a);
  const double all_b = sum(b);
  double distance = 0;
  for (size_t i = 0; i < a.mix.size(); ++i) {
    distance += std::abs(a.mix[i] / all_a - b.mix[i] / all_b);
  }
  return distance;
}

}  // namespace

void CountEvent(uint64_t name, int64_t time_ms, CanaryActivity* activity) {
  ++activity->events;
  ++activity->lately;
  activity->sessions += time_ms - activity->last_ms >= kSessionGapMs ? 1 : 0;
  activity->days += time_ms / kDayMs != activity->last_ms / kDayMs ? 1 : 0;
  activity->last_ms = std::max(activity->last_ms, time_ms);
  if (++activity->mix[name % activity->mix.size()] >= kFade) {
    for (uint32_t& count : activity->mix) {
      count /= 2;
    }
  }
  const double angle = static_cast<double>(time_ms % kDayMs) / kDayMs * 2 * std::numbers::pi;
  const auto noon = static_cast<int32_t>(-1000 * std::cos(angle));
  const auto evening = static_cast<int32_t>(-1000 * std::sin(angle));
  const int weighs = activity->events == 1 ? 1 : kNewWeighs;
  activity->towards_noon += (noon - activity->towards_noon) / weighs;
  activity->towards_evening += (evening - activity->towards_evening) / weighs;
}

double CanaryDistance(const CanaryActivity& a, const CanaryActivity& b, int64_t now_ms) {
  const auto days_ago = [now_ms](int64_t time_ms) {
    return Log(static_cast<double>(now_ms - time_ms) / kDayMs);
  };
  const double clock =
      std::hypot(a.towards_noon - b.towards_noon, a.towards_evening - b.towards_evening) / 1000;
  return std::abs(Log(a.events) - Log(b.events)) + std::abs(Log(a.before) - Log(b.before)) / 2 +
         std::abs(Log(a.days) - Log(b.days)) + std::abs(days_ago(a.last_ms) - days_ago(b.last_ms)) +
         std::abs(PerEach(a.events, a.sessions) - PerEach(b.events, b.sessions)) +
         std::abs(Log(static_cast<double>(a.first_span - b.first_span))) / 4 +
         2 * MixDistance(a, b) + 2 * clock;
}

}  // namespace bulkhead
