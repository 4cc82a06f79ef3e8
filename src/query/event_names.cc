#include "query/event_names.h"

#include <algorithm>
#include <map>

namespace bulkhead {
namespace {

struct Window {
  int64_t from_ms = 0;
  int64_t to_ms = 0;
};

// Event names as numbers that mean the same in every source.
struct EventIds {
  std::vector<std::string> names;
  std::vector<std::vector<uint32_t>> by_code;  // [source][code]

  explicit EventIds(const ScanContext& scan) {
    std::map<std::string, uint32_t, std::less<>> index;
    by_code.resize(scan.sources());
    for (uint32_t source = 0; source < by_code.size(); ++source) {
      const Dictionary& dictionary = scan.EventNames(source);
      by_code[source].assign(dictionary.size() + 1, 0);
      for (uint32_t code = 1; code <= dictionary.size(); ++code) {
        const auto [it, fresh] = index.try_emplace(std::string(dictionary.String(code)),
                                                   static_cast<uint32_t>(names.size()));
        if (fresh) {
          names.push_back(it->first);
        }
        by_code[source][code] = it->second;
      }
    }
  }
};

struct EventCount {
  uint64_t events = 0;
  uint64_t persons = 0;
  uint64_t stamp = 0;

  [[nodiscard]] double Amount(CountType type) const {
    if (type == CountType::kUnique) {
      return static_cast<double>(persons);
    }
    if (type == CountType::kAverage) {
      return persons == 0 ? 0 : static_cast<double>(events) / static_cast<double>(persons);
    }
    return static_cast<double>(events);
  }
};

class CountVisitor final : public PersonVisitor {
 public:
  CountVisitor(const ScanContext& scan, const EventIds& ids, const std::vector<Window>& windows)
      : scan_(scan), ids_(ids), windows_(windows), counts(windows.size() * ids.names.size()) {}

  void Visit(const PersonHits& person) override {
    ++stamp_;
    const bool nobody = person.person.IsNobody();
    for (const Hit& hit : person.hits) {
      const uint32_t id = ids_.by_code[hit.source][scan_.Events(hit.source)[hit.row]];
      for (size_t w = 0; w < windows_.size(); ++w) {
        if (hit.time_ms < windows_[w].from_ms || hit.time_ms >= windows_[w].to_ms) {
          continue;
        }
        EventCount& count = counts[w * ids_.names.size() + id];
        ++count.events;
        if (!nobody && count.stamp != stamp_) {
          count.stamp = stamp_;
          ++count.persons;
        }
      }
    }
  }

 private:
  const ScanContext& scan_;
  const EventIds& ids_;
  const std::vector<Window>& windows_;
  uint64_t stamp_ = 0;

 public:
  std::vector<EventCount> counts;  // [window][event]
};

struct NamedCounts {
  std::vector<std::string> names;
  std::vector<EventCount> counts;  // [window][event]
};

Result<NamedCounts> CountEvents(const ReportContext& context, const std::vector<Window>& windows) {
  ScanSpec spec;
  spec.filters.push_back({"", nullptr});
  spec.from_ms = windows[0].from_ms;
  spec.to_ms = windows[0].to_ms;
  for (const Window& window : windows) {
    spec.from_ms = std::min(spec.from_ms, window.from_ms);
    spec.to_ms = std::max(spec.to_ms, window.to_ms);
  }
  spec.people = false;
  const Result<std::unique_ptr<ScanContext>> scan = ScanContext::Prepare(context.snapshot, spec);
  if (!scan) {
    return scan.error();
  }
  const EventIds ids(**scan);
  NamedCounts counts{ids.names, std::vector<EventCount>(windows.size() * ids.names.size())};
  const auto visitors = RunPersons<CountVisitor>(**scan, context.threads, [&] {
    return std::make_unique<CountVisitor>(**scan, ids, windows);
  });
  for (const auto& visitor : visitors) {
    for (size_t i = 0; i < counts.counts.size(); ++i) {
      counts.counts[i].events += visitor->counts[i].events;
      counts.counts[i].persons += visitor->counts[i].persons;
    }
  }
  return counts;
}

}  // namespace

Result<std::vector<std::string>> RunEventNames(const ReportContext& context,
                                               const NamesRequest& request) {
  const int64_t today = context.zone.LocalDay(context.now_ms);
  const std::vector<Window> windows{
      {context.zone.DayStartMs(today - 30), context.zone.DayStartMs(today + 1)}};
  Result<NamedCounts> counts = CountEvents(context, windows);
  if (!counts) {
    return counts.error();
  }
  std::vector<std::pair<double, std::string>> order;
  for (size_t i = 0; i < counts->names.size(); ++i) {
    if (counts->counts[i].events > 0) {
      order.emplace_back(-counts->counts[i].Amount(request.type), std::move(counts->names[i]));
    }
  }
  std::sort(order.begin(), order.end());
  order.resize(std::min(order.size(), request.limit));
  std::vector<std::string> names;
  for (auto& [amount, name] : order) {
    names.push_back(std::move(name));
  }
  return names;
}

Result<std::vector<TopEvent>> RunTopEvents(const ReportContext& context,
                                           const NamesRequest& request) {
  const int64_t today = context.zone.LocalDay(context.now_ms);
  const int64_t today_ms = context.zone.DayStartMs(today);
  const int64_t yesterday_ms = context.zone.DayStartMs(today - 1);
  const std::vector<Window> windows{{today_ms, context.now_ms + 1},
                                    {yesterday_ms, yesterday_ms + context.now_ms - today_ms + 1}};
  Result<NamedCounts> counts = CountEvents(context, windows);
  if (!counts) {
    return counts.error();
  }
  std::vector<TopEvent> events;
  const size_t names = counts->names.size();
  for (size_t i = 0; i < names; ++i) {
    const double now = counts->counts[i].Amount(request.type);
    const double before = counts->counts[names + i].Amount(request.type);
    if (now > 0) {
      events.push_back({std::move(counts->names[i]), now, before > 0 ? now / before - 1 : 0});
    }
  }
  std::sort(events.begin(), events.end(), [](const TopEvent& a, const TopEvent& b) {
    return a.amount != b.amount ? a.amount > b.amount : a.event < b.event;
  });
  events.resize(std::min(events.size(), request.limit));
  return events;
}

Result<std::vector<PropertyCount>> RunTopProperties(const ReportContext& context,
                                                    const NamesRequest& request) {
  std::vector<PropertyCount> counts;
  for (NameCount& count : context.snapshot.PropertyNamesOf(request.event)) {
    counts.push_back({std::move(count.name), count.rows});
  }
  std::stable_sort(
      counts.begin(), counts.end(),
      [](const PropertyCount& a, const PropertyCount& b) { return a.count > b.count; });
  counts.resize(std::min(counts.size(), request.limit));
  return counts;
}

}  // namespace bulkhead
