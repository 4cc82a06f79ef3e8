#include "sieve/policy_holder.h"

#include <chrono>
#include <optional>
#include <utility>

#include "sieve/policy_parser.h"
#include "sieve/policy_text.h"
#include "sieve/policy_trial.h"
#include "sieve/policy_versions.h"

namespace bulkhead {
namespace {

constexpr const char* kPolicyName = "policy.toml";
constexpr const char* kCandidateName = "candidate.toml";

uint64_t NextHolder() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1);
}

// One byte more than a policy may have, so that a longer file is seen to be one.
Result<std::string> ReadBounded(FileSystem& fs, const std::string& path) {
  const Result<std::unique_ptr<ReadFile>> file = fs.OpenRead(path);
  if (!file) return file.error();
  return (*file)->ReadAt(0, kMaxPolicyBytes + 1);
}

}  // namespace

Result<LoadedPolicy> LoadPolicy(std::string_view toml, std::string_view file) {
  Result<Policy> policy = ParsePolicy(toml, file);
  if (!policy) return policy.error();
  LoadedPolicy loaded;
  loaded.policy = *std::move(policy);
  loaded.canonical_text = CanonicalPolicyText(loaded.policy);
  if (loaded.canonical_text.size() > kMaxPolicyBytes) {
    return Error{ErrorCode::kInvalid, std::string(file) + ":1: larger than " +
                                          std::to_string(kMaxPolicyBytes) +
                                          " bytes when written out in full"};
  }
  loaded.hash = PolicyHash(loaded.canonical_text);
  return loaded;
}

Result<LoadedPolicy> LoadPolicyFile(FileSystem& fs, const std::string& path,
                                    std::string_view shown_name) {
  const Result<std::string> bytes = ReadBounded(fs, path);
  if (!bytes) return bytes.error();
  return LoadPolicy(*bytes, shown_name);
}

PolicyHolder::PolicyHolder(PolicyHolderOptions options)
    : options_(std::move(options)), id_(NextHolder()) {
  snapshot_.policy = std::make_shared<const CompiledPolicy>();
}

PolicyHolder::~PolicyHolder() {
  {
    const std::lock_guard lock(watch_mutex_);
    stop_ = true;
  }
  watch_stop_.notify_all();
  if (watcher_.joinable()) watcher_.join();
}

Result<std::unique_ptr<PolicyHolder>> PolicyHolder::Open(PolicyHolderOptions options) {
  if (options.fs == nullptr || !options.record || options.trial_every == 0) {
    return Error{ErrorCode::kBug, "the policy was opened without one of its parts"};
  }
  std::unique_ptr<PolicyHolder> holder(new PolicyHolder(std::move(options)));
  const Result<void> last = holder->LoadLastInForce();
  const Result<void> taken = holder->Reload(holder->options_.who);
  // A last version that cannot be read is made up for by a file that can.
  if (!last && !(taken && holder->Current()->version() != 0)) return last.error();
  if (!taken && holder->Current()->version() == 0) return taken.error();
  return holder;
}

Result<void> PolicyHolder::LoadLastInForce() {
  Result<std::optional<PolicyInForce>> last =
      ReadPolicyInForce(*options_.fs, options_.dir + "/versions");
  if (!last) return last.error();
  if (!*last) return {};
  Publish(std::make_shared<const CompiledPolicy>(std::move((*last)->policy),
                                                 (*last)->version.number, (*last)->version.hash),
          nullptr);
  return {};
}

const PolicyHolder::Snapshot& PolicyHolder::Seen() const {
  struct Cached {
    uint64_t holder = 0;
    uint64_t generation = 0;
    Snapshot snapshot;
  };
  thread_local Cached cached;
  if (cached.holder != id_ || cached.generation != generation_.load(std::memory_order_acquire)) {
    const std::lock_guard lock(mutex_);
    cached = {id_, generation_.load(std::memory_order_relaxed), snapshot_};
  }
  return cached.snapshot;
}

std::shared_ptr<const CompiledPolicy> PolicyHolder::Current() const { return Seen().policy; }
std::shared_ptr<PolicyTrial> PolicyHolder::Trial() const { return Seen().trial; }

void PolicyHolder::Publish(std::shared_ptr<const CompiledPolicy> policy,
                           std::shared_ptr<PolicyTrial> trial) {
  const std::lock_guard lock(mutex_);
  status_.version = policy->version();
  status_.hash = policy->hash();
  snapshot_ = {std::move(policy), std::move(trial)};
  generation_.fetch_add(1, std::memory_order_release);
}

