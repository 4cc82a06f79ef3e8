#include "store/scan_plan.h"

#include <algorithm>
#include <set>
#include <thread>

#include "model/expression.h"
#include "store/parallel.h"
#include "store/row_test.h"

namespace bulkhead {
namespace {

constexpr uint64_t kRowsPerTask = 65536;
constexpr uint64_t kMaxTasks = 64;
constexpr uint64_t kParallelLoadRows = 500'000;

// `a and b and c` holds exactly when each part holds.
void SplitConjunction(const Expression* expression, std::vector<const Expression*>* parts) {
  if (expression->op != ExpressionOp::kAnd) {
    parts->push_back(expression);
    return;
  }
  for (const Expression& child : expression->children) {
    SplitConjunction(&child, parts);
  }
}

bool NeedsRow(const Expression& part) {
  return EventProperties(part).size() > 1 || !UserProperties(part).empty() ||
         !EventFields(part).empty();
}

class OneProperty final : public PropertyLookup {
 public:
  const Value* EventProperty(std::string_view) override { return value_ ? &*value_ : nullptr; }
  const Value* UserProperty(std::string_view) override { return nullptr; }
  void Set(std::optional<Value> value) { value_ = std::move(value); }

 private:
  std::optional<Value> value_;
};

// property == literal, the commonest condition, needs one search instead of an evaluation per
// value.
const Value* EqualLiteral(const Expression& part) {
  if (part.op != ExpressionOp::kEqual || part.children.size() != 2) {
    return nullptr;
  }
  for (int i = 0; i < 2; ++i) {
    if (part.children[static_cast<size_t>(i)].op == ExpressionOp::kEventProperty &&
        part.children[static_cast<size_t>(1 - i)].op == ExpressionOp::kLiteral) {
      return &part.children[static_cast<size_t>(1 - i)].literal;
    }
  }
  return nullptr;
}

std::vector<uint8_t> PassTable(const Expression& part, const Dictionary& dictionary) {
  std::vector<uint8_t> passes(dictionary.size() + 1);
  if (const Value* literal = EqualLiteral(part)) {
    if (const uint32_t code = dictionary.Find(*literal); code != 0) {
      passes[code] = 1;
    }
    return passes;
  }
  for (uint32_t code = 0; code < passes.size(); ++code) {
    OneProperty lookup;
    if (code != 0) {
      lookup.Set(dictionary.At(code));
    }
    passes[code] = Holds(part, lookup) ? 1 : 0;
  }
  return passes;
}

// What a scan needs of one source.
class SourceLoader {
 public:
  SourceLoader(const ScanContext::Impl& context, SourcePlan* plan)
      : context_(context), plan_(*plan), segment_(*plan->state.segment) {}

  Result<void> LoadRows() {
    const auto persons = segment_.Persons();
    if (!persons) return persons.error();
    plan_.persons = **persons;
    const auto codes = segment_.CodesOf(kEventColumn);
    if (!codes) return codes.error();
    const auto names = segment_.DictionaryOf(kEventColumn);
    if (!names) return names.error();
    const auto times = segment_.Times();
    if (!times) return times.error();
    const auto ranks = segment_.RanksOf();
    if (!ranks) return ranks.error();
    plan_.events = Keep(*codes)->view();
    plan_.names = Keep(*names);
    plan_.times = Keep(*times)->view();
    plan_.ranks = Keep(*ranks)->view();
    const SegmentInfo& info = segment_.info();
    plan_.check_times =
        info.first_ms < context_.spec.from_ms || info.last_ms >= context_.spec.to_ms;
    return {};
  }

  struct Column {
    CodeView codes;
    const Dictionary* dictionary;
  };
  Result<Column> Load(const std::string& name) {
    const std::optional<size_t> column = segment_.FindProperty(name);
    if (!column) {
      return Column{CodeView(), Keep(std::make_shared<const Dictionary>())};
    }
    const auto codes = segment_.CodesOf(*column);
    if (!codes) return codes.error();
    const auto dictionary = segment_.DictionaryOf(*column);
    if (!dictionary) return dictionary.error();
    return Column{Keep(*codes)->view(), Keep(*dictionary)};
  }

