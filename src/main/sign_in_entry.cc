#include "main/sign_in_entry.h"

#include <algorithm>

#include "main/operator_account.h"

namespace bulkhead {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr std::string_view kAccountPrefix = "bulkhead.";
constexpr size_t kMaxNameBytes = 100;

}  // namespace

bool IsAccountName(std::string_view name) {
  return name.size() <= kMaxNameBytes &&
         (name.starts_with(kAccountPrefix) || name.starts_with(kOperatorPrefix)) &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
                  c == '_';
         });
}

std::optional<AuditEntry> SignInEntry(const AuditEntry& asked) {
  const bool named = IsAccountName(asked.actor) || asked.actor == kUnknownAccount;
  const bool known_outcome = asked.outcome == "allowed" || asked.outcome == "denied";
  const bool known_door = asked.scope == "queries" || asked.scope == "import";
  if (asked.action != kSignInAction || !named || !known_outcome || !known_door) {
    return std::nullopt;
  }
  AuditEntry entry;
  entry.actor = asked.actor;
  entry.action = kSignInAction;
  entry.project = asked.project;
  entry.scope = asked.scope;
  entry.outcome = asked.outcome;
  entry.count = asked.count;
  return entry;
}

bool SignInLimit::Take(const std::string& door) {
  const std::lock_guard lock(mutex_);
  auto& [minute, count] = minutes_[door];
  const int64_t now = clock_->NowMs() / kMinuteMs;
  if (now != minute) {
    minute = now;
    count = 0;
  }
  return ++count <= kMaxPerMinute;
}

}  // namespace bulkhead
