// Snapshots: pending rows become a sorted source in memory; such sources are merged by size, so
// that there are few of them however often someone asks.
#include <algorithm>
#include <utility>

#include "store/store_impl.h"

namespace bulkhead {

uint64_t Store::Impl::applied() {
  const std::lock_guard lock(mutex_);
  return applied_;
}

uint64_t Store::Impl::durable() {
  const std::lock_guard lock(mutex_);
  return durable_;
}

uint64_t Store::Impl::erasures_applied() {
  const std::lock_guard lock(mutex_);
  return erasures_applied_;
}

void Store::Impl::NotePosition(uint64_t next_position) {
  const std::lock_guard lock(mutex_);
  applied_ = std::max(applied_, next_position);
}

uint64_t Store::Impl::MemoryRows() const {
  uint64_t rows = pending_.rows();
  for (const Source& source : sources_) {
    rows += source.segment->on_disk() ? 0 : source.segment->info().rows;
  }
  return rows;
}

void Store::Impl::SealPending() {
  if (pending_.rows() == 0) {
    return;
  }
  SegmentData data = pending_.Seal([this](const SubjectId& id) { return links_.Canonical(id); });
  data.info.seq_base = std::exchange(pending_base_, next_seq_);
  data.info.seq_span = next_seq_ - data.info.seq_base;
  if (data.info.rows == 0) {
    return;
  }
  Source source;
  source.segment = Segment::InMemory(std::move(data));
  source.links_seen = links_.links().size();
  sources_.push_back(std::move(source));
}

void Store::Impl::MergeMemory() {
  while (sources_.size() >= 2) {
    Source& older = sources_[sources_.size() - 2];
    Source& newer = sources_.back();
    if (older.segment->on_disk() || older.frozen || newer.frozen ||
        newer.segment->info().rows < older.segment->info().rows / 2) {
      return;
    }
    UpdateRelocations(&older);
    UpdateRelocations(&newer);
    const uint64_t links = links_.links().size();
    Result<std::unique_ptr<SegmentMerge>> merge =
        SegmentMerge::Plan({Share(&older), Share(&newer)}, links);
    if (!merge) {
      return;
    }
    Result<SegmentData> data = (*merge)->ToMemory();
    if (!data) {
      return;
    }
    Source merged;
    merged.segment = Segment::InMemory(std::move(*data));
    merged.links_seen = links;
    sources_.pop_back();
    sources_.back() = std::move(merged);
  }
}

void Store::Impl::UpdateRelocations(Source* source) {
  const std::vector<IdentityLink>& links = links_.links();
  if (source->links_seen >= links.size()) {
    return;
  }
  const Result<const Segment::PersonTable*> persons = source->segment->Persons();
  Check(persons.has_value(), "person table was loaded when the store was opened");
  std::vector<MovedRun> runs;
  for (uint64_t i = source->links_seen; i < links.size(); ++i) {
    const std::optional<uint32_t> person = (*persons)->Find(links[i].device);
    if (person && !links[i].device.IsNobody()) {
      runs.push_back({links_.Canonical(links[i].device), *person});
    }
  }
  source->links_seen = links.size();
  if (source->moved != nullptr) {
    for (const MovedRun& run : source->moved->by_user()) {
      runs.push_back({links_.Canonical(run.user), run.person});
    }
  }
  if (!runs.empty()) {
    source->moved = std::make_shared<const Relocations>(std::move(runs));
  }
}

SourceState Store::Impl::Share(Source* source) {
  source->dead_shared = true;
  return {source->segment, source->dead, source->moved};
}

Snapshot Store::Impl::TakeSnapshot() {
  const std::lock_guard lock(mutex_);
  if (last_snapshot_ == nullptr) {
    SealPending();
    MergeMemory();
    auto state = std::make_shared<SnapshotState>();
    state->position = applied_;
    for (Source& source : sources_) {
      UpdateRelocations(&source);
      state->sources.push_back(Share(&source));
    }
    state->user_of = links_.user_of().Freeze();
    state->devices_of = links_.devices_of().Freeze();
    state->people = profiles_.people().Freeze();
    state->groups = profiles_.groups().Freeze();
    last_snapshot_ = std::move(state);
  }
  return Snapshot(last_snapshot_);
}

StoreStats Store::Impl::Stats() {
  const std::lock_guard lock(mutex_);
  StoreStats stats;
  for (const Source& source : sources_) {
    const uint64_t dead = source.dead ? source.dead->count() : 0;
    stats.events += source.segment->info().rows - dead;
    stats.dead_rows += dead;
    stats.disk_bytes += source.segment->file_bytes();
    stats.segments += source.segment->on_disk() ? 1 : 0;
    stats.plain_segments += source.segment->on_disk() && source.segment->key().empty() ? 1 : 0;
    stats.purge_due += source.purge_due ? 1 : 0;
  }
  stats.events += pending_.live_rows();
  stats.memory_rows = MemoryRows();
  stats.profiles = profiles_.size();
  stats.links = links_.user_of().size();
  stats.duplicates_dropped = duplicates_dropped_;
  stats.duplicates_replaced = duplicates_replaced_;
  stats.column_cache_bytes = cache_->bytes();
  stats.expired_rows = expired_rows_;
  stats.commits = commits_;
  stats.ring_key = ring_key_;
  return stats;
}

}  // namespace bulkhead
