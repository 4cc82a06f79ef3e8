#include "main/holdings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

#include "incident/calendar.h"
#include "main/audit_messages.h"
#include "main/holdings_scan.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxMarkBytes = size_t{64} << 20;
constexpr size_t kMaxSetPlaces = 8'000'000;  // of a page: some bytes each on the way

int32_t DayOf(int64_t ms) { return static_cast<int32_t>(std::max<int64_t>(ms, 0) / kDayMs); }

// The fields of a page as they come to light.
class PageFields {
 public:
  explicit PageFields(HoldingsPage* page) : page_(page) {}

  uint32_t PlaceOf(const SentField& field) {
    const auto [found, added] =
        places_.try_emplace(field, static_cast<uint32_t>(page_->fields.size()));
    if (added) page_->fields.push_back(field);
    return found->second;
  }
  uint32_t SetOf(std::vector<uint32_t> places) {
    std::ranges::sort(places);
    places.erase(std::unique(places.begin(), places.end()), places.end());
    const auto [found, added] =
        sets_.try_emplace(std::move(places), static_cast<uint32_t>(page_->sets.size()));
    if (added) {
      page_->sets.push_back(found->first);
      set_places_ += found->first.size();
    }
    return found->second;
  }
  // Whether the page is as large as may be.
  [[nodiscard]] bool IsFull() const { return set_places_ >= kMaxSetPlaces; }

 private:
  HoldingsPage* page_;
  std::map<SentField, uint32_t> places_;
  std::map<std::vector<uint32_t>, uint32_t> sets_;
  uint64_t set_places_ = 0;
};

class Lister {
 public:
  Lister(const Snapshot& snapshot, const HoldingsRequest& request, size_t most, int threads)
      : snapshot_(snapshot),
        request_(request),
        held_{&snapshot, request.first_day * kDayMs, (request.last_day + int64_t{1}) * kDayMs,
              threads},
        most_(most),
        fields_(&page_) {
    for (NameCount& one : snapshot.PropertyNames()) properties_.push_back(std::move(one.name));
  }

  Result<HoldingsPage> List() {
    Result<HeldPersons> persons = FindHeldPersons(held_);
    if (!persons) {
      return persons.error();
    }
    const bool first = request_.after.IsNobody();
    if (first) page_.records = persons->events;
    const auto begin = std::ranges::upper_bound(persons->persons, request_.after);
    PropertyMarks marks(properties_.size());
    const size_t room = std::max<size_t>(1, std::min(most_, kMaxMarkBytes / marks.BytesOfOne()));
    const auto left = static_cast<size_t>(persons->persons.end() - begin);
    marks.Begin({begin, begin + static_cast<std::ptrdiff_t>(std::min(room, left))});
    std::vector<PropertyTotals> totals(properties_.size());
    if (Result<void> marked = MarkProperties(held_, properties_, &marks, &totals); !marked) {
      return marked.error();
    }
    if (first) AddTotals(totals, persons->persons);
    page_.more = !AddSubjects(marks) || left > room;
    return std::move(page_);
  }

 private:
  static FieldForm FormOf(size_t form) {
    return form == kHeldAsToken ? FieldForm::kToken : FieldForm::kPlain;
  }

  void AddTotals(const std::vector<PropertyTotals>& totals, const std::vector<SubjectId>& persons) {
    for (size_t i = 0; i < properties_.size(); ++i) {
      for (size_t form = 0; form < kHeldForms; ++form) {
        const PropertyTotals::Of& one = totals[i].of[form];
        if (one.events == 0) continue;
        page_.totals.push_back({fields_.PlaceOf({properties_[i], FormOf(form)}), one.events,
                                DayOf(one.first_ms), DayOf(one.last_ms)});
      }
    }
    // What a profile has lies there now, whatever the days.
    std::map<uint32_t, uint64_t> of_profiles;
    for (const SubjectId& person : persons) {
      for (const uint32_t place : ProfilePlaces(person)) ++of_profiles[place];
    }
    for (const auto& [place, records] : of_profiles) {
      page_.totals.push_back({place, records, request_.last_day, request_.last_day});
    }
  }

  std::vector<uint32_t> ProfilePlaces(const SubjectId& person) {
    std::vector<uint32_t> places;
    if (const ValueObject* profile = snapshot_.Profile(person)) {
      for (const auto& [name, value] : *profile) {
        places.push_back(fields_.PlaceOf({name, FormOf(HeldForm(value))}));
      }
    }
    return places;
  }

  // False: not all of them.
  bool AddSubjects(const PropertyMarks& marks) {
    for (size_t i = 0; i < marks.persons().size(); ++i) {
      if (fields_.IsFull()) return false;
      const SubjectId& person = marks.persons()[i];
      std::vector<uint32_t> places = ProfilePlaces(person);
      for (size_t property = 0; property < properties_.size(); ++property) {
        for (size_t form = 0; form < kHeldForms; ++form) {
          if (marks.Has(i, property, form)) {
            places.push_back(fields_.PlaceOf({properties_[property], FormOf(form)}));
          }
        }
      }
      page_.subjects.push_back({person, fields_.SetOf(std::move(places))});
    }
    return true;
  }

  const Snapshot& snapshot_;
  const HoldingsRequest& request_;
  const HeldScan held_;
  const size_t most_;
  std::vector<std::string> properties_;
  HoldingsPage page_;
  PageFields fields_;
};

}  // namespace

Result<HoldingsPage> ListHoldings(const Snapshot& snapshot, const HoldingsRequest& request,
                                  size_t most, int threads) {
  return Lister(snapshot, request, most, threads).List();
}

AuditEntry EntryOf(const HoldingsRequest& request) {
  AuditEntry entry;
  entry.actor = request.asker;
  entry.action = kIncidentSurveyAction;
  entry.project = request.project.value;
  entry.outcome = "allowed";
  entry.scope = fmt::format("core: everybody with an event, {} to {}", FormatDay(request.first_day),
                            FormatDay(request.last_day));
  return entry;
}

}  // namespace bulkhead
