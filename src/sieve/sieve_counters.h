// What the sieve did not keep as it was: how often each rule hit, by project, property path and
// sending library, hour by hour; no values. Thread-safe. Kept in memory alone: intake, which
// counts, may write nothing but the log, and what is scraped from /metrics outlives a restart.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "model/ids.h"
#include "sieve/sieve.h"

namespace bulkhead {

inline constexpr size_t kSieveHours = 48;

struct SieveCount {
  ProjectId project;
  std::string rule;
  std::string path;
  std::string library;  // the sender's mp_lib, "other" if it is none that is known
  Action action = Action::kKeep;
  uint64_t count = 0;
  int64_t first_seen_ms = 0;  // since this process began
  int64_t last_seen_ms = 0;
  // Of the last kSieveHours hours; [0] = the hour of last_seen_ms, [1] the one before.
  std::array<uint32_t, kSieveHours> hours{};
};

// A property that allow-list mode dropped because nothing names it.
struct UnknownCount {
  ProjectId project;
  std::string event;  // "(profile)" for profiles
  std::string property;
  uint64_t count = 0;
  int64_t first_seen_ms = 0;
  int64_t last_seen_ms = 0;
};

// The first hit of one rule on one path of one library, in one project.
struct FirstHit {
  ProjectId project;
  std::string rule;
  std::string path;
  std::string library;
  Action action = Action::kKeep;
  int64_t time_ms = 0;
};

// From whom and when findings came.
struct FindingSource {
  ProjectId project;
  std::string_view library;
  int64_t time_ms = 0;
};

class SieveCounters {
 public:
  // Bounded, because paths and libraries come from outside: past this every new key counts as
  // "other".
  static constexpr size_t kMaxKeys = 4096;
  static constexpr size_t kMaxUnknown = 4096;

  // Called without a lock, on the thread that counts: it must not wait. May be empty.
  using OnFirstHit = std::function<void(const FirstHit&)>;
  explicit SieveCounters(OnFirstHit on_first_hit = {}) : on_first_hit_(std::move(on_first_hit)) {}

  void Add(const std::vector<Finding>& findings, const FindingSource& source);
  // One event's or profile's findings of kUnknownPropertyRule, beside Add. `event` is clean.
  void AddUnknown(std::span<const Finding> findings, std::string_view event,
                  const FindingSource& source);

  // Ordered by project, rule, path, library.
  [[nodiscard]] std::vector<SieveCount> Snapshot() const;
  [[nodiscard]] std::vector<UnknownCount> UnknownSnapshot() const;

 private:
  using Key = std::tuple<ProjectId, std::string, std::string, std::string, Action>;
  struct Tally {
    uint64_t count = 0;
    int64_t first_seen_ms = 0;
    int64_t last_seen_ms = 0;
    std::array<uint32_t, kSieveHours> hours{};  // by hour modulo kSieveHours
    void Note(int64_t time_ms);
  };
  using UnknownKey = std::tuple<ProjectId, std::string, std::string>;
  struct UnknownTally {
    uint64_t count = 0;
    int64_t first_seen_ms = 0;
    int64_t last_seen_ms = 0;
  };

  OnFirstHit on_first_hit_;
  mutable std::mutex mutex_;
  std::map<Key, Tally> counts_;
  std::map<UnknownKey, UnknownTally> unknown_;
};

}  // namespace bulkhead
