#include "egress/canary_flock.h"

#include <algorithm>
#include <limits>

#include "base/byte_codec.h"
#include "crypto/sealed_file.h"
#include "egress/canary_activity.h"
#include "egress/canary_ids.h"

namespace bulkhead {
namespace {

constexpr std::string_view kMagic = "BHCANA01";
constexpr std::string_view kLabel = "bulkhead v1 canary behaviour";
constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kSpanMs = int64_t{2} * 24 * 60 * kMinuteMs;
constexpr int64_t kSaveEveryMs = kMinuteMs;
constexpr uint64_t kSubjectsOfACanary = 100;  // at least: or canaries distort the vendor's numbers
constexpr int64_t kOldMs = 60 * kMinuteMs;    // a record of nothing younger is no live traffic
constexpr size_t kMostWatched = 4096;
constexpr size_t kAlike = 8;
constexpr uint32_t kImportedRecords = 4;  // as old as an import's, one after the other

int64_t SpanOf(int64_t time_ms) { return time_ms / kSpanMs; }

// Marks are equally spread: those below this are one of so many, halved so often.
uint64_t Threshold(uint64_t one_of, uint32_t halved) {
  return (std::numeric_limits<uint64_t>::max() / one_of) >> halved;
}

void TurnTo(int64_t spans, CanaryActivity* activity) {
  activity->before = spans == 1 ? activity->lately : 0;
  activity->lately = 0;
}

}  // namespace

Result<CanaryFlock> CanaryFlock::Open(Parts parts) {
  CanaryFlock flock(std::move(parts));
  const Result<void> loaded = flock.Load();
  return loaded ? Result<CanaryFlock>(std::move(flock)) : loaded.error();
}

Result<void> CanaryFlock::Load() {
  if (!parts_.fs->Exists(parts_.path)) {
    return {};
  }
  const Result<std::string> bytes = parts_.fs->ReadWhole(parts_.path);
  if (!bytes) {
    return bytes.error();
  }
  const Result<SealedFile> file = DecryptFile(*parts_.keys, {kMagic, parts_.vendor}, *bytes);
  if (!file) {
    return Error{
        file.error().code == ErrorCode::kDenied ? ErrorCode::kUnavailable : file.error().code,
        parts_.path + ": " + file.error().message};
  }
  Result<CanaryMemory> memory = DecodeCanaryMemory(file->body);
  if (!memory) {
    return memory.error();
  }
  memory_ = *std::move(memory);
  CountFollowers();
  return file->ring_key == parts_.keys->newest().id ? Result<void>() : Save(0);
}

Result<void> CanaryFlock::Save(int64_t now_ms) {
  const std::string file = EncryptFile(*parts_.keys, {kMagic, parts_.vendor}, SecretBytes(),
                                       EncodeCanaryMemory(memory_));
  Result<void> saved = parts_.fs->WriteFileAtomically(parts_.path, file);
  if (saved) {
    changed_ = born_ = false;
    saved_ms_ = now_ms;
  }
  return saved;
}

// The share of subjects that have a canary is the one with which the last epoch ended, so that
// there is no more than that from the first day on; twice as much where that made few.
void CanaryFlock::BeginEpoch(const VendorPolicy& policy, const VendorEpoch& epoch, int64_t span) {
  key_ = std::make_unique<KeyedHash>(DeriveKey(epoch.key, kLabel));
  if (memory_.epoch == epoch.number) {
    return;
  }
  CanaryMemory fresh;
  fresh.epoch = epoch.number;
  const auto few = std::ranges::count_if(memory_.cast, [this](const auto& one) {
    return one.first < Threshold(kSubjectsOfACanary, memory_.sparse);
  });
  const bool too_few = memory_.sparse > 0 && few < int64_t{policy.canaries} / 2;
  fresh.sparse = memory_.sparse - (too_few ? 1 : 0);
  fresh.cast_sparse = memory_.cast_sparse;
  fresh.span = span;
  memory_ = std::move(fresh);
  sessions_.clear();
  events_.clear();
  updates_.clear();
  CountFollowers();
  changed_ = true;
}

Result<void> CanaryFlock::Weave(const VendorPolicy& policy, const VendorEpoch& epoch,
                                uint64_t log_position, Batch* batch) {
  for (Event& event : batch->events) {
    event.person = CanaryNumber(event.person) ? SubjectId() : event.person;
  }
  for (ProfileUpdate& update : batch->profile_updates) {
    update.subject = CanaryNumber(update.subject) ? SubjectId() : update.subject;
  }
  if (policy.canaries == 0) {
    return {};
  }
  const int64_t now = MomentOf(policy, *batch);
  if (key_ == nullptr || memory_.epoch != epoch.number) {
    BeginEpoch(policy, epoch, SpanOf(now));
  }
  if (SpanOf(now) > memory_.span) {
    Turn(SpanOf(now));
  }
  Source source{&policy, log_position, 0, now};
  for (const Event& event : batch->events) {
    SeeEvent(event, source);
    ++source.index;
  }
  for (const ProfileUpdate& update : batch->profile_updates) {
    SeeUpdate(update, source);
    ++source.index;
  }
  EmitDue(now, batch);
  const bool due = changed_ && (now - saved_ms_ >= kSaveEveryMs || now < saved_ms_);
  return born_ || due ? Save(now) : Result<void>();
}

// When a record happened, for whoever does something minutes later: when it arrived. While nothing
// but old events comes, as in an import, it is the newest of their times: a month that arrives
// within a minute is a month all the same.
int64_t CanaryFlock::MomentOf(const VendorPolicy& policy, const Batch& batch) {
  if (batch.events.empty()) {
    return imported_records_ > kImportedRecords ? imported_ms_ : batch.arrival_ms;
  }
  const int64_t newest = std::ranges::max_element(batch.events, {}, &Event::time_ms)->time_ms;
  const bool old = batch.arrival_ms - newest >= std::max(kOldMs, UnitOf(policy.time));
  imported_records_ = old ? imported_records_ + 1 : 0;
  imported_ms_ = newest;
  return imported_records_ > kImportedRecords ? newest : batch.arrival_ms;
}

uint64_t CanaryFlock::Draw(std::string_view what, std::initializer_list<uint64_t> of) const {
  std::string text;
  ByteWriter writer(&text);
  writer.String(what);
  for (const uint64_t number : of) {
    writer.Fixed(number);
  }
  return key_->Digest64(text);
}

uint64_t CanaryFlock::NameMark(const std::string& name) const { return key_->Digest64(name); }

uint64_t CanaryFlock::MarkOf(const SubjectId& subject) const {
  return Draw("mark", {subject.Prefix()});
}

void CanaryFlock::CountFollowers() {
  followers_.clear();
  for (uint32_t i = 0; i < memory_.canaries.size(); ++i) {
    followers_.emplace(memory_.canaries[i].donor, i);
  }
}

void CanaryFlock::Turn(int64_t span) {
  const int64_t spans = span - memory_.span;
  memory_.span = span;
  for (auto& [mark, activity] : memory_.cast) {
    TurnTo(spans, &activity);
  }
  for (uint32_t i = 0; i < memory_.canaries.size(); ++i) {
    TurnTo(spans, &memory_.canaries[i].activity);
    ChooseDonor(i);
  }
  CountFollowers();
  changed_ = true;
}

void CanaryFlock::ChooseDonor(uint32_t canary) {
  CanaryState& state = memory_.canaries[canary];
  std::vector<std::pair<double, uint64_t>> near;
  for (const auto& [mark, activity] : memory_.cast) {
    if (mark != state.donor) {
      near.emplace_back(CanaryDistance(state.activity, activity, memory_.span * kSpanMs), mark);
    }
  }
  if (near.empty()) {
    return;
  }
  const size_t alike = std::min(kAlike, near.size());
  std::ranges::partial_sort(near, near.begin() + static_cast<ptrdiff_t>(alike));
  const uint64_t drawn = Draw("donor", {canary, static_cast<uint64_t>(memory_.span)});
  state.donor = near[drawn % alike].second;
}

// Null: not one of those that are watched.
CanaryActivity* CanaryFlock::Watch(uint64_t mark, const VendorPolicy& policy) {
  if (const auto known = memory_.cast.find(mark); known != memory_.cast.end()) {
    return &known->second;
  }
  if (mark >= Threshold(1, memory_.cast_sparse)) {
    return nullptr;
  }
  if (memory_.cast.size() >= kMostWatched) {
    ++memory_.cast_sparse;
    std::erase_if(memory_.cast, [this](const auto& one) {
      return one.first >= Threshold(1, memory_.cast_sparse);
    });
  }
  CanaryActivity& activity = memory_.cast[mark];
  activity.first_span = memory_.span;
  if (mark < Threshold(kSubjectsOfACanary, memory_.sparse) &&
      memory_.canaries.size() < kMostCanaries && habits_.ready()) {
    GiveBirth(mark);
    // Each time that so many more are there, half as many of those to come have one.
    const size_t count = memory_.canaries.size();
    if (count >= policy.canaries && (count - policy.canaries) % ((policy.canaries + 1) / 2) == 0) {
      ++memory_.sparse;
    }
  }
  return &activity;
}

void CanaryFlock::GiveBirth(uint64_t mark) {
  CanaryState& canary = memory_.canaries.emplace_back();
  canary.donor = mark;
  canary.activity.first_span = memory_.span;
  followers_.emplace(mark, static_cast<uint32_t>(memory_.canaries.size() - 1));
  born_ = true;
}

void CanaryFlock::EmitDue(int64_t now_ms, Batch* batch) {
  while (!events_.empty() && events_.begin()->first <= now_ms) {
    batch->events.push_back(std::move(events_.begin()->second));
    events_.erase(events_.begin());
  }
  while (!updates_.empty() && updates_.begin()->first <= now_ms) {
    batch->profile_updates.push_back(std::move(updates_.begin()->second));
    updates_.erase(updates_.begin());
  }
}

}  // namespace bulkhead
