// What a canary makes of what its donor does.
#include <algorithm>

#include "egress/canary_activity.h"
#include "egress/canary_flock.h"
#include "egress/canary_ids.h"

namespace bulkhead {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kSessionGapMs = 30 * kMinuteMs;
constexpr int64_t kShortestPauseMs = 5 * kMinuteMs;
constexpr uint64_t kPausesMs = 35 * kMinuteMs;
constexpr size_t kMostWaiting = 20'000;
constexpr uint64_t kLearnOneOf = 2;  // records, once enough was learnt
constexpr size_t kMostNames = 500;
constexpr size_t kMostRecent = 32;

// Profiles are learnt apart from events: a property may be kept in one and not in the other.
std::string ProfileName(const std::string& property) { return "profile " + property; }

}  // namespace

void CanaryFlock::SeeEvent(const Event& event, const Source& source) {
  if (event.person.IsNobody()) {
    return;
  }
  const uint64_t mark = MarkOf(event.person);
  if (CanaryActivity* activity = Watch(mark, *source.policy)) {
    CountEvent(NameMark(event.name), source.arrival_ms, activity);
    changed_ = true;
  }
  if (!habits_.ready() || source.log_position % kLearnOneOf == 0) {
    for (const auto& [name, value] : event.properties) {
      habits_.Learn(mark, name, value);
    }
  }
  auto [others, last] = followers_.equal_range(mark);
  for (; others != last && habits_.ready() && events_.size() < kMostWaiting; ++others) {
    Imitate(others->second, event, source);
  }
  if (recent_.size() < kMostNames || recent_.contains(event.name)) {
    auto& [ring, next] = recent_[event.name];
    ring.resize(std::min(ring.size() + 1, kMostRecent));
    ring[next] = event.properties;
    next = (next + 1) % kMostRecent;
  }
}

void CanaryFlock::Imitate(uint32_t canary, const Event& event, const Source& source) {
  const uint64_t drawn =
      Draw("event", {canary, source.log_position, source.index, event.insert_id,
                     static_cast<uint64_t>(event.time_ms), event.person.Prefix()});
  const int64_t pause = PauseOf(canary, event.time_ms, source);
  const auto known = recent_.find(event.name);
  const ValueObject* other =
      known == recent_.end() ? nullptr : &known->second.first[drawn % known->second.first.size()];
  Event own;
  own.name = event.name;
  own.time_ms = LaterTime(event.time_ms, pause, source);
  own.person = CanarySubject(canary);
  own.insert_id = std::max<uint64_t>(drawn, 1);
  own.properties = OwnProperties(canary, event.properties, other, drawn);
  CountEvent(NameMark(event.name), source.arrival_ms, &memory_.canaries[canary].activity);
  events_.emplace(source.arrival_ms + pause, std::move(own));
}

void CanaryFlock::SeeUpdate(const ProfileUpdate& update, const Source& source) {
  if (update.subject.IsNobody()) {
    return;
  }
  const uint64_t mark = MarkOf(update.subject);
  ProfileUpdate renamed = update;
  for (auto& [name, value] : renamed.properties) {
    name = ProfileName(name);
  }
  Watch(mark, *source.policy);
  for (const auto& [name, value] : renamed.properties) {
    habits_.Learn(mark, name, value);
  }
  auto [others, last] = followers_.equal_range(mark);
  for (; others != last && habits_.ready() && updates_.size() < kMostWaiting; ++others) {
    const uint32_t canary = others->second;
    const int64_t pause = PauseOf(canary, update.time_ms, source);
    ProfileUpdate own = update;
    own.subject = CanarySubject(canary);
    own.time_ms = LaterTime(update.time_ms, pause, source);
    own.properties = OwnProperties(canary, renamed.properties, nullptr,
                                   Draw("profile", {canary, source.log_position, source.index}));
    for (size_t i = 0; i < own.properties.size(); ++i) {
      own.properties[i].first = update.properties[i].first;
    }
    updates_.emplace(source.arrival_ms + pause, std::move(own));
  }
}

// Of a coarse time it is taken that the message came at once, if it may have.
int64_t CanaryFlock::LaterTime(int64_t time_ms, int64_t pause_ms, const Source& source) {
  const int64_t late = source.arrival_ms - time_ms;
  const bool at_once = late >= 0 && late < UnitOf(source.policy->time);
  return CoarsenTime((at_once ? source.arrival_ms : time_ms) + pause_ms, source.policy->time);
}

// The same for a session but for its pace, which is somewhat slower or faster than the donor's.
int64_t CanaryFlock::PauseOf(uint32_t canary, int64_t time_ms, const Source& source) {
  Session& session = sessions_[canary];
  const int64_t unit = UnitOf(source.policy->time);
  if (time_ms - session.last_ms >= std::max(kSessionGapMs, unit) || time_ms < session.began_ms) {
    session.began_ms = time_ms;
  }
  session.last_ms = std::max(session.last_ms, time_ms);
  const uint64_t drawn = Draw("pause", {canary, static_cast<uint64_t>(memory_.span),
                                        static_cast<uint64_t>(session.began_ms)});
  const double pace = static_cast<double>(drawn % 1000) / 1000 * 0.3 - 0.1;
  const auto drift = static_cast<int64_t>(pace * static_cast<double>(time_ms - session.began_ms));
  const int64_t pause =
      kShortestPauseMs +
      static_cast<int64_t>(Draw("pauses", {canary, static_cast<uint64_t>(memory_.span)}) %
                           kPausesMs);
  return std::max<int64_t>(pause + drift, 0);
}

// `other`: an event of the same name, of anybody; may be null.
ValueObject CanaryFlock::OwnProperties(uint32_t canary, const ValueObject& properties,
                                       const ValueObject* other, uint64_t event) {
  ValueObject own;
  ValueObject& traits = memory_.canaries[canary].traits;
  for (const auto& [name, value] : properties) {
    const PropertyHabits::Habit habit = habits_.Of(name);
    const Value* others = other == nullptr ? nullptr : Find(*other, name);
    Value made = value;
    if (!habit.steady) {
      made = others == nullptr ? value : *others;
      made = habit.unique ? Disguise(made, *key_, name + std::to_string(event)) : made;
    } else if (const Value* trait = Find(traits, name)) {
      made = *trait;
    } else {
      made = habit.unique ? Disguise(value, *key_, name + " of " + std::to_string(canary)) : value;
      traits.emplace_back(name, made);
      changed_ = true;
    }
    own.emplace_back(name, std::move(made));
  }
  return own;
}

}  // namespace bulkhead
