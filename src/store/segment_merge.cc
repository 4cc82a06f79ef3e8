#include "store/segment_merge.h"

#include <algorithm>
#include <set>

#include "base/bit_mix.h"
#include "store/dictionary_builder.h"
#include "store/segment_writer.h"

namespace bulkhead {

struct SegmentMerge::Run {
  SubjectId person;  // who the rows count as now
  uint32_t input;
  uint32_t begin;
  uint32_t end;
  bool moved;
  SubjectId device;  // where they were, if moved
};

Result<std::unique_ptr<SegmentMerge>> SegmentMerge::Plan(std::vector<SourceState> inputs,
                                                         uint64_t links_applied) {
  std::unique_ptr<SegmentMerge> merge(new SegmentMerge());
  for (SourceState& source : inputs) {
    merge->inputs_.push_back({std::move(source), nullptr, nullptr, nullptr});
  }
  if (Result<void> loaded = merge->LoadInputs(); !loaded) {
    return loaded.error();
  }
  merge->PlanOrder();
  merge->info_.links_applied = links_applied;
  return merge;
}

Result<void> SegmentMerge::LoadInputs() {
  uint64_t seq_end = 0;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    Input& input = inputs_[i];
    const Segment& segment = *input.source.segment;
    Result<const Segment::PersonTable*> persons = segment.Persons();
    if (!persons) return persons.error();
    Result<std::shared_ptr<const TimeArray>> times = segment.Times();
    if (!times) return times.error();
    Result<Segment::Ranks> ranks = segment.RanksOf();
    if (!ranks) return ranks.error();
    input.persons = *persons;
    input.times = *times;
    input.ranks = *ranks;
    const SegmentInfo& info = segment.info();
    if (i == 0) {
      info_.seq_base = info.seq_base;
    }
    seq_end = std::max(seq_end, info.seq_base + info.seq_span);
  }
  info_.seq_span = seq_end - info_.seq_base;
  return {};
}

std::vector<SegmentMerge::Run> SegmentMerge::CollectRuns() const {
  std::vector<Run> runs;
  for (uint32_t i = 0; i < inputs_.size(); ++i) {
    const Segment::PersonTable& table = *inputs_[i].persons;
    const auto first = runs.size();
    for (uint32_t p = 0; p < table.ids.size(); ++p) {
      runs.push_back({table.ids[p], i, table.starts[p], table.starts[p + 1], false, {}});
    }
    if (inputs_[i].source.moved == nullptr) {
      continue;
    }
    for (const MovedRun& moved : inputs_[i].source.moved->by_user()) {
      Run& run = runs[first + moved.person];
      run.device = run.person;
      run.person = moved.user;
      run.moved = true;
    }
  }
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) {
    const uint64_t x = a.person.Prefix();
    const uint64_t y = b.person.Prefix();
    if (x != y) return x < y;
    if (a.person != b.person) return a.person < b.person;
    return a.input != b.input ? a.input < b.input : a.begin < b.begin;
  });
  return runs;
}

uint64_t SegmentMerge::SeqOf(const Place& place) const {
  const Input& input = inputs_[place.input];
  return input.source.segment->info().seq_base + input.ranks->view()[place.row];
}

// One person's rows, out of one or more runs.
void SegmentMerge::EmitPerson(const Run* begin, const Run* end) {
  const auto first = static_cast<uint32_t>(order_.size());
  bool any_moved = false;
  for (const Run* run = begin; run != end; ++run) {
    const DeadRows* dead = inputs_[run->input].source.dead.get();
    any_moved = any_moved || run->moved;
    for (uint32_t row = run->begin; row < run->end; ++row) {
      if (dead == nullptr || !dead->Has(row)) {
        order_.push_back({row, run->input});
      }
    }
  }
  if (order_.size() == first) {
    return;
  }
  if (end - begin > 1) {
    const auto less = [this](const Place& a, const Place& b) {
      const int64_t x = inputs_[a.input].times->view()[a.row];
      const int64_t y = inputs_[b.input].times->view()[b.row];
      return x != y ? x < y : SeqOf(a) < SeqOf(b);
    };
    const auto rows = order_.begin() + first;
    if (!std::is_sorted(rows, order_.end(), less)) {
      std::stable_sort(rows, order_.end(), less);
    }
  }
  if (any_moved) {
    for (uint32_t at = first; at < order_.size(); ++at) {
      for (const Run* run = begin; run != end; ++run) {
        const Place& place = order_[at];
        if (run->moved && run->input == place.input && place.row >= run->begin &&
            place.row < run->end) {
          moved_rows_.emplace_back(at, run->device);
        }
      }
    }
  }
  persons_.push_back(begin->person);
  starts_.push_back(first);
}