  // Event masks and conditions.
  Result<void> Compile(const std::vector<std::vector<const Expression*>>& code_parts) {
    const ScanSpec& spec = context_.spec;
    plan_.event_masks.assign(plan_.names->size() + 1, 0);
    const SegmentInfo& info = segment_.info();
    const bool outside = info.last_ms < spec.from_ms || info.first_ms >= spec.to_ms;
    for (size_t i = 0; i < spec.filters.size() && !outside; ++i) {
      Result<bool> possible = AddConditions(i, code_parts[i]);
      if (!possible) return possible.error();
      if (!*possible) continue;
      const std::string& event = spec.filters[i].event;
      const uint32_t code = event.empty() ? 0 : plan_.names->FindString(event);
      for (uint32_t c = 1; c < plan_.event_masks.size(); ++c) {
        if (event.empty() || c == code) plan_.event_masks[c] |= 1ULL << i;
      }
    }
    for (uint32_t c = 1; c < plan_.event_masks.size(); ++c) {
      if (plan_.event_masks[c] != 0) plan_.wanted.push_back(c);
    }
    plan_.every_row = plan_.wanted.size() + 1 == plan_.event_masks.size();
    return {};
  }

  Result<void> LoadLookups() {
    std::set<std::string> names;
    for (const auto& parts : context_.residual) {
      for (const Expression* part : parts) {
        for (std::string& name : EventProperties(*part)) names.insert(std::move(name));
      }
    }
    for (const std::string& name : names) {
      Result<Column> column = Load(name);
      if (!column) return column.error();
      plan_.lookups.push_back({name, column->codes, column->dictionary});
    }
    return {};
  }

 private:
  template <typename T>
  const T* Keep(std::shared_ptr<const T> owned) {
    const T* raw = owned.get();
    plan_.owned.push_back(std::move(owned));
    return raw;
  }

  // False: no row here can pass.
  Result<bool> AddConditions(size_t filter, const std::vector<const Expression*>& parts) {
    bool possible = true;
    for (const Expression* part : parts) {
      const std::vector<std::string> names = EventProperties(*part);
      Column column{CodeView(), nullptr};
      Dictionary none;
      if (!names.empty()) {
        Result<Column> loaded = Load(names[0]);
        if (!loaded) return loaded.error();
        column = *loaded;
      }
      std::vector<uint8_t> passes =
          PassTable(*part, column.dictionary != nullptr ? *column.dictionary : none);
      const auto passing = std::count(passes.begin(), passes.end(), 1);
      possible = possible && passing > 0;
      if (passing < static_cast<ptrdiff_t>(passes.size())) {
        plan_.conditions.push_back({filter, column.codes, std::move(passes)});
        plan_.conditional |= 1ULL << filter;
      }
    }
    return possible;
  }

