#include "incident/vendor_register.h"

#include <fmt/format.h>

#include <algorithm>

#include "egress/message_batch.h"
#include "model/policy.h"

namespace bulkhead {
namespace {

using std::chrono::sys_days;

constexpr int64_t kDayMs = 86'400'000;

int DaysBetween(sys_days from, sys_days to) { return static_cast<int>((to - from).count()); }

std::string TextOf(sys_days day) {
  const std::chrono::year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

bool IsAllowed(const std::string& field, const std::vector<std::string>& allowed) {
  return field == kSentEventName || field == kSentTime ||
         std::ranges::any_of(allowed,
                             [&](const std::string& glob) { return MatchesGlob(glob, field); });
}

void AddDates(const RegisteredVendor& vendor, sys_days today, std::vector<std::string>* findings) {
  if (vendor.ends_on && *vendor.ends_on < today) {
    findings->push_back(fmt::format("the contract ended on {}", TextOf(*vendor.ends_on)));
  }
  if (const auto days = DaysSinceReview(vendor, today); !days) {
    findings->push_back("it was never reviewed");
  } else if (*days > vendor.review_days) {
    findings->push_back(fmt::format("the last review was {} days ago, one is due after {}", *days,
                                    vendor.review_days));
  }
  if (const auto days = DaysSinceExitDrill(vendor, today); !days) {
    findings->push_back("leaving it was never tried out");
  } else if (*days > vendor.exit_drill_days) {
    findings->push_back(fmt::format("the last exit drill was {} days ago, one is due after {}",
                                    *days, vendor.exit_drill_days));
  }
  if (!vendor.promised_hours) {
    findings->push_back("it promises no time within which it tells of an incident");
  }
}

void AddFields(const VendorSides& vendor, std::vector<std::string>* findings) {
  if (!vendor.registered->allowed_fields) {
    findings->push_back("the register does not say which fields its terms allow");
    return;
  }
  for (const std::string& field : vendor.measured->sent_fields) {
    if (!IsAllowed(field, *vendor.registered->allowed_fields)) {
      findings->push_back(fmt::format("\"{}\" was sent and is not in its terms", field));
    }
  }
}

// Who can be joined with whom, by the policy and by what was sent.
void AddJoins(const VendorSides& vendor, std::vector<std::string>* findings) {
  std::map<std::string, uint64_t> measured;
  if (vendor.measured != nullptr) measured = vendor.measured->common;
  for (const std::string& name : vendor.same_people_as) {
    findings->push_back(
        fmt::format("gets people that {} gets too: what they do joins the two; {} subjects are in "
                    "the ledger of both",
                    name, measured[name]));
    measured.erase(name);
  }
  for (const auto& [name, subjects] : measured) {
    if (subjects != 0) {
      findings->push_back(fmt::format("{} of its subjects were sent to {} too", subjects, name));
    }
  }
}

}  // namespace

std::optional<int> DaysSinceReview(const RegisteredVendor& vendor, sys_days today) {
  if (vendor.reviews.empty()) return std::nullopt;
  return DaysBetween(vendor.reviews.back().date, today);
}

std::optional<int> DaysSinceExitDrill(const RegisteredVendor& vendor, sys_days today) {
  if (!vendor.exit_drill) return std::nullopt;
  return DaysBetween(*vendor.exit_drill, today);
}

std::vector<std::string> RegisterFindings(const VendorSides& vendor, int64_t now_ms) {
  std::vector<std::string> findings;
  const sys_days today{std::chrono::days(now_ms / kDayMs)};
  if (vendor.registered == nullptr) {
    findings.emplace_back("the register does not know it");
  } else {
    AddDates(*vendor.registered, today, &findings);
  }
  if (vendor.policy == nullptr) {
    findings.emplace_back(vendor.measured != nullptr && vendor.measured->sends > 0
                              ? "the policy in force does not name it; it has what it was sent"
                              : "the policy in force does not name it");
  }
  if (vendor.registered != nullptr && vendor.measured != nullptr) {
    AddFields(vendor, &findings);
  }
  AddJoins(vendor, &findings);
  if (vendor.policy != nullptr && vendor.measured != nullptr &&
      vendor.measured->epoch_begun_ms != 0) {
    const int64_t days = (now_ms - vendor.measured->epoch_begun_ms) / kDayMs;
    if (days > vendor.policy->epoch_days) {
      findings.push_back(fmt::format("its epoch is {} days old, and the policy says {}", days,
                                     vendor.policy->epoch_days));
    }
  }
  return findings;
}

}  // namespace bulkhead
