// How far each vendor's policy reaches, in points, from the policy alone: for a change to be held
// to a bound before it comes into force. The points are judgement, as those of phishing_risk.h from
// which they are made, and NOT calibrated; docs/vendors.md, "Blast radius", has the table. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/policy.h"

namespace bulkhead {

struct VendorReach {
  std::map<std::string, uint32_t> terms;  // such as {"field plan (plain)": 10}
  uint32_t people_parts = 1;              // it gets one part in so many of the people
  // The sum of the terms over the parts, rounded up.
  [[nodiscard]] uint32_t points() const;
};
using PolicyReach = std::map<std::string, VendorReach>;  // by vendor

PolicyReach ReachOf(const Policy& policy);
uint32_t PointsOf(const PolicyReach& reach);

struct ReachBounds {
  std::optional<uint32_t> most_rise_percent;  // of each vendor, and of all together
  std::optional<uint32_t> most_points;        // of all together
};
struct ReachRise {
  std::string vendor, term;
  uint32_t before = 0, after = 0;  // points, over all people
};
struct ReachComparison {
  uint32_t before = 0, after = 0;
  std::vector<ReachRise> rises;       // biggest first
  std::vector<std::string> excesses;  // each bound that does not hold, in words; empty: all do
};
// From nothing, any rise is beyond any bound in per cent.
ReachComparison CompareReach(const PolicyReach& before, const PolicyReach& after,
                             const ReachBounds& bounds);

}  // namespace bulkhead
