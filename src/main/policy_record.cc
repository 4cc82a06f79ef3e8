#include "main/policy_record.h"

#include <algorithm>

#include "sieve/policy_holder.h"

namespace bulkhead {
namespace {

constexpr int64_t kHourMs = 3'600'000;
constexpr std::string_view kActor = "policy file";
constexpr std::string_view kShownName = "policy.toml";

// An entry holds printable text without '@' (audit/audit_entry.h), and of this one line.
std::string FirstMistake(std::string_view mistakes) {
  constexpr size_t kMostBytes = 300;
  std::string text(mistakes.substr(0, std::min(mistakes.find('\n'), kMostBytes)));
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < ' ' || c > '~' || c == '@'; }, '?');
  return text;
}

AuditEntry EntryOf(std::string outcome, std::string scope) {
  AuditEntry entry;
  entry.actor = kActor;
  entry.action = kPolicyChangeAction;
  entry.outcome = std::move(outcome);
  entry.scope = std::move(scope);
  return entry;
}

}  // namespace

Result<void> PolicyRecord::Count() {
  const int64_t now = parts_.clock->NowMs();
  while (!changes_ms_.empty() && changes_ms_.front() <= now - kHourMs) {
    changes_ms_.pop_front();
  }
  if (changes_ms_.size() >= kMaxChangesPerHour) {
    return Error{ErrorCode::kLimit, "the policy has changed too often in the last hour"};
  }
  changes_ms_.push_back(now);
  return {};
}

// Its number where it is in force already, else 0: the answer to an earlier call may be lost.
Result<uint32_t> PolicyRecord::InForce(std::string_view version) const {
  const Result<std::vector<PolicyVersion>> index = ReadPolicyIndex(*parts_.fs, versions_dir_);
  if (!index) {
    return index.error();
  }
  const bool same = !index->empty() && index->back().hash == version;
  return same ? index->back().number : 0;
}

Result<uint32_t> PolicyRecord::Accept(std::string_view version) {
  const std::lock_guard lock(mutex_);
  const Result<uint32_t> already = InForce(version);
  if (!already || *already != 0) {
    return already;
  }
  if (Result<void> counted = Count(); !counted) {
    return counted.error();
  }
  const Result<LoadedPolicy> loaded = LoadPolicyFile(*parts_.fs, file_, kShownName);
  if (!loaded) {
    return loaded.error();
  }
  if (loaded->hash != version) {
    return Error{ErrorCode::kUnavailable, "policy.toml has changed meanwhile"};
  }
  return versions_.Accept(loaded->canonical_text, loaded->hash, [&](uint32_t number) {
    AuditEntry entry = EntryOf("allowed", "version " + loaded->hash);
    entry.policy = std::to_string(number);
    return parts_.append(entry);
  });
}

Result<void> PolicyRecord::Refuse() {
  const std::lock_guard lock(mutex_);
  if (Result<void> counted = Count(); !counted) {
    return counted;
  }
  const Result<LoadedPolicy> loaded = LoadPolicyFile(*parts_.fs, file_, kShownName);
  if (loaded) {
    return Error{ErrorCode::kUnavailable, "policy.toml has changed meanwhile"};
  }
  return parts_.append(EntryOf("denied", FirstMistake(loaded.error().message)));
}

}  // namespace bulkhead
