#include "store/segment.h"

#include <algorithm>
#include <utility>

namespace bulkhead {
namespace {

// Cache slots of a segment: two for each column after kColumns, two for each event name after
// kEventTimes.
enum Slot : uint32_t {
  kTimes = 0,
  kRanks = 1,
  kColumns = 2,
  kFingerprints = (1U << 19) - 1,
  kEventTimes = 1U << 19
};

Error Damaged(const char* what) {
  return Error{ErrorCode::kCorruption, std::string("segment: ") + what};
}

uint32_t RowsOf(const std::vector<uint32_t>& all) { return static_cast<uint32_t>(all.size()); }

struct BlockSource {
  const SegmentBlocks& blocks;
  const BlockList& list;
  uint32_t rows;
  uint32_t largest;        // no code is larger
  const CodeView* events;  // of the same rows, for codecs that lean on them; null = none
};

// Decodes blocks of codes one after the other into f(first row, codes).
template <typename F>
Result<void> DecodeBlocks(const BlockSource& source, F&& f) {
  const auto& [blocks, list, rows, largest, events] = source;
  std::string scratch;
  std::vector<uint32_t> codes;
  std::vector<uint32_t> event_codes;
  for (size_t i = 0; i < list.blocks.size(); ++i) {
    const auto first = static_cast<uint32_t>(i) * kBlockRows;
    const uint32_t count = std::min(kBlockRows, rows - first);
    Result<std::string_view> bytes = blocks.Read(list.blocks[i], &scratch);
    if (!bytes) {
      return bytes.error();
    }
    codes.resize(count);
    if (events != nullptr) {
      event_codes.resize(count);
      events->Dispatch([&](auto view) {
        for (uint32_t row = 0; row < count; ++row) {
          event_codes[row] = view[first + row];
        }
      });
    }
    if (!DecodeCodes(*bytes, event_codes, largest, codes)) {
      return Damaged("block of codes is malformed");
    }
    f(first, codes);
  }
  return {};
}

}  // namespace

uint32_t Segment::PersonTable::LowerBound(const SubjectId& id) const {
  const uint64_t prefix = id.Prefix();
  const auto found =
      std::lower_bound(ids.begin(), ids.end(), id, [&](const SubjectId& a, const SubjectId& b) {
        const uint64_t a_prefix = a.Prefix();
        return a_prefix != prefix ? a_prefix < prefix : a < b;
      });
  return static_cast<uint32_t>(found - ids.begin());
}

std::optional<uint32_t> Segment::PersonTable::Find(const SubjectId& id) const {
  const uint32_t at = LowerBound(id);
  if (at < ids.size() && ids[at] == id) {
    return at;
  }
  return std::nullopt;
}

std::shared_ptr<Segment> Segment::InMemory(SegmentData data) {
  std::shared_ptr<Segment> segment(new Segment());
  segment->info_ = data.info;
  for (const ColumnData& column : data.columns) {
    segment->names_.push_back(column.name);
  }
  segment->data_ = std::make_shared<const SegmentData>(std::move(data));
  segment->persons_ = {segment->data_->persons, segment->data_->starts};
  segment->persons_loaded_ = true;
  return segment;
}

Result<std::shared_ptr<Segment>> Segment::Open(FileSystem& fs, File file,
                                               std::shared_ptr<ColumnCache> cache) {
  Result<std::unique_ptr<MappedFile>> mapped = fs.Map(file.path);
  if (!mapped) {
    return mapped.error();
  }
  Result<SegmentBlocks> blocks = SegmentBlocks::Open((*mapped)->bytes(), file.key);
  if (!blocks) {
    return blocks.error();
  }
  Result<SegmentFooter> footer = blocks->ReadFooter();
  if (!footer) {
    return footer.error();
  }
  std::shared_ptr<Segment> segment(new Segment());
  segment->file_number_ = file.number;
  segment->file_ = std::move(*mapped);
  segment->blocks_ = std::move(*blocks);
  segment->cache_ = std::move(cache);
  segment->footer_ = std::move(*footer);
  segment->info_ = segment->footer_.info;
  for (const ColumnEntry& column : segment->footer_.columns) {
    segment->names_.push_back(column.name);
  }
  return segment;
}

Segment::~Segment() {
  if (file_ != nullptr) {
    cache_->Forget(file_number_);
  }
}

std::optional<size_t> Segment::FindProperty(std::string_view name) const {
  const auto begin = names_.begin() + static_cast<ptrdiff_t>(kFirstPropertyColumn);
  const auto found = std::lower_bound(begin, names_.end(), name);
  if (found == names_.end() || *found != name) {
    return std::nullopt;
  }
  return static_cast<size_t>(found - names_.begin());
}

bool Segment::MayHaveCodes(size_t column) const {
  return data_ != nullptr ? data_->columns[column].dictionary->size() > 0
                          : footer_.columns[column].largest_code > 0;
}

Result<const Segment::PersonTable*> Segment::Persons() const {
  if (!persons_loaded_.load(std::memory_order_acquire)) {
    const std::lock_guard lock(load_mutex_);
    if (!persons_loaded_.load(std::memory_order_relaxed)) {
      if (Result<void> loaded = LoadPersons(); !loaded) {
        return loaded.error();
      }
      persons_loaded_.store(true, std::memory_order_release);
    }
  }
  return &persons_;
}

Result<void> Segment::LoadPersons() const {
  static_assert(sizeof(SubjectId) == 16 && alignof(SubjectId) == 1);
  ids_.resize(info_.persons);
  Result<void> read = blocks_.ReadInto(footer_.person_ids, {reinterpret_cast<uint8_t*>(ids_.data()),
                                                            ids_.size() * sizeof(SubjectId)});
  if (!read) {
    return read;
  }
  starts_.assign(1, 0);
  uint64_t rows = 0;
  Result<void> decoded =
      DecodeBlocks({blocks_, footer_.person_rows, info_.persons, UINT32_MAX, nullptr},
                   [&](uint32_t, const std::vector<uint32_t>& counts) {
                     for (const uint32_t count : counts) {
                       rows += static_cast<uint64_t>(count) + 1;
                       starts_.push_back(static_cast<uint32_t>(rows));
                     }
                   });
  if (!decoded) {
    return decoded;
  }
  const bool ascending =
      std::adjacent_find(ids_.begin(), ids_.end(), std::greater_equal<>()) == ids_.end();
  // Every person has at least one row, so more rows than the segment has cannot wrap to its number.
  if (rows != info_.rows || !ascending) {
    return Damaged("person table is malformed");
  }
  persons_ = {ids_, starts_};
  return {};
}

template <typename T, typename Load>
Result<std::shared_ptr<const T>> Segment::Cached(uint32_t slot, Load load) const {
  if (ColumnCache::Column cached = cache_->Find(file_number_, slot)) {
    return std::static_pointer_cast<const T>(cached);
  }
  Result<std::shared_ptr<const T>> loaded = load();
  if (loaded && *loaded != nullptr) {
    size_t size = 0;
    if constexpr (requires { (*loaded)->MemoryBytes(); }) {
      size = (*loaded)->MemoryBytes();
    } else {
      size = (*loaded)->size() * sizeof((*loaded)->front());
    }
    cache_->Put(file_number_, slot, *loaded, size);
  }
  return loaded;
}

Result<std::shared_ptr<const Dictionary>> Segment::DictionaryOf(size_t column) const {
  if (data_ != nullptr) {
    return data_->columns[column].dictionary;
  }
  return Cached<Dictionary>(kColumns + static_cast<uint32_t>(column) * 2,
                            [&] { return LoadDictionary(column); });
}

Result<std::shared_ptr<const Dictionary>> Segment::LoadDictionary(size_t column) const {
  const ColumnEntry& entry = footer_.columns[column];
  Dictionary dictionary;
  if (entry.dictionary.size > 0) {
    std::string scratch;
    Result<std::string_view> raw = blocks_.Read(entry.dictionary, &scratch);
    if (!raw) {
      return raw.error();
    }
    Result<Dictionary> decoded = DictionaryFormat::Decode(*raw);
    if (!decoded) {
      return decoded.error();
    }
    dictionary = std::move(*decoded);
  }
  if (entry.largest_code > dictionary.size()) {
    return Damaged("dictionary is smaller than its codes");
  }
  const bool names_only =
      dictionary.first_string() == 1 && dictionary.first_composite() == dictionary.size() + 1;
  if (column < kFirstPropertyColumn && !names_only) {
    return Damaged("event names are not strings");
  }
  return std::make_shared<const Dictionary>(std::move(dictionary));
}

Result<Segment::Codes> Segment::CodesOf(size_t column) const {
  if (data_ != nullptr) {
    return data_->columns[column].codes;
  }
  return Cached<CodeArray>(kColumns + static_cast<uint32_t>(column) * 2 + 1,
                           [&] { return LoadCodes(column); });
}

Result<Segment::Codes> Segment::LoadCodes(size_t column) const {
  const ColumnEntry& entry = footer_.columns[column];
  if (entry.constant) {
    if (column == kEventColumn && entry.largest_code == 0 && info_.rows > 0) {
      return Damaged("event without a name");
    }
    return std::make_shared<const CodeArray>(CodeArray::Constant(entry.largest_code));
  }
  CodeView events;
  Codes event_codes;  // keeps the view's bytes
  if (column != kEventColumn) {
    Result<Codes> loaded = CodesOf(kEventColumn);
    if (!loaded) {
      return loaded.error();
    }
    event_codes = *loaded;
    events = event_codes->view();
  }
  CodeArray array = CodeArray::Zeros(info_.rows, entry.largest_code);
  bool nameless = false;
  Result<void> decoded = DecodeBlocks(
      {blocks_, entry.codes, info_.rows, entry.largest_code, event_codes ? &events : nullptr},
      [&](uint32_t first, const std::vector<uint32_t>& codes) {
        nameless = nameless || (column == kEventColumn &&
                                std::find(codes.begin(), codes.end(), 0U) != codes.end());
        array.Fill([&](auto* out) {
          for (uint32_t row = 0; row < RowsOf(codes); ++row) {
            out[first + row] = static_cast<std::decay_t<decltype(*out)>>(codes[row]);
          }
        });
      });
  if (!decoded) {
    return decoded.error();
  }
  if (nameless) {
    return Damaged("event without a name");
  }
  return std::make_shared<const CodeArray>(std::move(array));
}

Result<std::shared_ptr<const TimeArray>> Segment::Times() const {
  if (data_ != nullptr) {
    return std::shared_ptr<const TimeArray>(data_, &data_->times);
  }
  return Cached<TimeArray>(kTimes, [&] { return LoadTimes(); });
}

Result<std::shared_ptr<const TimeArray>> Segment::LoadTimes() const {
  std::vector<uint32_t> narrow;
  std::vector<int64_t> wide;
  std::vector<uint64_t> times;
  std::string scratch;
  (footer_.narrow_times ? narrow.resize(info_.rows) : wide.resize(info_.rows));
  for (size_t i = 0; i < footer_.times.blocks.size(); ++i) {
    Result<std::string_view> raw = blocks_.Read(footer_.times.blocks[i], &scratch);
    if (!raw) {
      return raw.error();
    }
    times.resize(std::min(kBlockRows, info_.rows - static_cast<uint32_t>(i) * kBlockRows));
    if (!DecodeTimes(*raw, footer_.narrow_times, times)) {
      return Damaged("block of times is malformed");
    }
    for (size_t row = 0; row < times.size(); ++row) {
      if (footer_.narrow_times) {
        narrow[i * kBlockRows + row] = static_cast<uint32_t>(times[row]);
      } else {
        wide[i * kBlockRows + row] = static_cast<int64_t>(times[row]);
      }
    }
  }
  return std::make_shared<const TimeArray>(
      footer_.narrow_times
          ? TimeArray::Narrow(footer_.time_base_ms, footer_.time_unit_ms, std::move(narrow))
          : TimeArray::Wide(std::move(wide)));
}

Result<std::shared_ptr<const EventTimes>> Segment::EventTimesOf(
    uint32_t event, EventTimes::Resolution resolution) const {
  const uint32_t slot = kEventTimes + event * 2 + static_cast<uint32_t>(resolution);
  const auto make = [&] { return MakeEventTimes(event, resolution); };
  if (data_ == nullptr) {
    return Cached<EventTimes>(slot, make);
  }
  const std::lock_guard lock(event_times_mutex_);
  std::shared_ptr<const EventTimes>& kept = event_times_[slot];
  if (kept == nullptr) {
    Result<std::shared_ptr<const EventTimes>> made = make();
    if (!made) return made.error();
    kept = *std::move(made);
  }
  return kept;
}

Result<std::shared_ptr<const EventTimes>> Segment::MakeEventTimes(
    uint32_t event, EventTimes::Resolution resolution) const {
  const auto events = CodesOf(kEventColumn);
  if (!events) return events.error();
  const auto times = Times();
  if (!times) return times.error();
  const auto persons = Persons();
  if (!persons) return persons.error();
  return std::make_shared<const EventTimes>(
      EventTimes::Make((*events)->view(), (*times)->view(), (*persons)->starts, event, resolution));
}

Result<Segment::Ranks> Segment::RanksOf() const {
  if (data_ != nullptr) {
    return Ranks(data_, &data_->ranks);
  }
  if (footer_.ranks.blocks.empty()) {
    return std::make_shared<const CodeArray>();
  }
  return Cached<CodeArray>(kRanks, [&] { return LoadRanks(); });
}

Result<Segment::Ranks> Segment::LoadRanks() const {
  std::vector<uint32_t> ranks;
  ranks.reserve(info_.rows);
  Result<void> decoded = DecodeBlocks({blocks_, footer_.ranks, info_.rows, UINT32_MAX, nullptr},
                                      [&](uint32_t, const std::vector<uint32_t>& codes) {
                                        ranks.insert(ranks.end(), codes.begin(), codes.end());
                                      });
  if (!decoded) {
    return decoded.error();
  }
  return std::make_shared<const CodeArray>(CodeArray::From(ranks));
}

Result<Segment::Fingerprints> Segment::FingerprintsOf() const {
  if (data_ != nullptr || footer_.fingerprints.size == 0) {
    return LoadFingerprints();
  }
  return Cached<FingerprintArray>(kFingerprints, [&] { return LoadFingerprints(); });
}

Result<Segment::Fingerprints> Segment::LoadFingerprints() const {
  if (data_ != nullptr) {
    return Fingerprints(data_, &data_->fingerprints);
  }
  if (footer_.fingerprints.size == 0) {
    return std::make_shared<const FingerprintArray>();
  }
  FingerprintArray array = FingerprintArray::Zeros(info_.rows);
  if (Result<void> read = blocks_.ReadInto(footer_.fingerprints, array.bytes()); !read) {
    return read.error();
  }
  return std::make_shared<const FingerprintArray>(std::move(array));
}

}  // namespace bulkhead
