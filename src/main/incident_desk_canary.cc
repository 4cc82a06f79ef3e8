// IncidentDesk: what opens by itself, when a canary is seen.
#include <fmt/format.h>

#include <ranges>

#include "base/clock.h"
#include "incident/calendar.h"
#include "main/incident_desk.h"

namespace bulkhead {
namespace {

constexpr int64_t kQuietMs = int64_t{kCanaryQuietDays} * kDayMs;

// No name that the system gives a person has a space in it.
std::string ActorOf(const CanarySights& sights) { return "canary of " + sights.vendor; }

std::string TitleOf(const CanarySights& sights) {
  return fmt::format("{} a canary of {}, epoch {}",
                     sights.first_via == CanaryVia::kMail ? "mail to" : "a sign-in as",
                     sights.vendor, sights.epoch);
}

}  // namespace

// Empty: there is none that stands for these sights.
Result<std::string> IncidentDesk::OpenedForCanary(const std::string& actor,
                                                  const CanarySights& sights) const {
  const Result<std::vector<std::string>> ids = parts_.store.List();
  if (!ids) {
    return ids.error();
  }
  for (const std::string& id : std::views::reverse(*ids)) {
    const Result<std::vector<IncidentVersion>> versions = parts_.store.Versions(id);
    if (!versions) {
      return versions.error();
    }
    const IncidentVersion& first = versions->front();
    const IncidentVersion& last = versions->back();
    if (first.actor != actor || first.window.epoch != sights.epoch) continue;
    if (!last.closed || parts_.clock->NowMs() - last.made_ms < kQuietMs) {
      return id;
    }
  }
  return std::string();
}

Result<std::string> IncidentDesk::OpenForCanary(const CanarySights& sights) {
  const std::lock_guard lock(mutex_);
  if (const Result<bool> looked = parts_.policy.Look(); !looked) {
    return looked.error();
  }
  const std::string actor = ActorOf(sights);
  Result<std::string> opened = OpenedForCanary(actor, sights);
  if (!opened || !opened->empty()) {
    return opened;
  }
  const auto today = static_cast<int32_t>(parts_.clock->NowMs() / kDayMs);
  IncidentVersion version;
  version.title = TitleOf(sights);
  version.project = ProjectOf(sights.vendor);
  version.window = {sights.vendor, sights.epoch,
                    parts_.gather.ledger->FirstDay(sights.vendor, sights.epoch).value_or(today),
                    today};
  Result<std::string> id = parts_.store.NextId(today);
  if (!id) {
    return id.error();
  }
  version.id = *std::move(id);
  const Deed deed{actor, "open"};
  if (const Result<void> surveyed = Survey(deed, &version); !surveyed) {
    return surveyed.error();
  }
  const Result<IncidentVersion> kept = Keep(deed, nullptr, std::move(version));
  return kept ? Result<std::string>(kept->id) : kept.error();
}

}  // namespace bulkhead
