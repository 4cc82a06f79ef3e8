#include "incident/dump_matcher.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <set>

#include "incident/canary_addresses.h"
#include "incident/dump_ids.h"
#include "incident/dump_reader.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxSources = 4096;

// Open addressing over ids that a keyed hash has spread: their own bytes say where they lie. The
// file's ids are only looked up, so no thief can make them collide.
class IdTable {
 public:
  struct Slot {
    SubjectId id;  // nobody: empty
    uint32_t owner = 0;
    uint16_t source = 0;
    bool canary = false;
    bool seen = false;
  };

  explicit IdTable(uint64_t ids) : slots_(std::bit_ceil(ids + ids / 3 + 1)) {}

  // False: it is there already.
  bool Add(const Slot& slot) {
    Slot* place = Find(slot.id);
    if (!place->id.IsNobody()) return false;
    *place = slot;
    return true;
  }
  // Its slot, or the empty one where it would lie.
  Slot* Find(const SubjectId& id) {
    size_t at = id.Prefix() & (slots_.size() - 1);
    while (!slots_[at].id.IsNobody() && slots_[at].id != id) at = (at + 1) & (slots_.size() - 1);
    return &slots_[at];
  }
  [[nodiscard]] const std::vector<Slot>& slots() const { return slots_; }

 private:
  std::vector<Slot> slots_;
};

class Matcher final : public DumpMatcher {
 public:
  Matcher(const Parts& parts, std::vector<DumpSource> sources, uint64_t ids)
      : sources_(std::move(sources)),
        tallies_(sources_.size()),
        subjects_(parts.subjects.begin(), parts.subjects.end()),
        table_(ids),
        reader_([this](std::string_view record) { Record(record); }) {
    // Canaries first: where one is a subject as well, it is a canary.
    for (const DumpCanary& canary : parts.canaries) {
      const auto source = static_cast<uint16_t>(IndexOf(canary.source));
      const auto number = static_cast<uint32_t>(canaries_.size());
      Add({canary.vendor_id, number, source, true});
      addresses_.Add(canary.address, number);
      ++tallies_[source].known_canaries;
      canaries_.push_back({canary.name, source});
    }
    for (const DumpSource& one : parts.sources) {
      const size_t source = IndexOf(one);
      for (size_t i = 0; i < subjects_.size(); ++i) {
        Add({parts.vendor_id(one, subjects_[i]), static_cast<uint32_t>(i),
             static_cast<uint16_t>(source)});
      }
    }
    for (const KnownId& one : parts.known) {
      const size_t source = IndexOf(parts.sources.at(one.source));
      Add({one.vendor_id, static_cast<uint32_t>(subjects_.size()), static_cast<uint16_t>(source)});
      subjects_.push_back(one.subject);
    }
  }

  void Feed(std::string_view bytes) override { reader_.Feed(bytes); }

  DumpReport Finish() override {
    reader_.Finish();
    DumpReport report;
    report.bytes = reader_.bytes();
    report.records = records_;
    report.genuine_records = genuine_records_;
    report.ids = ids_;
    report.cut_records = reader_.cut();
    for (size_t i = 0; i < sources_.size(); ++i) {
      SourceMatches& one = report.sources.emplace_back();
      one.source = sources_[i];
      one.known_ids = tallies_[i].known_ids;
      one.known_canaries = tallies_[i].known_canaries;
      one.records = tallies_[i].records;
    }
    Collect(&report);
    CollectCanaries(&report);
    for (SourceMatches& one : report.sources) {
      std::ranges::sort(one.subjects);
      one.log2_chance = ChanceBound({ids_, one.known_ids, sources_.size(), one.matched_ids});
    }
    std::ranges::stable_sort(report.sources, [](const SourceMatches& a, const SourceMatches& b) {
      return a.Matches() > b.Matches();
    });
    const auto& list = report.sources;
    if (!list.empty() && list[0].Matches() > 0 &&
        (list.size() == 1 || list[1].Matches() < list[0].Matches())) {
      report.attributed = list[0].source;
    }
    return report;
  }

