#include "main/vendor_backfill.h"

#include <algorithm>
#include <set>
#include <utility>

#include "egress/shared_subjects.h"
#include "model/people_division.h"

namespace bulkhead {
namespace {

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kHoursOfDay = 24;

void SortOnce(std::vector<SubjectId>* subjects) {
  std::ranges::sort(*subjects);
  subjects->erase(std::unique(subjects->begin(), subjects->end()), subjects->end());
}

// Everybody that the events are of, also as the device that they were before.
std::vector<SubjectId> IdsIn(const VendorFeedEntry& entry) {
  std::vector<SubjectId> ids = entry.sent_as;
  for (const Event& event : entry.filtered.events) {
    ids.push_back(event.person);
  }
  std::erase(ids, SubjectId());
  SortOnce(&ids);
  return ids;
}

}  // namespace

std::vector<std::string> KeptApartFrom(const Ledger& ledger, const VendorPolicies& policies,
                                       const std::string& vendor) {
  const auto own = policies.find(vendor);
  if (own == policies.end() || !own->second.share.IsDivided()) {
    return {};
  }
  const std::vector<std::string> divides = DividesWith(policies, vendor);
  std::set<std::string> apart(divides.begin(), divides.end());
  for (const auto& [known, epoch] : ledger.Epochs()) {
    if (!policies.contains(known)) apart.insert(known);
  }
  return {apart.begin(), apart.end()};
}

VendorBackfill::VendorBackfill(Parts parts, VendorSender* sender, std::string vendor,
                               std::vector<std::string> kept_apart_from)
    : parts_(std::move(parts)),
      sender_(sender),
      vendor_(std::move(vendor)),
      kept_apart_from_(std::move(kept_apart_from)) {}

Result<BackfilledDay> VendorBackfill::Run(int32_t day) {
  for (int64_t hour = 0; hour < kHoursOfDay; ++hour) {
    const int64_t from_ms = (int64_t{day} * kHoursOfDay + hour) * kHourMs;
    if (Result<void> done = Span(from_ms, from_ms + kHourMs); !done) {
      return done.error();
    }
  }
  done_.left_out_people = left_out_.size();
  return done_;
}

Result<void> VendorBackfill::Span(int64_t from_ms, int64_t to_ms) {
  Result<VendorFeedPage> page = parts_.stored(vendor_, from_ms, to_ms);
  if (!page && page.error().code == ErrorCode::kLimit && to_ms - from_ms > 1) {
    const int64_t middle = from_ms + (to_ms - from_ms) / 2;
    const Result<void> first = Span(from_ms, middle);
    return first ? Span(middle, to_ms) : first;
  }
  if (!page) {
    return page.error();
  }
  for (VendorFeedEntry& entry : page->entries) {
    if (Result<void> left_out = LeaveOut(&entry); !left_out) {
      return left_out;
    }
    entry.filtered.arrival_ms = parts_.clock->NowMs();  // it begins to wait now
    if (Result<void> fed = sender_->Feed(0, entry.filtered); !fed) {
      return fed;
    }
    done_.messages += entry.filtered.events.size();
  }
  return {};
}

Result<void> VendorBackfill::LeaveOut(VendorFeedEntry* entry) {
  const Result<std::vector<SubjectId>> elsewhere =
      SubjectsSentTo(*parts_.ledger, kept_apart_from_, IdsIn(*entry));
  if (!elsewhere) {
    return elsewhere.error();
  }
  const auto is_elsewhere = [&](const SubjectId& id) {
    return std::ranges::binary_search(*elsewhere, id);
  };
  std::vector<Event> kept;
  for (size_t i = 0; i < entry->filtered.events.size(); ++i) {
    Event& event = entry->filtered.events[i];
    const bool known = i < entry->sent_as.size() && is_elsewhere(entry->sent_as[i]);
    if (known || is_elsewhere(event.person)) {
      left_out_.push_back(event.person);
    } else {
      kept.push_back(std::move(event));
    }
  }
  done_.left_out_messages += entry->filtered.events.size() - kept.size();
  entry->filtered.events = std::move(kept);
  SortOnce(&left_out_);
  return {};
}

}  // namespace bulkhead
