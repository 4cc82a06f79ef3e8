// Sign-ins as the audit compartment takes them from those who face the outside: entries of one form
// alone, and only so many.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "audit/audit_entry.h"
#include "base/clock.h"

namespace bulkhead {

inline constexpr std::string_view kSignInAction = "sign-in";
inline constexpr std::string_view kUnknownAccount = "unknown";

// Names that are given out look so; anything else may be a secret in the wrong field.
bool IsAccountName(std::string_view name);

// The entry with what a sign-in says and nothing else; none where it is no sign-in.
std::optional<AuditEntry> SignInEntry(const AuditEntry& asked);

// Thread-safe.
class SignInLimit {
 public:
  static constexpr size_t kMaxPerMinute = 600;  // of one door

  explicit SignInLimit(const Clock* clock) : clock_(clock) {}
  // False: too many in this minute.
  bool Take(const std::string& door);

 private:
  const Clock* clock_;
  std::mutex mutex_;
  std::map<std::string, std::pair<int64_t, size_t>> minutes_;  // which, and how many in it
};

}  // namespace bulkhead
