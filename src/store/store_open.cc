// Opening: what the manifest names is loaded, everything else in the directory is a leftover.
#include <algorithm>

#include "store/store_impl.h"

namespace bulkhead {
namespace {

Error Damaged(const char* what) {
  return Error{ErrorCode::kCorruption, std::string("store: ") + what};
}

// A file that the manifest names is not there: an old manifest, or lost files.
Error Named(const Error& error) {
  return error.code == ErrorCode::kNotFound ? Damaged("a file that the manifest names is missing")
                                            : error;
}

}  // namespace

Store::Impl::Impl(StoreOptions options)
    : options_(std::move(options)),
      cache_(std::make_shared<ColumnCache>(options_.column_cache_bytes)),
      ring_(options_.keys) {
  Check(ring_ != nullptr && !ring_->empty(), "a store is opened with its keys");
  InitCrypto();
}

Store::Impl::~Impl() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  room_.notify_all();
  if (background_.joinable()) {
    background_.join();
  }
}

void Store::Impl::StartBackground() {
  if (options_.background) {
    background_ = std::thread([this] { Background(); });
  }
}

Result<void> Store::Impl::Load() {
  if (Result<void> made = fs().CreateDirs(options_.dir); !made) return made;
  const Result<std::vector<std::string>> files = fs().List(options_.dir);
  if (!files) return files.error();
  const std::string manifest_path = Path(std::string(kManifestName));
  if (!fs().Exists(manifest_path)) {
    // The manifest is the first file that a store makes: without it, others belong to something
    // that was lost, and removing them would lose the rest.
    for (const std::string& name : *files) {
      if (name.starts_with("segment-") || name.starts_with("people-")) {
        return Damaged("there are segments but no manifest");
      }
    }
    ring_key_ = ring_->newest().id;
    return fs().WriteFileAtomically(manifest_path,
                                    EncodeManifest(Manifest(), *ring_, options_.owner));
  }
  const Result<std::string> bytes = fs().ReadWhole(manifest_path);
  if (!bytes) return bytes.error();
  const Result<Manifest> manifest = ReadManifest(*bytes);
  if (!manifest) return manifest.error();
  if (Result<void> loaded = LoadPeople(*manifest); !loaded) return loaded;
  for (const ManifestSegment& entry : manifest->segments) {
    if (Result<void> loaded = LoadSegment(entry); !loaded) return loaded;
  }
  applied_ = durable_ = written_ = manifest->position;
  next_file_ = manifest->next_file;
  next_seq_ = manifest->next_seq;
  if (!sources_.empty()) {
    const SegmentInfo& last = sources_.back().segment->info();
    if (next_seq_ < last.seq_base + last.seq_span) {
      return Damaged("manifest and segments disagree on the order of arrival");
    }
  }
  pending_base_ = next_seq_;
  RemoveLeftovers(*manifest, *files);
  return {};
}

Result<Manifest> Store::Impl::ReadManifest(const std::string& bytes) {
  Result<Manifest> manifest = DecodeManifest(bytes, *ring_, options_.owner);
  if (!manifest) return manifest;
  if (manifest->ring_key == 0 && !options_.accept_plain) {
    return Damaged("the manifest is a plain one, which this store never had");
  }
  if (manifest->position != 0 && manifest->position < options_.log_begins_at) {
    return Damaged("older than the log: an old copy was put back, or the log is another's");
  }
  ring_key_ = manifest->ring_key;
  commits_ = manifest->commits;
  erasures_applied_ = manifest->erasures_applied;
  return manifest;
}

Result<void> Store::Impl::LoadPeople(const Manifest& manifest) {
  people_position_ = manifest.people_position;
  people_file_ = manifest.people_file;
  if (people_file_ == 0) {
    return {};
  }
  people_key_ = SecretBytes(manifest.people_key.view());
  const Result<std::string> bytes = fs().ReadWhole(Path(PeopleFileName(people_file_)));
  if (!bytes) return Named(bytes.error());
  return ReadPeople(*bytes, people_key_, &links_, &profiles_);
}

Result<void> Store::Impl::LoadSegment(const ManifestSegment& entry) {
  Result<std::shared_ptr<Segment>> segment = Segment::Open(
      fs(), {Path(SegmentFileName(entry.file)), entry.file, SecretBytes(entry.key.view())}, cache_);
  if (!segment) return Named(segment.error());
  const SegmentInfo& info = (*segment)->info();
  if (!sources_.empty()) {
    const SegmentInfo& last = sources_.back().segment->info();
    if (info.seq_base < last.seq_base + last.seq_span) {
      return Damaged("segments overlap in the order of arrival");
    }
  }
  // Later calls rely on the person table without a way to report an error.
  if (const auto persons = (*segment)->Persons(); !persons) return persons.error();
  if (Result<void> learned = LearnNames(**segment); !learned) return learned;
  Source source;
  source.purge_due = entry.purge_due;
  for (const RowRun& run : entry.dead_rows) {
    if (run.first >= info.rows || run.count > info.rows - run.first) {
      return Damaged("dead row outside its segment");
    }
    if (source.dead == nullptr) source.dead = std::make_shared<DeadRows>(info.rows);
    for (uint32_t row = run.first; row < run.first + run.count; ++row) source.dead->Add(row);
  }
  source.links_seen = std::min<uint64_t>(info.links_applied, links_.links().size());
  source.segment = std::move(*segment);
  sources_.push_back(std::move(source));
  return {};
}

Result<void> Store::Impl::LearnNames(const Segment& segment) {
  const Result<std::shared_ptr<const Dictionary>> events = segment.DictionaryOf(kEventColumn);
  if (!events) return events.error();
  for (uint32_t code = 1; code <= (*events)->size(); ++code) {
    names_.AllowEvent((*events)->String(code));
  }
  for (size_t column = kFirstPropertyColumn; column < segment.columns(); ++column) {
    names_.AllowProperty(segment.ColumnName(column));
  }
  return {};
}

void Store::Impl::RemoveLeftovers(const Manifest& manifest, const std::vector<std::string>& files) {
  for (const std::string& name : files) {
    const bool named =
        name == PeopleFileName(manifest.people_file) ||
        std::any_of(manifest.segments.begin(), manifest.segments.end(),
                    [&](const ManifestSegment& s) { return name == SegmentFileName(s.file); });
    if (IsStoreFileName(name) && !named) {
      // If this fails, the next opening tries again; the number is not used a second time.
      [[maybe_unused]] const Result<void> removed = fs().Remove(Path(name));
    }
  }
}

}  // namespace bulkhead
