#include "query/addiction.h"

#include <algorithm>

#include "base/limits.h"
#include "query/breakdown.h"
#include "query/mixpanel_json.h"
#include "query/on_property.h"

namespace bulkhead {
namespace {

struct AddictionSetup {
  const ScanContext* scan = nullptr;
  const Buckets* buckets = nullptr;
  const Buckets* sub_buckets = nullptr;
  const Breakdown* breakdown = nullptr;
  SegmentSlots slots = SegmentSlots::All(1);
  size_t longest = 24;   // sub-units of the longest bucket
  bool ranking = false;  // only count persons by segment
};

class AddictionVisitor final : public PersonVisitor {
 public:
  explicit AddictionVisitor(const AddictionSetup& setup)
      : setup_(setup),
        states_(setup.ranking ? setup.breakdown->size() : setup.slots.size()),
        persons(setup.ranking ? setup.breakdown->size() : 0, 0) {
    counts.assign(setup.ranking ? 0 : setup.slots.size() * setup.buckets->size() * setup.longest,
                  0);
  }

  void Visit(const PersonHits& person) override {
    touched_.clear();
    if (setup_.breakdown->ReadsUsers()) {
      ids_ = setup_.breakdown->OfPerson(*setup_.scan, person.person);
    }
    for (const Hit& hit : person.hits) {
      const size_t bucket = setup_.buckets->Of(hit.time_ms);
      const size_t sub = setup_.sub_buckets->Of(hit.time_ms);
      setup_.breakdown->ForEach(ids_, hit.source, hit.row, [&](uint32_t combination) {
        AddActivity(setup_.ranking ? combination : setup_.slots.Of(combination), bucket, sub);
      });
    }
    for (const uint32_t slot : touched_) {
      Close(slot);
    }
  }

 private:
  // A segment's place in one person's history.
  struct State {
    size_t active = 0;  // sub-units in this bucket so far; 0 = not touched
    size_t bucket = 0;
    size_t sub = 0;
  };

  void AddActivity(uint32_t slot, size_t bucket, size_t sub) {
    State& state = states_[slot];
    if (state.active == 0) {
      touched_.push_back(slot);
      state = {1, bucket, sub};
    } else if (state.bucket != bucket) {
      const State next{1, bucket, sub};
      Close(slot);
      states_[slot] = next;
    } else if (state.sub != sub) {
      ++state.active;
      state.sub = sub;
    }
  }

  void Close(uint32_t slot) {
    State& state = states_[slot];
    if (setup_.ranking) {
      ++persons[slot];
    } else {
      const size_t row = (slot * setup_.buckets->size() + state.bucket) * setup_.longest;
      ++counts[row + std::min(state.active, setup_.longest) - 1];
    }
    state = State();
  }

  const AddictionSetup& setup_;
  std::vector<State> states_;
  std::vector<uint32_t> touched_;
  Breakdown::PersonIds ids_{};

