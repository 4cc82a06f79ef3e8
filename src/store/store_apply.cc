// Applying batches: links, exact de-duplication, new rows, profiles.
#include <algorithm>
#include <chrono>

#include "base/bit_mix.h"
#include "store/store_impl.h"

namespace bulkhead {
namespace {

constexpr uint64_t kMaxMemoryInFlushes = 4;  // unwritten rows, in units of flush_rows
constexpr size_t kPrefetchAhead = 4;

uint64_t KeyOf(const Event& event) {
  return EventKey(HashBytes(event.name), event.time_ms, event.insert_id);
}

// What tells duplicates, of one segment.
struct KeyColumns {
  std::shared_ptr<const Dictionary> names;
  std::shared_ptr<const Dictionary> origins;
  Segment::Codes event_array;
  Segment::Codes origin_array;
  std::shared_ptr<const TimeArray> time_array;
  Segment::Fingerprints fingerprints;
  const Segment::PersonTable* persons = nullptr;
  CodeView events;
  CodeView origin_codes;
  TimeView times;

  Result<void> Load(const Segment& segment) {
    const auto name_dictionary = segment.DictionaryOf(kEventColumn);
    if (!name_dictionary) return name_dictionary.error();
    const auto origin_dictionary = segment.DictionaryOf(kOriginColumn);
    if (!origin_dictionary) return origin_dictionary.error();
    const auto event_codes = segment.CodesOf(kEventColumn);
    if (!event_codes) return event_codes.error();
    const auto all_origins = segment.CodesOf(kOriginColumn);
    if (!all_origins) return all_origins.error();
    const auto all_times = segment.Times();
    if (!all_times) return all_times.error();
    const auto all_fingerprints = segment.FingerprintsOf();
    if (!all_fingerprints) return all_fingerprints.error();
    const auto person_table = segment.Persons();
    if (!person_table) return person_table.error();
    names = *name_dictionary;
    origins = *origin_dictionary;
    event_array = *event_codes;
    origin_array = *all_origins;
    time_array = *all_times;
    fingerprints = *all_fingerprints;
    persons = *person_table;
    events = event_array->view();
    origin_codes = origin_array->view();
    times = time_array->view();
    return {};
  }

