// One duty to tell of data/obligations.toml, as plain data.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "incident/calendar.h"

namespace bulkhead {

// What the operator has assessed; the program does not.
enum class Risk : unsigned char { kNotAssessed = 0, kUnlikely, kRisk, kHigh };

struct ObligationLimit {
  enum class Unit : unsigned char { kNone = 0, kHours, kDays, kBusinessDays, kMonths };

  std::vector<std::string> clocks;  // the earliest that is known counts
  std::string after;                // instead of clocks: when that other duty was fulfilled
  std::string unless_later;         // void where this clock is known and later than the limit
  Unit unit = Unit::kNone;          // none: "without undue delay"
  int count = 0;
};

struct ObligationRule {
  enum class Status : unsigned char { kInForce = 1, kPending, kProposal };

  std::string id;  // letters, digits, '-'; what `after` names
  std::string regime, article, who, whom;
  std::string wording;  // the law's own measure, such as "without undue delay"
  std::string note;
  Status status = Status::kInForce;
  std::optional<std::chrono::sys_days> from, until;  // of the day that the clock starts
  std::vector<std::string> roles;                    // ours; one of them
  // Where the persons live, or where we are established; groups are written out. Both given: one
  // of them suffices. Neither: anywhere.
  std::vector<std::string> residence, established;
  std::vector<std::string> field_sets;  // one of them; none: whatever the fields are
  Risk least_risk = Risk::kNotAssessed;
  uint64_t persons_at_least = 0;  // of those that live there
  bool unless_unintelligible = false;
  std::vector<ObligationLimit>
      limits;  // the first one's clock starts the duty; the earliest counts
};

// Each group needs one of its classes, or what lies below it in the taxonomy.
using FieldSet = std::vector<std::vector<std::string>>;

struct ObligationFile {
  std::chrono::sys_days version;
  std::vector<std::string> sources;
  std::map<std::string, std::string> clocks;  // name: what it is the time of
  std::map<std::string, std::string> roles;
  std::map<std::string, FieldSet> field_sets;
  BusinessCalendar calendar;
  std::vector<ObligationRule> rules;
};

}  // namespace bulkhead
