// How much harm could be done with what lies at one place, as a number: of each combination of
// fields, how many people times how convincingly each can be deceived (phishing_risk.h). It orders
// places and shows whether a change makes one worse; it is NOT calibrated on real harm, and twice
// the number is not twice the damage. docs/vendors.md, "Blast radius". Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "incident/phishing_risk.h"
#include "model/policy.h"

namespace bulkhead {

struct ExposedCombination {
  uint64_t subjects = 0;
  std::set<std::string> classes;  // Fideslang's names
};

struct BlastRadius {
  struct Line {
    uint64_t subjects = 0;
    std::set<std::string> classes;
    PhishingRisk risk;
    [[nodiscard]] uint64_t points() const { return subjects * static_cast<uint64_t>(risk.score); }
  };
  std::vector<Line> lines;  // most points first; equal classes together
  uint64_t subjects = 0;
  uint64_t points = 0;
};

BlastRadius RadiusOf(const std::vector<ExposedCombination>& combinations);

// What a vendor's policy could let through of one person, all of it together.
std::set<std::string> ClassesOf(const VendorPolicy& vendor, const ProjectPolicy& rules);
// What the identities of the vault hold of one person, at worst.
std::set<std::string> ClassesOfVault();
// What core holds of one person: the properties of events that the rules do not take away.
std::set<std::string> ClassesOfStore(const ProjectPolicy& rules);

}  // namespace bulkhead
