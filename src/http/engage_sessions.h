// Sessions of /engage: the first page fixes the question, later pages name the session. Bound to
// the caller; bounded in number and age. Thread-safe.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/caller.h"
#include "model/report.h"

namespace bulkhead {

class EngageSessions {
 public:
  static constexpr size_t kMaxSessions = 1024;
  static constexpr int64_t kMaxIdleMs = 3600 * 1000;

  // The new session's id.
  std::string Add(const Caller& caller, PeopleReport report, int64_t now_ms);
  // kInvalid: unknown, too old, or of another caller.
  Result<PeopleReport> Find(const Caller& caller, std::string_view id, int64_t now_ms);

 private:
  struct Session {
    std::string id;
    std::string account;
    ProjectId project;
    PeopleReport report;
    int64_t used_ms = 0;
  };
  std::mutex mutex_;
  std::list<Session> sessions_;  // the latest used first
};

}  // namespace bulkhead