PolicyStatus PolicyHolder::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

Result<void> PolicyHolder::Reload(const std::string& who) {
  const std::lock_guard lock(reload_mutex_);
  Result<void> taken = TakePolicy(who);
  TakeCandidate();
  const std::lock_guard status_lock(mutex_);
  status_.trouble = taken ? std::string() : taken.error().message;
  return taken;
}

Result<void> PolicyHolder::TakePolicy(const std::string& who) {
  const std::string path = options_.dir + "/" + kPolicyName;
  if (!options_.fs->Exists(path)) {
    file_seen_ = false;
    if (Current()->version() == 0) return {};
    return Error{
        ErrorCode::kNotFound,
        "policy.toml is gone; version " + std::to_string(Current()->version()) + " stays in force"};
  }
  Result<std::string> bytes = ReadBounded(*options_.fs, path);
  if (!bytes) return bytes.error();
  if (file_seen_ && *bytes == file_bytes_) return file_outcome_;
  Result<LoadedPolicy> loaded = LoadPolicy(*bytes, kPolicyName);
  Result<void> outcome =
      loaded ? Accept(who, *std::move(loaded)) : Refuse(who, std::move(loaded).error());
  // What could not be recorded is tried again at the next look.
  file_seen_ = outcome || outcome.error().code == ErrorCode::kInvalid;
  file_bytes_ = *std::move(bytes);
  file_outcome_ = outcome;
  return outcome;
}

Result<void> PolicyHolder::Refuse(const std::string& who, Error error) {
  const std::shared_ptr<const CompiledPolicy> now = Current();
  PolicyChange change;
  change.who = who;
  change.old_version = now->version();
  change.old_hash = now->hash();
  change.refusal = error.message;
  // Nothing happens that would have to be on record first.
  (void)options_.record(change).has_value();
  const std::lock_guard lock(mutex_);
  ++status_.refused;
  return error;
}

Result<void> PolicyHolder::Accept(const std::string& who, LoadedPolicy loaded) {
  const std::shared_ptr<const CompiledPolicy> now = Current();
  if (loaded.hash == now->hash()) return {};
  PolicyChange change;
  change.who = who;
  change.old_version = now->version();
  change.old_hash = now->hash();
  change.new_hash = loaded.hash;
  change.canonical_text = loaded.canonical_text;
  const Result<uint32_t> number = options_.record(change);
  if (!number) {
    return Error{
        ErrorCode::kUnavailable,
        "policy.toml is not in force: the change could not be recorded: " + number.error().message};
  }
  Publish(std::make_shared<const CompiledPolicy>(std::move(loaded.policy), *number, loaded.hash),
          Trial());
  const std::lock_guard lock(mutex_);
  ++status_.accepted;
  return {};
}

void PolicyHolder::TakeCandidate() {
  if (options_.sieve == nullptr) return;
  const std::string path = options_.dir + "/" + kCandidateName;
  const bool there = options_.fs->Exists(path);
  Result<std::string> bytes =
      there ? ReadBounded(*options_.fs, path) : Result<std::string>(std::string());
  if (!bytes || (there == candidate_seen_ && *bytes == candidate_bytes_)) return;
  candidate_seen_ = there;
  candidate_bytes_ = *bytes;
  std::string trouble;
  std::shared_ptr<PolicyTrial> trial;
  if (there) {
    Result<LoadedPolicy> loaded = LoadPolicy(*bytes, kCandidateName);
    if (loaded) {
      auto compiled = std::make_shared<const CompiledPolicy>(std::move(loaded->policy), 0,
                                                             std::move(loaded->hash));
      trial =
          std::make_shared<PolicyTrial>(options_.sieve, std::move(compiled), options_.trial_every);
    } else {
      trouble = loaded.error().message;
    }
  }
  Publish(Current(), std::move(trial));
  const std::lock_guard lock(mutex_);
  status_.candidate_trouble = std::move(trouble);
}

void PolicyHolder::StartWatching(int64_t interval_ms) {
  watcher_ = std::thread([this, interval_ms] { Watch(interval_ms); });
}

void PolicyHolder::Watch(int64_t interval_ms) {
  std::unique_lock lock(watch_mutex_);
  while (!stop_) {
    watch_stop_.wait_for(lock, std::chrono::milliseconds(interval_ms));
    if (stop_) return;
    lock.unlock();
    // The outcome is in the status.
    (void)Reload(options_.who).has_value();
    lock.lock();
  }
}

}  // namespace bulkhead