void SegmentMerge::PlanOrder() {
  const std::vector<Run> runs = CollectRuns();
  size_t rows = 0;
  for (const Input& input : inputs_) {
    rows += input.source.live_rows();
  }
  order_.reserve(rows);
  for (size_t begin = 0; begin < runs.size();) {
    size_t end = begin + 1;
    while (end < runs.size() && runs[end].person == runs[begin].person) {
      ++end;
    }
    EmitPerson(runs.data() + begin, runs.data() + end);
    begin = end;
  }
  starts_.push_back(static_cast<uint32_t>(order_.size()));
  info_.rows = static_cast<uint32_t>(order_.size());
  info_.persons = static_cast<uint32_t>(persons_.size());
}

TimeArray SegmentMerge::MakeTimes() const {
  std::vector<int64_t> times;
  times.reserve(order_.size());
  std::vector<TimeView> views;
  for (const Input& input : inputs_) {
    views.push_back(input.times->view());
  }
  for (const Place& place : order_) {
    times.push_back(views[place.input][place.row]);
  }
  return TimeArray::From(times);
}

std::vector<uint32_t> SegmentMerge::ExactRanks() const {
  std::vector<uint32_t> ranks;
  ranks.reserve(order_.size());
  for (const Place& place : order_) {
    ranks.push_back(static_cast<uint32_t>(SeqOf(place) - info_.seq_base));
  }
  return ranks;
}

// Among all rows of equal time, 0, 1, 2... by arrival. Most rows of a busy store share their
// millisecond with no other: those are told apart by counting hashes, the rest is sorted.
std::vector<uint32_t> SegmentMerge::DenseRanks() const {
  size_t buckets = 1024;
  while (buckets < order_.size() * 2) {
    buckets *= 2;
  }
  std::vector<uint8_t> counts(buckets);
  const auto bucket = [&](const Place& place) {
    return MixBits(static_cast<uint64_t>(inputs_[place.input].times->view()[place.row])) &
           (buckets - 1);
  };
  for (const Place& place : order_) {
    uint8_t& count = counts[bucket(place)];
    count = static_cast<uint8_t>(std::min(count + 1, 2));
  }
  struct Tied {
    int64_t time_ms;
    uint64_t seq;
    uint32_t row;
  };
  std::vector<Tied> tied;
  for (uint32_t row = 0; row < order_.size(); ++row) {
    const Place& place = order_[row];
    if (counts[bucket(place)] > 1) {
      tied.push_back({inputs_[place.input].times->view()[place.row], SeqOf(place), row});
    }
  }
  std::sort(tied.begin(), tied.end(), [](const Tied& a, const Tied& b) {
    if (a.time_ms != b.time_ms) return a.time_ms < b.time_ms;
    return a.seq != b.seq ? a.seq < b.seq : a.row < b.row;
  });
  std::vector<uint32_t> ranks(order_.size());
  uint32_t rank = 0;
  for (size_t i = 0; i < tied.size(); ++i) {
    rank = i > 0 && tied[i].time_ms == tied[i - 1].time_ms ? rank + 1 : 0;
    ranks[tied[i].row] = rank;
  }
  return ranks;
}

Result<FingerprintArray> SegmentMerge::MakeFingerprints() const {
  std::vector<Segment::Fingerprints> sources;
  for (const Input& input : inputs_) {
    Result<Segment::Fingerprints> loaded = input.source.segment->LoadFingerprints();
    if (!loaded) return loaded.error();
    sources.push_back(*std::move(loaded));
  }
  FingerprintArray fingerprints = FingerprintArray::Zeros(info_.rows);
  for (uint32_t row = 0; row < info_.rows; ++row) {
    const Place& place = order_[row];
    fingerprints.Set(row, (*sources[place.input])[place.row]);
  }
  return fingerprints;
}

std::vector<std::string> SegmentMerge::PropertyNames() const {
  std::set<std::string> names;
  for (const Input& input : inputs_) {
    const Segment& segment = *input.source.segment;
    for (size_t column = kFirstPropertyColumn; column < segment.columns(); ++column) {
      names.insert(segment.ColumnName(column));
    }
  }
  return {names.begin(), names.end()};
}

