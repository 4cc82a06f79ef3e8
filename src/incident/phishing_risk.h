// How convincingly a person can be deceived with what was exposed of them: an order in which to
// tell people, riskiest first, and nothing more. The points are judgement, tried on made-up cases
// and NOT calibrated on real fraud; a score of 60 is no probability. Pure.
//
//   score = (reach + credibility) x privilege, at most 100
//   reach        the best way to write to them: e-mail 30, telephone 25
//   credibility  what makes a lie believable: the table in phishing_risk.cc
//   privilege    what a deceived account opens: organisation's admin x1.5, API key x1.4, no second
//                factor x1.3
// Without reach nobody can be written to: at most 5, whatever else is known.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"

namespace bulkhead {

struct Privileges {
  bool organisation_admin = false;
  bool owns_api_key = false;
  bool no_second_factor = false;
};

enum class RiskBand : unsigned char { kNegligible = 0, kLow, kRaised, kTop };
std::string_view RiskBandName(RiskBand band);
RiskBand BandOf(int score);  // below 10, below 40, below 70, above

struct PhishingRisk {
  int score = 0;  // 0 to 100
  RiskBand band = RiskBand::kNegligible;
  std::string arithmetic;  // "(30 e-mail + 15 name) x 1.5 admin = 67"
};
// `classes`: of the exposed fields, Fideslang's names; such as lie below a class of the table count
// as that.
PhishingRisk ScorePhishing(const std::set<std::string>& classes, const Privileges& privileges);

struct RatedSubject {
  SubjectId subject;
  int score = 0;
};
// Riskiest first; equal ones in the order of their ids, so that every run gives the same.
void OrderForNotice(std::span<RatedSubject> subjects);

}  // namespace bulkhead
