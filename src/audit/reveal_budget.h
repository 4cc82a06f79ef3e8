// How many distinct subjects an account may be shown in a day. What was used is what the audit log
// says: it is computed from the log at the start, so that neither a restart nor an older copy of
// any other file gives anything back.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "audit/audit_log.h"
#include "base/clock.h"
#include "base/result.h"

namespace bulkhead {

// Distinct subjects in a day (UTC). Nobody is shown anything unless a limit says so.
struct BudgetLimits {
  uint64_t organisation = 0;                 // all accounts together
  uint64_t actor = 0;                        // each account
  std::map<std::string, uint64_t> actors;    // instead, for these accounts
  std::map<std::string, uint64_t> purposes;  // each account for this purpose, within its own limit
};

struct BudgetCharge {
  AuditReceipt receipt;
  uint64_t left = 0;  // of what the account may still see this day for this purpose
};

// Thread-safe. One process at a time may charge.
class RevealBudget {
 public:
  // Reads this day's entries. An entry that was charged and whose set was thrown away counts in
  // full. Any error: nothing may be revealed. `log` and `clock` outlive this object.
  static Result<std::unique_ptr<RevealBudget>> Open(AuditLog* log, BudgetLimits limits,
                                                    const Clock* clock = &SystemClock());

  // Charges the entry's subjects to its actor and purpose, each subject once an actor and day, and
  // appends it with outcome "allowed" and what is left. kLimit: there was not enough left for all
  // of them, nothing was charged, and the denial is in the log (without the subjects). Any other
  // error: it could not be recorded, and what was charged stays charged until the log is read
  // again. Only after a value the subjects may be shown.
  Result<BudgetCharge> Charge(AuditEntry entry);

  [[nodiscard]] uint64_t Left(const std::string& actor, const std::string& purpose);
  void SetLimits(BudgetLimits limits);

 private:
  // Of one actor, of one actor and purpose, or of all.
  struct Used {
    boost::unordered_flat_set<SubjectHandle, SubjectHandleHash> handles;
    uint64_t unknown = 0;  // subjects of sets that are gone
    [[nodiscard]] uint64_t count() const { return handles.size() + unknown; }
  };
  struct Account {
    Used* used = nullptr;
    uint64_t limit = 0;
  };
  using Key = std::pair<std::string, std::string>;  // actor and purpose; both empty: everybody

  RevealBudget(AuditLog* log, BudgetLimits limits, const Clock* clock);
  Result<void> Load();
  Result<void> Take(const AuditRecord& record);
  void StartDay(int64_t ts_ms);
  std::vector<Account> AccountsOf(const std::string& actor, const std::string& purpose);
  static uint64_t LeftOf(const std::vector<Account>& accounts);
  struct Reservation {
    bool is_allowed = false;
    uint64_t left = 0;
    int64_t day = 0;
  };
  Reservation Reserve(const AuditEntry& entry);

  AuditLog& log_;
  const Clock& clock_;
  std::mutex mutex_;
  BudgetLimits limits_;
  int64_t day_ = INT64_MIN;
  std::map<Key, Used> used_;
};

}  // namespace bulkhead
