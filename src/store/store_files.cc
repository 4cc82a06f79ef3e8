// Flush, merge, erasure and the background thread: everything that writes files.
#include <algorithm>
#include <bit>
#include <chrono>
#include <span>

#include "store/store_impl.h"

namespace bulkhead {
namespace {

constexpr size_t kMergeFanIn = 4;
constexpr size_t kMaxMergeInputs = 16;
constexpr uint64_t kMaxCalmMergeRows = 16'000'000;  // some ten seconds of work
constexpr uint64_t kCalmMergeShare = 10;  // the smaller inputs have at least this part of the rows
constexpr uint64_t kCalmDeadShare = 64;
constexpr std::chrono::seconds kCalmCheck{2};
constexpr uint64_t kCalmRows = 16'000;  // arrive at most between two checks

}  // namespace

Result<void> Store::Impl::Flush() {
  const std::lock_guard maintenance(maintenance_mutex_);
  return FlushRows();
}

Result<void> Store::Impl::FlushRows() {
  std::vector<SourceState> inputs;
  uint64_t links = 0;
  uint64_t position = 0;
  {
    const std::lock_guard lock(mutex_);
    SealPending();
    for (Source& source : sources_) {
      if (!source.segment->on_disk()) {
        UpdateRelocations(&source);
        source.frozen = true;
        inputs.push_back(Share(&source));
      }
    }
    links = links_.links().size();
    position = applied_;
    frozen_keys_.push_back(std::move(keys_));
    keys_.Clear();
    if (inputs.empty()) {
      written_ = position;
      frozen_keys_.clear();
      if (position == durable_ && !people_changed_) {
        return {};
      }
    }
  }
  Result<void> done =
      inputs.empty() ? Commit() : WriteAndReplace(std::move(inputs), links, position);
  {
    const std::lock_guard lock(mutex_);
    for (Source& source : sources_) {
      source.frozen = false;
    }
    write_error_.reset();
    if (!done) {
      write_error_ = done.error();
    }
    if (done) {
      frozen_keys_.clear();
    }
  }
  room_.notify_all();
  return done;
}

Result<void> Store::Impl::WriteAndReplace(std::vector<SourceState> inputs, uint64_t links_applied,
                                          uint64_t position) {
  uint64_t file = 0;
  {
    const std::lock_guard lock(mutex_);
    file = next_file_++;
    tracking_kills_ = true;
    late_kills_.clear();
  }
  const auto write = [&]() -> Result<void> {
    Result<std::unique_ptr<SegmentMerge>> merge = SegmentMerge::Plan(inputs, links_applied);
    if (!merge) return merge.error();
    std::optional<Source> output;
    if ((*merge)->rows() > 0) {
      const std::string path = Path(SegmentFileName(file));
      Result<SecretBytes> key = (*merge)->ToFile(fs(), path);
      if (!key) return key.error();
      if (Result<void> synced = fs().SyncDir(options_.dir); !synced) return synced;
      Result<std::shared_ptr<Segment>> segment =
          Segment::Open(fs(), {path, file, *std::move(key)}, cache_);
      if (!segment) return segment.error();
      if (const auto persons = (*segment)->Persons(); !persons) return persons.error();
      Result<std::shared_ptr<KeyFilter>> filter = (*merge)->MakeFilter();
      if (!filter) return filter.error();
      output.emplace();
      output->segment = std::move(*segment);
      output->links_seen = links_applied;
      output->filter = std::move(*filter);
    }
    ReplaceSources(inputs, std::move(output), (*merge)->RowMaps());
    const std::lock_guard lock(mutex_);
    written_ = std::max(written_, position);
    return {};
  };
  Result<void> written = write();
  {
    const std::lock_guard lock(mutex_);
    tracking_kills_ = false;
    late_kills_.clear();
  }
  if (!written) {
    const std::lock_guard lock(mutex_);
    RemoveFiles({SegmentFileName(file)});  // that was begun
    return written;
  }
  inputs.clear();
  return Commit();
}

void Store::Impl::ReplaceSources(const std::vector<SourceState>& inputs,
                                 std::optional<Source> output,
                                 const std::vector<std::vector<uint32_t>>& row_maps) {
  const std::lock_guard lock(mutex_);
  const auto first = std::find_if(sources_.begin(), sources_.end(), [&](const Source& source) {
    return source.segment == inputs[0].segment;
  });
  Check(first != sources_.end() && sources_.end() - first >= static_cast<ptrdiff_t>(inputs.size()),
        "merged sources are still there");
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Source& source = first[static_cast<ptrdiff_t>(i)];
    Check(source.segment == inputs[i].segment, "merged sources are adjacent");
    if (source.segment->on_disk()) {
      obsolete_files_.push_back(SegmentFileName(source.segment->file_number()));
    }
  }
  if (output) {
    for (const auto& [segment, row] : std::exchange(late_kills_, {})) {
      for (size_t i = 0; i < inputs.size(); ++i) {
        const uint32_t now =
            inputs[i].segment.get() == segment ? row_maps[i][row] : SegmentMerge::kDropped;
        if (now != SegmentMerge::kDropped) {
          Kill(&*output, now);
        }
      }
    }
  }
  const auto rest = sources_.erase(first, first + static_cast<ptrdiff_t>(inputs.size()));
  if (output) {
    sources_.insert(rest, std::move(*output));
  }
  last_snapshot_ = nullptr;
}

