#include "store/snapshot.h"

#include <algorithm>
#include <map>
#include <optional>

#include "store/snapshot_state.h"

namespace bulkhead {
namespace {

std::vector<NameCount> ToList(const std::map<std::string, uint64_t>& counts) {
  std::vector<NameCount> list;
  for (const auto& [name, rows] : counts) {
    list.push_back({name, rows});
  }
  return list;
}

// Rows of `segment` by code of one column; empty when the column cannot be read: what asks here
// only makes suggestions, and a report over the same segment says what is wrong.
std::vector<uint64_t> CountCodes(const Segment& segment, size_t column) {
  const Result<std::shared_ptr<const Dictionary>> dictionary = segment.DictionaryOf(column);
  const Result<Segment::Codes> codes = segment.CodesOf(column);
  if (!dictionary || !codes) {
    return {};
  }
  std::vector<uint64_t> counts((*dictionary)->size() + 1);
  (*codes)->view().Dispatch([&](auto view) {
    for (uint32_t row = 0; row < segment.info().rows; ++row) {
      ++counts[view[row]];
    }
  });
  return counts;
}

}  // namespace

uint64_t Snapshot::position() const { return state_->position; }

uint64_t Snapshot::rows() const {
  uint64_t rows = 0;
  for (const SourceState& source : state_->sources) {
    rows += source.live_rows();
  }
  return rows;
}

std::optional<Snapshot::TimeRange> Snapshot::time_range() const {
  std::optional<TimeRange> range;
  for (const SourceState& source : state_->sources) {
    const SegmentInfo& info = source.segment->info();
    if (info.rows == 0) {
      continue;
    }
    range = range ? TimeRange{std::min(range->first_ms, info.first_ms),
                              std::max(range->last_ms, info.last_ms)}
                  : TimeRange{info.first_ms, info.last_ms};
  }
  return range;
}

std::vector<NameCount> Snapshot::EventNames() const {
  std::map<std::string, uint64_t> names;
  for (const SourceState& source : state_->sources) {
    const Segment& segment = *source.segment;
    const std::vector<uint64_t> counts = CountCodes(segment, kEventColumn);
    const Result<std::shared_ptr<const Dictionary>> dictionary = segment.DictionaryOf(kEventColumn);
    for (uint32_t code = 1; code < counts.size() && dictionary; ++code) {
      names[std::string((*dictionary)->String(code))] += counts[code];
    }
  }
  return ToList(names);
}

std::vector<NameCount> Snapshot::PropertyNames() const {
  std::map<std::string, uint64_t> names;
  for (const SourceState& source : state_->sources) {
    const Segment& segment = *source.segment;
    for (size_t column = kFirstPropertyColumn; column < segment.columns(); ++column) {
      const std::vector<uint64_t> counts = CountCodes(segment, column);
      names[segment.ColumnName(column)] += counts.empty() ? 0 : segment.info().rows - counts[0];
    }
  }
  return ToList(names);
}

std::vector<NameCount> Snapshot::PropertyNamesOf(std::string_view event) const {
  std::map<std::string, uint64_t> names;
  for (const SourceState& source : state_->sources) {
    const Segment& segment = *source.segment;
    const Result<std::shared_ptr<const Dictionary>> events = segment.DictionaryOf(kEventColumn);
    const Result<Segment::Codes> event_codes = segment.CodesOf(kEventColumn);
    const uint32_t wanted = events ? (*events)->FindString(event) : 0;
    if (wanted == 0 || !event_codes) {
      continue;
    }
    const CodeView all_events = (*event_codes)->view();
    for (size_t column = kFirstPropertyColumn; column < segment.columns(); ++column) {
      const Result<Segment::Codes> codes = segment.CodesOf(column);
      if (!codes) {
        continue;
      }
      uint64_t rows = 0;
      (*codes)->view().Dispatch([&](auto view) {
        for (uint32_t row = 0; row < segment.info().rows; ++row) {
          rows += view[row] != 0 && all_events[row] == wanted ? 1 : 0;
        }
      });
      if (rows > 0) {
        names[segment.ColumnName(column)] += rows;
      }
    }
  }
  return ToList(names);
}

SubjectId Snapshot::Canonical(SubjectId id) const { return CanonicalIn(*state_->user_of, id); }

std::vector<SubjectId> Snapshot::LinkedDevices(SubjectId user) const {
  return LinkedDevicesIn(*state_->devices_of, user);
}

std::optional<SubjectId> Snapshot::FirstDevice(SubjectId user) const {
  const std::vector<SubjectId>* devices = state_->devices_of->Find(user);
  return devices == nullptr || devices->empty() ? std::nullopt : std::optional(devices->front());
}

const ValueObject* Snapshot::Profile(SubjectId person) const {
  const Profiles::Object* found = state_->people->Find(person);
  return found == nullptr ? nullptr : found->get();
}

const ValueObject* Snapshot::GroupProfile(std::string_view key, std::string_view id) const {
  const Profiles::Object* found = state_->groups->Find({std::string(key), std::string(id)});
  return found == nullptr ? nullptr : found->get();
}

size_t Snapshot::profiles() const { return state_->people->size(); }

void Snapshot::ForEachProfile(
    const std::function<void(const SubjectId&, const ValueObject&)>& visit) const {
  std::vector<std::pair<SubjectId, const ValueObject*>> all;
  all.reserve(state_->people->size());
  state_->people->ForEach([&](const SubjectId& id, const Profiles::Object& object) {
    all.emplace_back(id, object.get());
  });
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [id, object] : all) {
    visit(id, *object);
  }
}

void Snapshot::ForEachGroupProfile(
    std::string_view key,
    const std::function<void(std::string_view id, const ValueObject&)>& visit) const {
  std::map<std::string_view, const ValueObject*> all;
  state_->groups->ForEach([&](const GroupId& group, const Profiles::Object& object) {
    if (group.key == key) {
      all.emplace(group.id, object.get());
    }
  });
  for (const auto& [id, object] : all) {
    visit(id, *object);
  }
}

}  // namespace bulkhead
