#include "audit/reveal_budget.h"

#include <algorithm>
#include <optional>

namespace bulkhead {
namespace {

constexpr int64_t kDayMs = 24LL * 3600 * 1000;
constexpr std::string_view kAllowed = "allowed";
constexpr std::string_view kDenied = "denied";
constexpr std::string_view kChargedMark = ",\"budget_left\":";

int64_t DayOf(int64_t ts_ms) { return ts_ms / kDayMs; }

}  // namespace

RevealBudget::RevealBudget(AuditLog* log, BudgetLimits limits, const Clock* clock)
    : log_(*log), clock_(*clock), limits_(std::move(limits)) {}

Result<std::unique_ptr<RevealBudget>> RevealBudget::Open(AuditLog* log, BudgetLimits limits,
                                                         const Clock* clock) {
  std::unique_ptr<RevealBudget> budget(new RevealBudget(log, std::move(limits), clock));
  if (Result<void> loaded = budget->Load(); !loaded) {
    return loaded.error();
  }
  return budget;
}

// A new day clears everything; an earlier one is the clock going back and changes nothing.
void RevealBudget::StartDay(int64_t ts_ms) {
  if (DayOf(ts_ms) > day_) {
    day_ = DayOf(ts_ms);
    used_.clear();
  }
}

Result<void> RevealBudget::Load() {
  Result<AuditReader> log = log_.Read();
  if (!log) {
    return log.error();
  }
  StartDay(clock_.NowMs());
  if (log->size() > 0) {
    const Result<AuditRecord> last = log->Record(log->size() - 1);
    if (!last) {
      return last.error();
    }
    StartDay(last->ts_ms);
  }
  const Result<uint64_t> first = log->FirstAtOrAfter(day_ * kDayMs);
  if (!first) {
    return first.error();
  }
  return log->ForEach(*first, log->size(),
                      [&](uint64_t index, std::string_view bytes) -> Result<bool> {
                        if (bytes.find(kChargedMark) == std::string_view::npos) {
                          return true;
                        }
                        const std::optional<AuditRecord> record = ReadAuditRecord(bytes);
                        if (!record || record->index != index) {
                          return Error{ErrorCode::kCorruption,
                                       "entry " + std::to_string(index) + " is not an audit entry"};
                        }
                        Result<void> taken = Take(*record);
                        return taken ? Result<bool>(true) : taken.error();
                      });
}

Result<void> RevealBudget::Take(const AuditRecord& record) {
  if (!record.entry.budget_left || record.entry.outcome != kAllowed || !record.set) {
    return {};
  }
  const Result<std::vector<SubjectHandle>> handles = log_.SetOf(record);
  if (!handles && handles.error().code != ErrorCode::kNotFound) {
    return handles.error();
  }
  for (const Account& account : AccountsOf(record.entry.actor, record.entry.purpose)) {
    if (handles) {
      account.used->handles.insert(handles->begin(), handles->end());
    } else {
      account.used->unknown += record.set->count;
    }
  }
  return {};
}

std::vector<RevealBudget::Account> RevealBudget::AccountsOf(const std::string& actor,
                                                            const std::string& purpose) {
  const auto own = limits_.actors.find(actor);
  std::vector<Account> accounts{
      {&used_[Key{}], limits_.organisation},
      {&used_[Key{actor, ""}], own == limits_.actors.end() ? limits_.actor : own->second}};
  if (!purpose.empty()) {  // counted without a limit too: one may be set later in the day
    const auto limit = limits_.purposes.find(purpose);
    accounts.push_back({&used_[Key{actor, purpose}],
                        limit == limits_.purposes.end() ? UINT64_MAX : limit->second});
  }
  return accounts;
}

uint64_t RevealBudget::LeftOf(const std::vector<Account>& accounts) {
  uint64_t left = UINT64_MAX;
  for (const Account& account : accounts) {
    const uint64_t used = account.used->count();
    left = std::min(left, account.limit > used ? account.limit - used : 0);
  }
  return left;
}

// Charges all or nothing. Handles are made for those only who will be shown.
RevealBudget::Reservation RevealBudget::Reserve(const AuditEntry& entry) {
  const std::lock_guard lock(mutex_);
  StartDay(clock_.NowMs());
  const std::vector<Account> accounts = AccountsOf(entry.actor, entry.purpose);
  const std::vector<std::optional<SubjectHandle>> known = log_.KnownHandlesOf(entry.subjects);
  for (const Account& account : accounts) {
    const auto is_new = [&](const std::optional<SubjectHandle>& handle) {
      return !handle || !account.used->handles.contains(*handle);
    };
    const auto more = static_cast<uint64_t>(std::count_if(known.begin(), known.end(), is_new));
    if (more > 0 && account.used->count() + more > account.limit) {
      return {false, LeftOf(accounts), day_};
    }
  }
  const std::vector<SubjectHandle> handles = log_.HandlesOf(entry.subjects);
  for (const Account& account : accounts) {
    account.used->handles.insert(handles.begin(), handles.end());
  }
  return {true, LeftOf(accounts), day_};
}

Result<BudgetCharge> RevealBudget::Charge(AuditEntry entry) {
  std::sort(entry.subjects.begin(), entry.subjects.end());
  entry.subjects.erase(std::unique(entry.subjects.begin(), entry.subjects.end()),
                       entry.subjects.end());
  const Reservation reservation = Reserve(entry);
  entry.outcome = reservation.is_allowed ? kAllowed : kDenied;
  entry.budget_left = reservation.left;
  if (!reservation.is_allowed) {
    entry.count = entry.subjects.size();
    entry.subjects.clear();
  }
  const Result<AuditReceipt> receipt = log_.Append(entry);
  if (!receipt) {
    return receipt.error();
  }
  if (!reservation.is_allowed) {
    return Error{ErrorCode::kLimit, "the day's budget of subjects has " +
                                        std::to_string(reservation.left) +
                                        " left, and this needs more"};
  }
  // An entry that was written behind midnight counts on the day that it says.
  const std::lock_guard lock(mutex_);
  StartDay(receipt->ts_ms);
  if (DayOf(receipt->ts_ms) != reservation.day) {
    const std::vector<SubjectHandle> handles = log_.HandlesOf(entry.subjects);
    for (const Account& account : AccountsOf(entry.actor, entry.purpose)) {
      account.used->handles.insert(handles.begin(), handles.end());
    }
  }
  return BudgetCharge{*receipt, reservation.left};
}

uint64_t RevealBudget::Left(const std::string& actor, const std::string& purpose) {
  const std::lock_guard lock(mutex_);
  StartDay(clock_.NowMs());
  return LeftOf(AccountsOf(actor, purpose));
}

void RevealBudget::SetLimits(BudgetLimits limits) {
  const std::lock_guard lock(mutex_);
  limits_ = std::move(limits);
}

}  // namespace bulkhead