  const ScanContext::Impl& context_;
  SourcePlan& plan_;
  const Segment& segment_;
};

// Runs load(i) for each source, on several threads where there is much to decode.
Result<void> ForEachSource(const std::vector<SourcePlan>& sources, auto&& load) {
  uint64_t disk_rows = 0;
  for (const SourcePlan& source : sources) {
    disk_rows += source.state.segment->on_disk() ? source.state.segment->info().rows : 0;
  }
  std::vector<Result<void>> results(sources.size());
  const bool worth_it = disk_rows >= kParallelLoadRows;
  RunParallel(sources.size(), worth_it ? static_cast<int>(std::thread::hardware_concurrency()) : 1,
              [&](size_t i) { results[i] = load(i); });
  for (Result<void>& result : results) {
    if (!result) return result;
  }
  return {};
}

}  // namespace

ScanContext::ScanContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ScanContext::~ScanContext() = default;

Result<std::unique_ptr<ScanContext>> ScanContext::Prepare(Snapshot snapshot, ScanSpec spec) {
  if (spec.filters.empty() || spec.filters.size() > kMaxScanFilters) {
    return Error{ErrorCode::kLimit, "a scan takes 1 to 64 event filters"};
  }
  auto impl = std::make_unique<Impl>(std::move(snapshot));
  impl->spec = std::move(spec);
  std::vector<std::vector<const Expression*>> code_parts(impl->spec.filters.size());
  impl->residual.resize(impl->spec.filters.size());
  for (size_t i = 0; i < impl->spec.filters.size(); ++i) {
    std::vector<const Expression*> parts;
    if (impl->spec.filters[i].where != nullptr) {
      SplitConjunction(impl->spec.filters[i].where, &parts);
    }
    for (const Expression* part : parts) {
      (NeedsRow(*part) ? impl->residual[i] : code_parts[i]).push_back(part);
    }
    impl->residual_mask |= impl->residual[i].empty() ? 0 : 1ULL << i;
  }
  for (const SourceState& state : impl->snapshot.state().sources) {
    impl->sources.emplace_back().state = state;
  }
  std::unique_ptr<ScanContext> context(new ScanContext(std::move(impl)));
  Impl& plan = *context->impl_;
  context->views_.resize(plan.sources.size());
  Result<void> loaded = ForEachSource(plan.sources, [&](size_t i) -> Result<void> {
    SourceLoader loader(plan, &plan.sources[i]);
    Result<void> done = loader.LoadRows();
    if (done) done = loader.Compile(code_parts);
    if (done) done = loader.LoadLookups();
    if (!done) return done;
    Views& views = context->views_[i];
    views.events = plan.sources[i].events;
    views.times = plan.sources[i].times;
    views.names = plan.sources[i].names;
    for (const std::string& name : plan.spec.properties) {
      Result<SourceLoader::Column> column = loader.Load(name);
      if (!column) return column.error();
      views.codes.push_back(column->codes);
      views.dictionaries.push_back(column->dictionary);
    }
    return {};
  });
  if (!loaded) return loaded.error();
  return context;
}

const ScanSpec& ScanContext::spec() const { return impl_->spec; }
const Snapshot& ScanContext::snapshot() const { return impl_->snapshot; }
size_t ScanContext::sources() const { return impl_->sources.size(); }

uint32_t ScanContext::SourceRows(uint32_t source) const {
  return impl_->sources[source].state.segment->info().rows;
}

size_t ScanContext::tasks() const {
  uint64_t rows = 0;
  for (const SourcePlan& source : impl_->sources) {
    rows += source.state.segment->info().rows;
  }
  return std::clamp<uint64_t>(rows / kRowsPerTask, 1, kMaxTasks);
}

const ValueObject* ScanContext::Profile(const SubjectId& person) const {
  return impl_->snapshot.Profile(person);
}

Result<ValueObject> ScanContext::AllProperties(uint32_t source, uint32_t row) const {
  const Segment& segment = *impl_->sources[source].state.segment;
  ValueObject object;
  for (size_t column = kFirstPropertyColumn; column < segment.columns(); ++column) {
    if (!segment.MayHaveCodes(column)) continue;
    const auto codes = segment.CodesOf(column);
    if (!codes) return codes.error();
    const uint32_t code = (*codes)->view()[row];
    if (code == 0) continue;
    const auto dictionary = segment.DictionaryOf(column);
    if (!dictionary) return dictionary.error();
    object.emplace_back(segment.ColumnName(column), (*dictionary)->At(code));
  }
  return object;
}

Result<uint64_t> ScanContext::InsertId(uint32_t source, uint32_t row) const {
  const auto fingerprints = impl_->sources[source].state.segment->FingerprintsOf();
  return fingerprints ? Result<uint64_t>((**fingerprints)[row])
                      : Result<uint64_t>(fingerprints.error());
}

SubjectId ScanContext::SentAs(uint32_t source, uint32_t row) const {
  const SourcePlan& plan = impl_->sources[source];
  const Segment& segment = *plan.state.segment;
  const auto codes = segment.CodesOf(kOriginColumn);
  const auto dictionary = segment.DictionaryOf(kOriginColumn);
  if (codes && dictionary) {
    if (const uint32_t code = (*codes)->view()[row]; code != 0) {
      return SubjectId::FromHex((*dictionary)->String(code)).value_or(SubjectId());
    }
  }
  const SubjectId lies_under = PersonIn(plan, row);
  return impl_->snapshot.Canonical(lies_under) == lies_under ? SubjectId() : lies_under;
}

SubjectId ScanContext::PersonOf(uint32_t source, uint32_t row) const {
  return impl_->snapshot.Canonical(PersonIn(impl_->sources[source], row));
}

}  // namespace bulkhead
