#include "http/engage_sessions.h"

#include <algorithm>
#include <random>
#include <utility>

namespace bulkhead {

std::string EngageSessions::Add(const Caller& caller, PeopleReport report, int64_t now_ms) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::random_device random;
  std::string id = std::to_string(now_ms / 1000) + "-";
  for (int i = 0; i < 16; ++i) {
    id += kLetters[random() % kLetters.size()];
  }
  const std::lock_guard lock(mutex_);
  sessions_.push_front(Session{id, caller.account, caller.project, std::move(report), now_ms});
  if (sessions_.size() > kMaxSessions) {
    sessions_.pop_back();
  }
  return id;
}

Result<PeopleReport> EngageSessions::Find(const Caller& caller, std::string_view id,
                                          int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(sessions_.begin(), sessions_.end(), [&](const Session& session) {
    return session.id == id && session.account == caller.account &&
           session.project == caller.project && now_ms - session.used_ms <= kMaxIdleMs;
  });
  if (found == sessions_.end()) {
    return Error{ErrorCode::kInvalid, "session_id: is unknown or too old"};
  }
  found->used_ms = now_ms;
  sessions_.splice(sessions_.begin(), sessions_, found);
  return sessions_.front().report;
}

}  // namespace bulkhead