namespace {

std::vector<RowRun> RunsOf(const DeadRows& dead) {
  std::vector<RowRun> runs;
  const std::span<const uint64_t> words = dead.words();
  for (uint32_t at = 0; at < words.size(); ++at) {
    for (uint64_t word = words[at]; word != 0; word &= word - 1) {
      const uint32_t row = at * 64 + static_cast<uint32_t>(std::countr_zero(word));
      if (!runs.empty() && runs.back().first + runs.back().count == row) {
        ++runs.back().count;
      } else {
        runs.push_back({row, 1});
      }
    }
  }
  return runs;
}

}  // namespace

Manifest Store::Impl::DescribeSources() {
  Manifest manifest;
  manifest.position = written_;
  manifest.next_seq = next_seq_;
  manifest.commits = ++commits_;
  manifest.erasures_applied = erasures_applied_;
  for (const Source& source : sources_) {
    if (!source.segment->on_disk()) {
      continue;
    }
    ManifestSegment& entry = manifest.segments.emplace_back();
    entry.file = source.segment->file_number();
    entry.key = SecretBytes(source.segment->key().view());
    entry.purge_due = source.purge_due;
    if (source.dead != nullptr) {
      entry.dead_rows = RunsOf(*source.dead);
    }
  }
  return manifest;
}

// Rows that died, and links and profiles that came after written_, may be in the manifest too:
// applying the log again from there comes to the same state (docs/formats/manifest.md).
Result<void> Store::Impl::Commit() {
  Manifest manifest;
  PeopleState people;
  bool write_people = false;
  std::vector<std::string> obsolete;
  uint64_t old_people = 0;
  {
    const std::lock_guard lock(mutex_);
    write_people = people_changed_;
    old_people = people_file_;
    manifest = DescribeSources();
    manifest.people_file = people_file_;
    manifest.people_position = people_position_;
    manifest.people_key = SecretBytes(people_key_.view());
    if (write_people) {
      manifest.people_file = next_file_++;
      manifest.people_position = applied_;
      people = {links_.links(), profiles_.people().Freeze(), profiles_.groups().Freeze()};
      people_changed_ = false;
    }
    manifest.next_file = next_file_;
    obsolete = obsolete_files_;
  }
  const auto write = [&]() -> Result<void> {
    if (write_people) {
      const std::string path = Path(PeopleFileName(manifest.people_file));
      Result<SecretBytes> key = WritePeopleFile(fs(), path, people);
      if (!key) return key.error();
      manifest.people_key = *std::move(key);
      if (Result<void> done = fs().SyncDir(options_.dir); !done) return done;
    }
    return fs().WriteFileAtomically(Path(std::string(kManifestName)),
                                    EncodeManifest(manifest, *ring_, options_.owner));
  };
  const Result<void> written = write();
  const std::lock_guard lock(mutex_);
  if (!written) {
    people_changed_ = people_changed_ || write_people;
    if (write_people) obsolete_files_.push_back(PeopleFileName(manifest.people_file));
    return written;
  }
  durable_ = manifest.position;
  people_file_ = manifest.people_file;
  people_position_ = manifest.people_position;
  people_key_ = std::move(manifest.people_key);
  ring_key_ = ring_->newest().id;
  if (write_people && old_people != 0) {
    obsolete.push_back(PeopleFileName(old_people));
  }
  RemoveFiles(obsolete);
  return {};
}

// What the manifest does not name and so nobody can open any more. Mappings that snapshots hold
// outlive the names. What fails here is tried again after the next commit, or when next opened.
void Store::Impl::RemoveFiles(const std::vector<std::string>& names) {
  std::erase_if(obsolete_files_, [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  });
  for (const std::string& name : names) {
    const Result<void> removed = fs().Remove(Path(name));
    if (!removed && removed.error().code != ErrorCode::kNotFound) {
      obsolete_files_.push_back(name);
    }
  }
}

// The shortest tier of neighbours with enough of them; else one segment that is mostly dead.
std::vector<std::shared_ptr<const Segment>> Store::Impl::FindMerge() {
  if (auto due = FindPurge(); !due.empty()) {
    return due;
  }
  const std::lock_guard lock(mutex_);
  const uint64_t unit = std::max<uint64_t>(1, options_.flush_rows / 2);
  for (uint64_t limit = unit * 4; limit / 4 <= options_.max_merge_rows; limit *= 4) {
    std::vector<std::shared_ptr<const Segment>> run;
    uint64_t rows = 0;
    for (const Source& source : sources_) {
      const bool fits = source.segment->on_disk() && source.live_rows() < limit &&
                        rows + source.live_rows() <= options_.max_merge_rows &&
                        run.size() < kMaxMergeInputs;
      if (!fits) {
        if (run.size() >= kMergeFanIn) break;
        run.clear();
        rows = 0;
        continue;
      }
      run.push_back(source.segment);
      rows += source.live_rows();
    }
    if (run.size() >= kMergeFanIn) {
      return run;
    }
  }
  for (const Source& source : sources_) {
    const uint32_t dead = source.dead ? source.dead->count() : 0;
    if (source.segment->on_disk() && dead > source.segment->info().rows / 4) {
      return {source.segment};
    }
  }
  return {};
}