// A column without any value comes back with an empty dictionary.
Result<ColumnData> SegmentMerge::MakeColumn(const std::string& name, bool is_event) const {
  std::vector<std::shared_ptr<const Dictionary>> owned;
  std::vector<Segment::Codes> codes;
  std::vector<CodeView> views;
  std::vector<const Dictionary*> dictionaries;
  std::vector<std::vector<bool>> used;
  for (const Input& input : inputs_) {
    const Segment& segment = *input.source.segment;
    const std::optional<size_t> column =
        is_event ? std::optional(kEventColumn) : segment.FindProperty(name);
    owned.push_back(std::make_shared<const Dictionary>());
    codes.push_back(nullptr);
    views.emplace_back();
    if (column) {
      Result<std::shared_ptr<const Dictionary>> dictionary = segment.DictionaryOf(*column);
      if (!dictionary) return dictionary.error();
      Result<Segment::Codes> array = segment.CodesOf(*column);
      if (!array) return array.error();
      owned.back() = *dictionary;
      codes.back() = *array;
      views.back() = codes.back()->view();
    }
    dictionaries.push_back(owned.back().get());
    used.emplace_back(owned.back()->size() + 1, false);
  }
  std::vector<uint32_t> old_codes;
  old_codes.reserve(order_.size());
  for (const Place& place : order_) {
    const uint32_t code = views[place.input][place.row];
    used[place.input][code] = true;
    old_codes.push_back(code);
  }
  for (std::vector<bool>& flags : used) {
    flags[0] = false;
  }
  std::vector<std::vector<uint32_t>> new_codes;
  ColumnData result;
  result.name = name;
  result.dictionary =
      std::make_shared<const Dictionary>(MergeDictionaries(dictionaries, used, &new_codes));
  CodeArray array = CodeArray::Zeros(info_.rows, result.dictionary->size());
  array.Fill([&](auto* out) {
    for (uint32_t row = 0; row < info_.rows; ++row) {
      out[row] =
          static_cast<std::decay_t<decltype(*out)>>(new_codes[order_[row].input][old_codes[row]]);
    }
  });
  result.codes = std::make_shared<const CodeArray>(std::move(array));
  return result;
}

Result<ColumnData> SegmentMerge::MakeOrigin() const {
  ValueInterner values;
  std::vector<std::pair<uint32_t, uint32_t>> cells;
  std::vector<std::shared_ptr<const Dictionary>> dictionaries;
  std::vector<Segment::Codes> codes;
  for (const Input& input : inputs_) {
    Result<std::shared_ptr<const Dictionary>> dictionary =
        input.source.segment->DictionaryOf(kOriginColumn);
    if (!dictionary) return dictionary.error();
    Result<Segment::Codes> array = input.source.segment->CodesOf(kOriginColumn);
    if (!array) return array.error();
    dictionaries.push_back(*dictionary);
    codes.push_back(*array);
  }
  size_t moved = 0;
  for (uint32_t row = 0; row < info_.rows; ++row) {
    const Place& place = order_[row];
    const bool is_moved = moved < moved_rows_.size() && moved_rows_[moved].first == row;
    if (const uint32_t code = codes[place.input]->view()[place.row]; code != 0) {
      cells.emplace_back(row, values.InternString(dictionaries[place.input]->String(code)));
    } else if (is_moved) {
      cells.emplace_back(row, values.InternString(moved_rows_[moved].second.ToHex()));
    }
    moved += is_moved ? 1 : 0;
  }
  ColumnData result;
  if (cells.empty()) {
    return result;
  }
  std::vector<uint32_t> sorted;
  result.dictionary = std::make_shared<const Dictionary>(values.Sort(&sorted));
  CodeArray array = CodeArray::Zeros(info_.rows, result.dictionary->size());
  array.Fill([&](auto* out) {
    for (const auto& [row, code] : cells) {
      out[row] = static_cast<std::decay_t<decltype(*out)>>(sorted[code]);
    }
  });
  result.codes = std::make_shared<const CodeArray>(std::move(array));
  return result;
}

namespace {

void SetTimeRange(const TimeView& times, SegmentInfo* info) {
  for (uint32_t row = 0; row < info->rows; ++row) {
    const int64_t time = times[row];
    info->first_ms = row == 0 ? time : std::min(info->first_ms, time);
    info->last_ms = row == 0 ? time : std::max(info->last_ms, time);
  }
}

}  // namespace