  // The first row of begin..end that is not before the time.
  [[nodiscard]] uint32_t FirstAt(int64_t time_ms, uint32_t begin, uint32_t end) const {
    while (begin < end) {
      const uint32_t middle = begin + (end - begin) / 2;
      if (times[middle] < time_ms) {
        begin = middle + 1;
      } else {
        end = middle;
      }
    }
    return begin;
  }
};

}  // namespace

Result<void> Store::Impl::Apply(const Batch& batch, uint64_t position, uint64_t next_position) {
  {
    std::unique_lock lock(mutex_);
    if (failed_) {
      return *failed_;
    }
    if (position < applied_) {
      return {};
    }
    if (Result<void> room = WaitForRoom(&lock); !room) return room;
    last_snapshot_ = nullptr;
    for (size_t i = 0; i < batch.events.size(); ++i) {
      if (i + kPrefetchAhead < batch.events.size()) {
        PrefetchKey(KeyOf(batch.events[i + kPrefetchAhead]));
      }
      if (Result<void> done = ApplyEvent(batch.events[i], position); !done) {
        failed_ = done.error();  // half a batch is applied: opening again starts from the log
        return done;
      }
    }
    if (position >= people_position_) {
      for (const ProfileUpdate& update : batch.profile_updates) {
        profiles_.Apply(update, links_.Canonical(update.subject));
        people_changed_ = true;
      }
    }
    applied_ = next_position;
    if (MemoryRows() < options_.flush_rows) {
      return {};
    }
  }
  work_.notify_one();
  if (options_.background) {
    return {};
  }
  const std::lock_guard maintenance(maintenance_mutex_);
  Result<void> done = FlushRows();
  if (done) done = MergeDue();
  return {};  // the rows are applied; whether they are written, durable_position() tells
}

Result<void> Store::Impl::WaitForRoom(std::unique_lock<std::mutex>* lock) {
  const auto full = [this] { return MemoryRows() >= kMaxMemoryInFlushes * options_.flush_rows; };
  if (!full()) {
    return {};
  }
  work_.notify_one();
  room_.wait_for(*lock, std::chrono::seconds(30),
                 [&] { return !full() || write_error_ || stopping_ || !options_.background; });
  if (full() && write_error_) {
    return Error{ErrorCode::kUnavailable,
                 "store: segments cannot be written and memory is full: " + write_error_->message};
  }
  if (full() && options_.background) {
    return Error{ErrorCode::kUnavailable, "store: memory is full, segments are being written"};
  }
  return {};
}

void Store::Impl::Link(const Event& event, uint64_t position) {
  const IdentityLink link{event.device, event.person, event.time_ms, position};
  if (event.device == event.person || !links_.Add(link)) {
    return;
  }
  pending_.NoteLinked(event.device);
  profiles_.Erase(event.device);  // not carried over to the user
  people_changed_ = true;
}

Result<void> Store::Impl::ApplyEvent(const Event& event, uint64_t position) {
  Link(event, position);
  const SubjectId person = links_.Canonical(event.person);
  const bool unique_id = (event.insert_id & kFingerprintMask) != 0;
  const uint64_t key = unique_id ? KeyOf(event) : 0;
  if (unique_id) {
    Result<bool> settled = SettleDuplicate(event, key);
    if (!settled) return settled.error();
    if (*settled) return {};
  }
  pending_.Add(event, person);
  if (unique_id) {
    keys_.Add(key, next_seq_);
  }
  ++next_seq_;
  return {};
}

Result<bool> Store::Impl::SettleDuplicate(const Event& event, uint64_t key) {
  Result<std::optional<RowPlace>> found = FindDuplicate(event, key);
  if (!found) return found.error();
  if (!found->has_value()) {
    return false;
  }
  const RowPlace place = **found;
  bool same = false;
  if (place.source == nullptr) {
    same = pending_.HasProperties(place.row, event.properties);
  } else {
    Result<bool> equal = HasProperties(*place.source->segment, place.row, event.properties);
    if (!equal) return equal.error();
    same = *equal;
  }
  if (same) {
    ++duplicates_dropped_;
    return true;
  }
  ++duplicates_replaced_;
  if (place.source == nullptr) {
    pending_.Kill(place.row);
  } else {
    Kill(place.source, place.row);
  }
  return false;
}

void Store::Impl::Kill(Source* source, uint32_t row) {
  if (source->dead == nullptr) {
    source->dead = std::make_shared<DeadRows>(source->segment->info().rows);
  } else if (source->dead_shared) {
    source->dead = std::make_shared<DeadRows>(*source->dead);
  }
  source->dead_shared = false;
  source->dead->Add(row);
  last_snapshot_ = nullptr;
  if (tracking_kills_) {
    late_kills_.emplace_back(source->segment.get(), row);
  }
}

void Store::Impl::PrefetchKey(uint64_t key) const {
  keys_.Prefetch(key);
  for (const Source& source : sources_) {
    if (source.filter != nullptr) {
      source.filter->Prefetch(key);
    }
  }
}

std::optional<Store::Impl::RowPlace> Store::Impl::FindInMemory(const Event& event, uint64_t key,
                                                               Result<void>* status) {
  std::optional<RowPlace> place;
  const auto check = [&](uint64_t seq) {
    if (seq >= pending_base_) {
      const auto row = static_cast<uint32_t>(seq - pending_base_);
      if (pending_.IsSame(row, event)) {
        place = RowPlace{nullptr, row};
      }
      return place.has_value();
    }
    for (Source& source : sources_) {
      const SegmentInfo& info = source.segment->info();
      if (seq < info.seq_base || seq >= info.seq_base + info.seq_span) {
        continue;
      }
      const Result<std::optional<uint32_t>> row = FindInSource(source, event);
      if (!row) {
        *status = row.error();
        return true;
      }
      if (row->has_value()) {
        place = RowPlace{&source, **row};
      }
      return place.has_value();
    }
    return false;
  };
  if (!keys_.Find(key, check)) {
    for (const KeyTable& table : frozen_keys_) {
      if (table.Find(key, check)) {
        break;
      }
    }
  }
  return place;
}

Result<std::optional<Store::Impl::RowPlace>> Store::Impl::FindDuplicate(const Event& event,
                                                                        uint64_t key) {
  Result<void> status;
  if (std::optional<RowPlace> place = FindInMemory(event, key, &status); place || !status) {
    if (!status) return status.error();
    return place;
  }
  for (Source& source : sources_) {
    const SegmentInfo& info = source.segment->info();
    if (!source.segment->on_disk() || event.time_ms < info.first_ms ||
        event.time_ms > info.last_ms) {
      continue;
    }
    if (source.filter == nullptr) {
      source.filter = std::make_shared<KeyFilter>(info.rows);
      Result<void> added = AddKeys({source.segment, nullptr, nullptr}, source.filter.get());
      if (!added) return added.error();
    }
    if (!source.filter->MayContain(key)) {
      continue;
    }
    const Result<std::optional<uint32_t>> row = FindInSource(source, event);
    if (!row) return row.error();
    if (row->has_value()) {
      return std::optional(RowPlace{&source, **row});
    }
  }
  return std::optional<RowPlace>();
}

// Duplicates are told by the id that an event was sent under, whatever it was linked to since. Its
// rows lie under that id or, once a merge has moved them, under one that it leads to, with their
// origin.
Result<std::optional<uint32_t>> Store::Impl::FindInSource(const Source& source,
                                                          const Event& event) {
  KeyColumns columns;
  if (Result<void> loaded = columns.Load(*source.segment); !loaded) return loaded.error();
  const uint32_t name = columns.names->FindString(event.name);
  const uint32_t origin =
      columns.origins->size() == 0 ? 0 : columns.origins->FindString(event.person.ToHex());
  const uint64_t fingerprint = event.insert_id & kFingerprintMask;
  const SubjectId* lies_under = &event.person;
  for (; name != 0 && lies_under != nullptr; lies_under = links_.user_of().Find(*lies_under)) {
    const std::optional<uint32_t> at = columns.persons->Find(*lies_under);
    const bool in_place = *lies_under == event.person;
    if (!at || (!in_place && origin == 0)) {
      continue;
    }
    const uint32_t end = columns.persons->starts[*at + 1];
    uint32_t row = columns.FirstAt(event.time_ms, columns.persons->starts[*at], end);
    for (; row < end && columns.times[row] == event.time_ms; ++row) {
      if (columns.events[row] == name && columns.origin_codes[row] == (in_place ? 0 : origin) &&
          (*columns.fingerprints)[row] == fingerprint &&
          (source.dead == nullptr || !source.dead->Has(row))) {
        return std::optional(row);
      }
    }
  }
  return std::optional<uint32_t>();
}

Result<bool> Store::Impl::HasProperties(const Segment& segment, uint32_t row,
                                        const ValueObject& properties) const {
  size_t present = 0;
  for (size_t column = kFirstPropertyColumn; column < segment.columns(); ++column) {
    const Result<Segment::Codes> codes = segment.CodesOf(column);
    if (!codes) return codes.error();
    const uint32_t code = (*codes)->view()[row];
    if (code == 0) {
      continue;
    }
    ++present;
    const Value* value = bulkhead::Find(properties, segment.ColumnName(column));
    if (value == nullptr) {
      return false;
    }
    const Result<std::shared_ptr<const Dictionary>> dictionary = segment.DictionaryOf(column);
    if (!dictionary) return dictionary.error();
    if ((*dictionary)->Find(*value) != code) {
      return false;
    }
  }
  return present == properties.size();
}

}  // namespace bulkhead