std::vector<std::shared_ptr<const Segment>> Store::Impl::FindCalmMerge() {
  if (auto due = FindPurge(); !due.empty()) {
    return due;
  }
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const Segment>> newest;  // as many as one merge may take
  uint64_t rows = 0;
  uint64_t largest = 0;
  for (auto source = sources_.rbegin(); source != sources_.rend(); ++source) {
    if (!source->segment->on_disk()) continue;
    const uint64_t live = source->live_rows();
    if (rows + live > std::min<uint64_t>(kMaxCalmMergeRows, options_.max_merge_rows)) break;
    const uint64_t dead = source->dead ? source->dead->count() : 0;
    if (dead > source->segment->info().rows / kCalmDeadShare) {
      return {source->segment};
    }
    newest.push_back(source->segment);
    rows += live;
    largest = std::max(largest, live);
  }
  if (newest.size() < 2 || (rows - largest) * kCalmMergeShare < rows) {
    return {};
  }
  return newest;
}

Result<void> Store::Impl::Rewrite(const std::vector<std::shared_ptr<const Segment>>& segments) {
  std::vector<SourceState> inputs;
  uint64_t links = 0;
  {
    const std::lock_guard lock(mutex_);
    for (Source& source : sources_) {
      if (std::find(segments.begin(), segments.end(), source.segment) != segments.end()) {
        UpdateRelocations(&source);
        inputs.push_back(Share(&source));
      }
    }
    links = links_.links().size();
  }
  return WriteAndReplace(std::move(inputs), links, 0);
}

Result<void> Store::Impl::MergeDue() {
  for (;;) {
    const std::vector<std::shared_ptr<const Segment>> due = FindMerge();
    if (due.empty()) {
      return {};
    }
    if (Result<void> done = Rewrite(due); !done) {
      return done;
    }
    const std::lock_guard lock(mutex_);
    if (stopping_ || MemoryRows() >= options_.flush_rows) {
      return {};  // a flush is more urgent
    }
  }
}

Result<void> Store::Impl::Compact() {
  const std::lock_guard maintenance(maintenance_mutex_);
  std::vector<std::vector<std::shared_ptr<const Segment>>> groups(1);
  {
    const std::lock_guard lock(mutex_);
    uint64_t rows = 0;
    for (const Source& source : sources_) {
      if (!source.segment->on_disk()) continue;
      if (rows + source.live_rows() > options_.max_merge_rows) {
        groups.emplace_back();
        rows = 0;
      }
      rows += source.live_rows();
      groups.back().push_back(source.segment);
    }
  }
  for (const auto& group : groups) {
    bool due = group.size() > 1;
    if (group.size() == 1) {
      const std::lock_guard lock(mutex_);
      for (const Source& source : sources_) {
        due = due ||
              (source.segment == group[0] && (source.dead != nullptr || source.moved != nullptr));
      }
    }
    if (due) {
      if (Result<void> done = Rewrite(group); !done) return done;
    }
  }
  return {};
}

void Store::Impl::Background() {
  uint64_t seen_seq = 0;
  for (;;) {
    bool due = false;
    bool calm = false;
    {
      std::unique_lock lock(mutex_);
      if (write_error_) {
        work_.wait_for(lock, std::chrono::seconds(1), [this] { return stopping_; });
      }
      const auto full = [this] { return MemoryRows() >= options_.flush_rows; };
      work_.wait_for(lock, kCalmCheck, [&] { return stopping_ || full(); });
      if (stopping_) {
        return;
      }
      due = full() || applied_ - std::min(applied_, durable_) >= limits::kMaxStoreLagBytes;
      calm = !due && next_seq_ - seen_seq <= kCalmRows;
      seen_seq = next_seq_;
    }
    Maintain(due, calm);
  }
}

// What fails leaves its inputs in place; a later check comes back to it.
void Store::Impl::Maintain(bool due, bool calm) {
  const std::lock_guard maintenance(maintenance_mutex_);
  if (due) {
    if (Result<void> flushed = FlushRows(); flushed) {
      [[maybe_unused]] const Result<void> merged = MergeDue();
    }
  }
  if (ExpiryDue(calm)) {
    Result<void> done;
    if (const auto hidden = HideExpired(options_.clock->NowMs()); hidden) done = FlushRows();
    if (done) done = MergeDue();  // stops where a flush is due
  } else if (calm) {
    if (const auto segments = FindCalmMerge(); !segments.empty()) {
      [[maybe_unused]] const Result<void> merged = Rewrite(segments);
    }
  }
}

}  // namespace bulkhead
