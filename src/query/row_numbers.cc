#include "query/row_numbers.h"

#include <algorithm>
#include <cmath>

#include "query/breakdown.h"
#include "query/numeric_ranges.h"

namespace bulkhead {
namespace {

// What an expression reads of one hit.
class HitLookup final : public PropertyLookup {
 public:
  explicit HitLookup(const ScanContext& scan)
      : scan_(scan), values_(scan.spec().properties.size()) {}

  void SetPerson(const SubjectId& person) {
    person_ = person;
    profile_ = person.IsNobody() ? nullptr : scan_.Profile(person);
  }
  void SetHit(const Hit& hit) { hit_ = &hit; }

  const Value* EventProperty(std::string_view name) override {
    const std::vector<std::string>& names = scan_.spec().properties;
    const auto at =
        static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
    const uint32_t code = scan_.Code(at, *hit_);
    if (code == 0) {
      return nullptr;
    }
    values_[at] = scan_.DictionaryOf(at, hit_->source).At(code);
    return &values_[at];
  }
  const Value* UserProperty(std::string_view name) override {
    return profile_ == nullptr ? nullptr : Find(*profile_, name);
  }
  const Value* EventField(std::string_view name) override {
    field_ = name == "$time"   ? Value(static_cast<double>(hit_->time_ms) / 1000.0)
             : name == "$name" ? Value(scan_.EventName(*hit_))
                               : Value(person_.ToHex());
    return &field_;
  }

 private:
  const ScanContext& scan_;
  const Hit* hit_ = nullptr;
  SubjectId person_;
  const ValueObject* profile_ = nullptr;
  std::vector<Value> values_;  // by property, of the hit looked at last
  Value field_;
};

struct Cell {
  double sum = 0;
  uint64_t events = 0;
  uint64_t persons = 0;
  uint64_t person_events = 0;  // events of somebody
  uint64_t stamp = 0;
};

struct Setup {
  const ScanContext* scan = nullptr;
  const Buckets* buckets = nullptr;
  const Expression* on = nullptr;
  const NumericRanges* ranges = nullptr;  // null: one row for all numbers
};

class NumberVisitor final : public PersonVisitor {
 public:
  explicit NumberVisitor(const Setup& setup) : setup_(setup), lookup_(*setup.scan) {
    cells.resize((setup.ranges == nullptr ? 1 : setup.ranges->size()) * setup.buckets->size());
  }

  void Visit(const PersonHits& person) override {
    ++stamp_;
    lookup_.SetPerson(person.person);
    for (const Hit& hit : person.hits) {
      lookup_.SetHit(hit);
      const std::optional<Value> value = Evaluate(*setup_.on, lookup_);
      if (value && value->is_number()) {
        Add(value->number(), hit.time_ms, person.person.IsNobody());
      }
    }
  }

  std::vector<Cell> cells;  // [range][bucket]
  double low = HUGE_VAL;
  double high = -HUGE_VAL;

 private:
  void Add(double number, int64_t time_ms, bool nobody) {
    low = std::min(low, number);
    high = std::max(high, number);
    const size_t range = setup_.ranges == nullptr ? 0 : setup_.ranges->Of(number);
    Cell& cell = cells[range * setup_.buckets->size() + setup_.buckets->Of(time_ms)];
    cell.sum += number;
    ++cell.events;
    if (nobody) {
      return;
    }
    ++cell.person_events;
    if (cell.stamp != stamp_) {
      cell.stamp = stamp_;
      ++cell.persons;
    }
  }

