// What the operator knows of each vendor and the server cannot measure: contract, terms, promises,
// who reviewed it and when. Plain data, of DIR/policy/vendors.toml; and what differs between it,
// the policy and what was measured. docs/vendors.md, "The register".
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/vendor_policy.h"

namespace bulkhead {

struct VendorReview {
  std::chrono::sys_days date;
  std::string by, outcome;
};

struct VendorAnswer {
  std::string question, answer;
  std::optional<std::chrono::sys_days> date;
};

struct RegisteredVendor {
  std::string contract;  // its reference
  std::optional<std::chrono::sys_days> signed_on, ends_on;
  std::string terms;  // of data processing: where they stand
  // Globs over the fields that the terms allow; an event's name and time always are. Nothing: the
  // register does not say.
  std::optional<std::vector<std::string>> allowed_fields;
  std::optional<int> promised_hours;  // from its awareness of an incident to our being told
  std::vector<std::string> contacts, sub_processors;
  int review_days = 365;  // a review is due so long after the last
  int exit_drill_days = 365;
  std::optional<std::chrono::sys_days> exit_drill;
  std::string disclosure_record;      // a file's name
  std::vector<VendorReview> reviews;  // in order of their dates
  std::vector<VendorAnswer> answers;
};
using VendorRegister = std::map<std::string, RegisteredVendor>;

inline constexpr size_t kMaxRegisterBytes = 1024UL * 1024;

// kInvalid: every mistake (the first twenty), one per line, as "FILE:LINE: KEY: what is wrong".
// Unknown keys are mistakes. Pure; safe on arbitrary bytes.
Result<VendorRegister> ParseVendorRegister(std::string_view toml, std::string_view file);

// What a running server knows of a vendor.
struct MeasuredVendor {
  std::set<std::string> sent_fields;  // by name, over all time
  int64_t epoch_begun_ms = 0;         // 0: it has none
  bool killed = false;
  uint64_t sends = 0;
  std::map<std::string, uint64_t> common = {};  // subjects the ledger has at another vendor too
};

// One vendor, from three sides; null: that side does not know it.
struct VendorSides {
  const RegisteredVendor* registered = nullptr;
  const VendorPolicy* policy = nullptr;
  const MeasuredVendor* measured = nullptr;
  std::vector<std::string> same_people_as = {};  // by the policy (model/people_division.h)
};

std::optional<int> DaysSinceReview(const RegisteredVendor& vendor, std::chrono::sys_days today);
std::optional<int> DaysSinceExitDrill(const RegisteredVendor& vendor, std::chrono::sys_days today);

// Where a promise and a measurement differ, in words; empty: nowhere.
std::vector<std::string> RegisterFindings(const VendorSides& vendor, int64_t now_ms);

}  // namespace bulkhead