 public:
  std::vector<double> persons;   // ranking
  std::vector<uint64_t> counts;  // [slot][bucket][active - 1], exactly so many sub-units
};

// Sub-units of a full bucket of the unit, whatever the range cuts off.
size_t Length(const AddictionRequest& request, const std::string& date) {
  const size_t per_day = request.sub_unit == TimeUnit::kHour ? 24 : 1;
  if (request.unit != TimeUnit::kMonth) {
    return per_day * (request.unit == TimeUnit::kWeek ? 7 : 1);
  }
  const Result<int64_t> day = ParseDay(date);
  return day ? per_day * static_cast<size_t>(MonthStart(*day, 1) - *day) : per_day * 31;
}

void RunScan(const AddictionSetup& setup, int threads, std::vector<double>* persons,
             std::vector<uint64_t>* counts) {
  const auto visitors = RunPersons<AddictionVisitor>(
      *setup.scan, threads, [&] { return std::make_unique<AddictionVisitor>(setup); });
  for (const auto& visitor : visitors) {
    persons->resize(visitor->persons.size());
    counts->resize(visitor->counts.size());
    std::transform(persons->begin(), persons->end(), visitor->persons.begin(), persons->begin(),
                   std::plus<>());
    std::transform(counts->begin(), counts->end(), visitor->counts.begin(), counts->begin(),
                   std::plus<>());
  }
}

AddictionResult MakeResult(const AddictionSetup& setup, const AddictionRequest& request,
                           const std::vector<uint64_t>& counts) {
  AddictionResult result;
  result.segmented = !setup.breakdown->empty();
  for (size_t b = 0; b < setup.buckets->size(); ++b) {
    for (uint32_t slot = 0; slot < setup.slots.size(); ++slot) {
      if (setup.slots.IsOther(slot)) {
        continue;
      }
      AddictionRow row;
      row.date = setup.buckets->labels()[b];
      row.counts.assign(Length(request, row.date), 0);
      const uint64_t* exact = &counts[(slot * setup.buckets->size() + b) * setup.longest];
      uint64_t at_least = 0;
      for (size_t k = setup.longest; k-- > 0;) {
        at_least += exact[k];
        if (k < row.counts.size()) {
          row.counts[k] = at_least;
        }
      }
      if (result.segmented) {
        if (at_least == 0) {
          continue;
        }
        row.segment = SegmentText(setup.breakdown->At(setup.slots.CombinationOf(slot)));
      }
      result.rows.push_back(std::move(row));
    }
  }
  return result;
}

Result<std::vector<PropertyRef>> OnProperties(const AddictionRequest& request) {
  std::vector<PropertyRef> properties;
  if (request.on != nullptr) {
    Result<PropertyRef> on = OnText(*request.on, ListText::kByElement);
    if (!on) {
      return on.error();
    }
    properties.push_back(*std::move(on));
  }
  return properties;
}

Result<void> CheckUnits(const AddictionRequest& request) {
  if (request.unit != TimeUnit::kDay && request.unit != TimeUnit::kWeek &&
      request.unit != TimeUnit::kMonth) {
    return Error{ErrorCode::kInvalid, "unit: one of day, week, month expected"};
  }
  if (request.sub_unit != TimeUnit::kHour && request.sub_unit != TimeUnit::kDay) {
    return Error{ErrorCode::kInvalid, "addiction_unit: one of hour, day expected"};
  }
  return {};
}

}  // namespace

Result<AddictionResult> RunAddiction(const ReportContext& context,
                                     const AddictionRequest& request) {
  if (Result<void> checked = CheckUnits(request); !checked) {
    return checked.error();
  }
  const Result<Buckets> buckets = Buckets::Make(request.range, context.zone, request.unit, 1);
  const Result<Buckets> subs = Buckets::Make(request.range, context.zone, request.sub_unit, 1);
  const Result<std::vector<PropertyRef>> properties = OnProperties(request);
  if (!buckets || !subs || !properties) {
    return !buckets ? buckets.error() : !subs ? subs.error() : properties.error();
  }
  ScanSpec spec;
  spec.filters.push_back({request.selector.event, request.selector.where.get()});
  spec.from_ms = buckets->from_ms();
  spec.to_ms = buckets->to_ms();
  for (const PropertyRef& property : *properties) {
    if (!property.of_user) {
      ScanProperty(&spec, property.name);
    }
  }
  const Result<std::unique_ptr<ScanContext>> scan = ScanContext::Prepare(context.snapshot, spec);
  if (!scan) {
    return scan.error();
  }
  const Result<Breakdown> breakdown = Breakdown::Make(**scan, *properties, true);
  if (!breakdown) {
    return breakdown.error();
  }
  AddictionSetup setup;
  setup.scan = scan->get();
  setup.buckets = &*buckets;
  setup.sub_buckets = &*subs;
  setup.breakdown = &*breakdown;
  setup.slots = SegmentSlots::All(breakdown->size());
  for (const std::string& date : buckets->labels()) {
    setup.longest = std::max(setup.longest, Length(request, date));
  }
  std::vector<double> persons;
  std::vector<uint64_t> counts;
  if (breakdown->size() > request.limit) {
    setup.ranking = true;
    RunScan(setup, context.threads, &persons, &counts);
    setup.ranking = false;
    setup.slots = SegmentSlots::Largest(
        persons, std::clamp<size_t>(request.limit, 1, limits::kMaxSegmentsInReport));
    counts.clear();
  }
  RunScan(setup, context.threads, &persons, &counts);
  return MakeResult(setup, request, counts);
}

}  // namespace bulkhead