  const Setup& setup_;
  HitLookup lookup_;
  uint64_t stamp_ = 0;
};

struct Numbers {
  std::vector<Cell> cells;
  double low = HUGE_VAL;
  double high = -HUGE_VAL;
};

Result<Numbers> RunScan(const Setup& setup, int threads) {
  Numbers numbers;
  const size_t ranges = setup.ranges == nullptr ? 1 : setup.ranges->size();
  if (Result<void> fits =
          CheckCells(static_cast<double>(ranges * setup.buckets->size() * sizeof(Cell)), threads);
      !fits) {
    return fits.error();
  }
  for (const auto& visitor : RunPersons<NumberVisitor>(
           *setup.scan, threads, [&] { return std::make_unique<NumberVisitor>(setup); })) {
    numbers.cells.resize(visitor->cells.size());
    for (size_t i = 0; i < numbers.cells.size(); ++i) {
      numbers.cells[i].sum += visitor->cells[i].sum;
      numbers.cells[i].events += visitor->cells[i].events;
      numbers.cells[i].persons += visitor->cells[i].persons;
      numbers.cells[i].person_events += visitor->cells[i].person_events;
    }
    numbers.low = std::min(numbers.low, visitor->low);
    numbers.high = std::max(numbers.high, visitor->high);
  }
  return numbers;
}

double Ratio(double of, uint64_t by) { return by == 0 ? 0 : of / static_cast<double>(by); }

double NumberOf(const Cell& cell, const SegmentationRequest& request) {
  using Kind = SegmentationRequest::Kind;
  if (request.kind != Kind::kNumeric) {
    return request.kind == Kind::kSum ? cell.sum : Ratio(cell.sum, cell.events);
  }
  return request.type == CountType::kUnique ? static_cast<double>(cell.persons)
         : request.type == CountType::kAverage
             ? Ratio(static_cast<double>(cell.person_events), cell.persons)
             : static_cast<double>(cell.events);
}

SeriesTable MakeTable(const Setup& setup, const SegmentationRequest& request,
                      const Numbers& numbers) {
  SeriesTable table;
  table.dates = setup.buckets->labels();
  const size_t buckets = setup.buckets->size();
  for (size_t begin = 0; begin < numbers.cells.size(); begin += buckets) {
    const Cell* row = &numbers.cells[begin];
    const bool empty =
        std::all_of(row, row + buckets, [](const Cell& cell) { return cell.events == 0; });
    if (setup.ranges != nullptr && empty) {
      continue;
    }
    std::vector<double> values;
    for (size_t b = 0; b < buckets; ++b) {
      values.push_back(NumberOf(row[b], request));
    }
    table.rows.emplace_back(
        setup.ranges == nullptr ? request.event : setup.ranges->Label(begin / buckets),
        std::move(values));
  }
  return table;
}

}  // namespace

Result<SeriesTable> RunRowNumbers(const ReportContext& context,
                                  const SegmentationRequest& request) {
  const Result<Buckets> buckets =
      Buckets::Make(request.range, context.zone, request.unit, request.interval);
  if (!buckets) {
    return buckets.error();
  }
  ScanSpec spec;
  spec.filters.push_back({request.event, request.where.get()});
  spec.from_ms = buckets->from_ms();
  spec.to_ms = buckets->to_ms();
  spec.people = false;
  for (const std::string& name : EventProperties(*request.on)) {
    ScanProperty(&spec, name);
  }
  const Result<std::unique_ptr<ScanContext>> scan = ScanContext::Prepare(context.snapshot, spec);
  if (!scan) {
    return scan.error();
  }
  Setup setup;
  setup.scan = scan->get();
  setup.buckets = &*buckets;
  setup.on = request.on.get();
  Result<Numbers> numbers = RunScan(setup, context.threads);
  if (!numbers) {
    return numbers.error();
  }
  if (request.kind != SegmentationRequest::Kind::kNumeric) {
    return MakeTable(setup, request, *numbers);
  }
  SeriesTable none;
  none.dates = buckets->labels();
  if (numbers->low > numbers->high) {
    return none;  // no numbers at all
  }
  const NumericRanges ranges = NumericRanges::Make(numbers->low, numbers->high);
  setup.ranges = &ranges;
  numbers = RunScan(setup, context.threads);
  if (!numbers) {
    return numbers.error();
  }
  return MakeTable(setup, request, *numbers);
}

}  // namespace bulkhead