Result<SegmentData> SegmentMerge::ToMemory() {
  SegmentData data;
  data.times = MakeTimes();
  SetTimeRange(data.times.view(), &info_);
  data.info = info_;
  data.persons = persons_;
  data.starts = starts_;
  data.ranks = CodeArray::From(ExactRanks());
  Result<FingerprintArray> fingerprints = MakeFingerprints();
  if (!fingerprints) return fingerprints.error();
  data.fingerprints = *std::move(fingerprints);
  Result<ColumnData> column = MakeColumn("", true);
  if (!column) return column.error();
  data.columns.push_back(std::move(*column));
  column = MakeOrigin();
  if (!column) return column.error();
  data.columns.push_back(std::move(*column));
  for (const std::string& name : PropertyNames()) {
    column = MakeColumn(name, false);
    if (!column) return column.error();
    if (column->dictionary->size() > 0) {
      data.columns.push_back(std::move(*column));
    }
  }
  return data;
}

Result<SecretBytes> SegmentMerge::ToFile(FileSystem& fs, const std::string& path) {
  const TimeArray times = MakeTimes();
  SetTimeRange(times.view(), &info_);
  Result<std::unique_ptr<SegmentWriter>> writer =
      SegmentWriter::Create(fs, path, info_, BlockFile(kSegmentHead));
  if (!writer) return writer.error();
  Result<void> done = (*writer)->Persons(persons_, starts_);
  if (done) done = (*writer)->Times(times.view());
  if (done) done = (*writer)->Ranks(CodeArray::From(DenseRanks()).view());
  if (!done) return done.error();
  const Result<FingerprintArray> fingerprints = MakeFingerprints();
  if (!fingerprints) return fingerprints.error();
  if (done = (*writer)->Fingerprints(*fingerprints); !done) return done.error();
  Result<ColumnData> column = MakeColumn("", true);
  if (column) done = (*writer)->Column(*column);
  if (column && done) column = MakeOrigin();
  if (column && done) done = (*writer)->Column(*column);
  if (!column) return column.error();
  if (!done) return done.error();
  for (const std::string& name : PropertyNames()) {
    column = MakeColumn(name, false);
    if (!column) return column.error();
    if (column->dictionary->size() == 0) {
      continue;
    }
    if (done = (*writer)->Column(*column); !done) return done.error();
  }
  return (*writer)->Finish();
}

std::vector<std::vector<uint32_t>> SegmentMerge::RowMaps() const {
  std::vector<std::vector<uint32_t>> maps;
  for (const Input& input : inputs_) {
    maps.emplace_back(input.source.segment->info().rows, kDropped);
  }
  for (uint32_t row = 0; row < order_.size(); ++row) {
    maps[order_[row].input][order_[row].row] = row;
  }
  return maps;
}

Result<std::shared_ptr<KeyFilter>> SegmentMerge::MakeFilter() {
  auto filter = std::make_shared<KeyFilter>(order_.size());
  for (size_t i = 0; i < inputs_.size(); ++i) {
    Result<void> added = AddKeys(inputs_[i].source, filter.get());
    if (!added) return added.error();
  }
  return filter;
}

Result<void> AddKeys(const SourceState& source, KeyFilter* filter) {
  const Segment& segment = *source.segment;
  Result<std::shared_ptr<const Dictionary>> names = segment.DictionaryOf(kEventColumn);
  if (!names) return names.error();
  Result<Segment::Codes> events = segment.CodesOf(kEventColumn);
  if (!events) return events.error();
  Result<std::shared_ptr<const TimeArray>> times = segment.Times();
  if (!times) return times.error();
  Result<Segment::Fingerprints> fingerprints = segment.LoadFingerprints();
  if (!fingerprints) return fingerprints.error();
  std::vector<uint64_t> hashes(1);
  for (uint32_t code = 1; code <= (*names)->size(); ++code) {
    hashes.push_back(HashBytes((*names)->String(code)));
  }
  const CodeView codes = (*events)->view();
  const TimeView view = (*times)->view();
  for (uint32_t row = 0; row < segment.info().rows; ++row) {
    const uint64_t fingerprint = (**fingerprints)[row];
    if (fingerprint != 0) {
      filter->Add(EventKey(hashes[codes[row]], view[row], fingerprint));
    }
  }
  return {};
}

}  // namespace bulkhead
