#include "main/sign_in_recorder.h"

#include <chrono>

#include "main/sign_in_entry.h"

namespace bulkhead {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kHourMs = 60 * kMinuteMs;

}  // namespace

SignInRecorder::~SignInRecorder() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
    Write(true);
  }
}

AuditEntry SignInRecorder::EntryOf(const Key& key, std::string outcome, uint64_t count) const {
  AuditEntry entry;
  entry.actor = key.first;
  entry.action = kSignInAction;
  entry.project = key.second;
  entry.scope = parts_.door;
  entry.outcome = std::move(outcome);
  entry.count = count;
  return entry;
}

Result<void> SignInRecorder::NoteSignIn(std::string_view account, ProjectId project) {
  const Key key(IsAccountName(account) ? account : kUnknownAccount, project.value);
  {
    const std::lock_guard lock(mutex_);
    const int64_t hour = parts_.clock->NowMs() / kHourMs;
    if (hour != hour_ || signed_in_.size() >= kMaxSignedIn) {
      hour_ = hour;
      signed_in_.clear();
    }
    if (signed_in_.contains(key)) {
      return {};
    }
    if (!parts_.before_answer) {
      signed_in_.insert(key);
      to_write_.push_back(key);
      return {};
    }
  }
  const Result<uint64_t> index = parts_.append(EntryOf(key, "allowed", 1));
  if (!index) {
    return Error{ErrorCode::kUnavailable, "audit log"};
  }
  const std::lock_guard lock(mutex_);
  signed_in_.insert(key);
  return {};
}

void SignInRecorder::NoteDenial(std::string_view account, std::optional<ProjectId> project) {
  const std::lock_guard lock(mutex_);
  const uint32_t number = project ? project->value : 0;
  Key key(IsAccountName(account) ? account : kUnknownAccount, number);
  if (!denials_.contains(key) && denials_.size() >= kMaxDeniedNames) {
    key = Key(kUnknownAccount, 0);
  }
  ++denials_[key].count;
}

// The first of a minute at once, all that follow when the minute is over.
std::vector<std::pair<SignInRecorder::Key, uint64_t>> SignInRecorder::TakeDueDenials(bool all) {
  std::vector<std::pair<Key, uint64_t>> due;
  const int64_t minute = parts_.clock->NowMs() / kMinuteMs;
  for (auto at = denials_.begin(); at != denials_.end();) {
    Denials& denials = at->second;
    if (denials.written_minute == minute && !all) {
      ++at;
    } else if (denials.count > 0) {
      due.emplace_back(at->first, std::exchange(denials.count, 0));
      denials.written_minute = minute;
      ++at;
    } else {
      at = denials_.erase(at);
    }
  }
  return due;
}

void SignInRecorder::Write(bool all) {
  std::vector<Key> sign_ins;
  std::vector<std::pair<Key, uint64_t>> denials;
  {
    const std::lock_guard lock(mutex_);
    sign_ins.swap(to_write_);
    denials = TakeDueDenials(all);
  }
  // What cannot be written now waits for the next time.
  for (const Key& key : sign_ins) {
    if (!parts_.append(EntryOf(key, "allowed", 1))) {
      const std::lock_guard lock(mutex_);
      to_write_.push_back(key);
    }
  }
  for (const auto& [key, count] : denials) {
    if (!parts_.append(EntryOf(key, "denied", count))) {
      const std::lock_guard lock(mutex_);
      denials_[key].count += count;
      denials_[key].written_minute = -1;
    }
  }
}

void SignInRecorder::StartFlushing() {
  thread_ = std::thread([this] { Run(); });
}

void SignInRecorder::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    wake_.wait_for(lock, std::chrono::seconds(1), [this] { return stop_; });
    lock.unlock();
    Flush();
    lock.lock();
  }
}

Result<ProjectId> RecordedLookup::FindByServiceAccount(std::string_view username,
                                                       std::string_view secret,
                                                       std::optional<ProjectId> project) const {
  Result<ProjectId> found = lookup_->FindByServiceAccount(username, secret, project);
  if (!found) {
    recorder_->NoteDenial(username, project);
    return found;
  }
  const Result<void> noted = recorder_->NoteSignIn(username, *found);
  return noted ? found : noted.error();
}

}  // namespace bulkhead