 private:
  struct Tally {
    uint64_t known_ids = 0;
    uint64_t known_canaries = 0;
    uint64_t records = 0;
    uint64_t last_record = 0;
  };
  struct Canary {
    std::string name;
    uint16_t source = 0;
    bool by_id = false;
    bool by_address = false;
  };

  size_t IndexOf(const DumpSource& source) const {
    return static_cast<size_t>(std::ranges::lower_bound(sources_, source) - sources_.begin());
  }

  void Add(const IdTable::Slot& slot) {
    if (!slot.id.IsNobody() && table_.Add(slot)) ++tallies_[slot.source].known_ids;
  }

  void Record(std::string_view record) {
    bool any_id = false;
    bool genuine = false;
    ++record_number_;
    ForEachDumpId(record, [&](const SubjectId& id) {
      any_id = true;
      ++ids_;
      if (id.IsNobody()) return;
      IdTable::Slot* slot = table_.Find(id);
      if (slot->id.IsNobody()) return;
      slot->seen = true;
      genuine = true;
      CountRecord(slot->source);
    });
    addresses_.ForEachIn(record, [&](uint32_t canary) {
      canaries_[canary].by_address = true;
      genuine = true;
      CountRecord(canaries_[canary].source);
    });
    // The line of names that a CSV begins with.
    if (record_number_ == 1 && !any_id && !genuine && !reader_.is_json()) return;
    ++records_;
    genuine_records_ += genuine ? 1 : 0;
  }

  void CountRecord(size_t source) {
    Tally& tally = tallies_[source];
    if (tally.last_record != record_number_) ++tally.records;
    tally.last_record = record_number_;
  }

  void Collect(DumpReport* report) {
    for (const IdTable::Slot& slot : table_.slots()) {
      if (!slot.seen) continue;
      SourceMatches& one = report->sources[slot.source];
      ++one.matched_ids;
      if (slot.canary) {
        canaries_[slot.owner].by_id = true;
      } else if (!subjects_[slot.owner].IsNobody()) {
        one.subjects.push_back(subjects_[slot.owner]);
      }
    }
  }

  void CollectCanaries(DumpReport* report) const {
    for (const Canary& canary : canaries_) {
      if (!canary.by_id && !canary.by_address) continue;
      SourceMatches& one = report->sources[canary.source];
      one.canaries.push_back(canary.name);
      one.by_address_alone += canary.by_id ? 0 : 1;
    }
    for (SourceMatches& one : report->sources) std::ranges::sort(one.canaries);
  }

  std::vector<DumpSource> sources_;  // sorted
  std::vector<Tally> tallies_;
  std::vector<SubjectId> subjects_;
  std::vector<Canary> canaries_;
  CanaryAddresses addresses_;
  IdTable table_;
  DumpReader reader_;
  uint64_t record_number_ = 0;
  uint64_t records_ = 0;
  uint64_t genuine_records_ = 0;
  uint64_t ids_ = 0;
};

}  // namespace

double ChanceBound(const ChanceTerms& terms) {
  if (terms.matches == 0 || terms.ids == 0 || terms.known == 0) return 0;
  const double pair =
      std::log2(static_cast<double>(terms.ids)) + std::log2(static_cast<double>(terms.known)) - 128;
  const double tries = std::log2(static_cast<double>(std::max<uint64_t>(terms.sources, 1)));
  return std::min(0.0, static_cast<double>(terms.matches) * pair + tries);
}

Result<std::unique_ptr<DumpMatcher>> DumpMatcher::Create(const Parts& parts) {
  std::set<DumpSource> sources(parts.sources.begin(), parts.sources.end());
  const uint64_t ids =
      parts.subjects.size() * sources.size() + parts.known.size() + parts.canaries.size();
  for (const DumpCanary& canary : parts.canaries) sources.insert(canary.source);
  if (sources.size() > kMaxSources || ids > parts.max_ids ||
      parts.subjects.size() + parts.known.size() > std::numeric_limits<uint32_t>::max()) {
    return Error{ErrorCode::kLimit,
                 "more vendor ids than fit: name fewer vendors or epochs to look for"};
  }
  return std::unique_ptr<DumpMatcher>(std::make_unique<Matcher>(
      parts, std::vector<DumpSource>(sources.begin(), sources.end()), ids));
}

}  // namespace bulkhead
