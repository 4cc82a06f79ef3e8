#include "incident/phishing_risk.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace bulkhead {
namespace {

struct Factor {
  std::string_view name;
  int points;
  std::vector<std::string_view> classes;
};

const std::vector<Factor>& Reach() {
  static const std::vector<Factor> kReach = {
      {"e-mail", 30, {"user.contact.email"}},
      {"telephone", 25, {"user.contact.phone_number"}},
  };
  return kReach;
}

const std::vector<Factor>& Credibility() {
  static const std::vector<Factor> kCredibility = {
      {"name", 15, {"user.name"}},
      {"organisation", 15, {"user.professional_information"}},
      {"product used", 10, {"user.account", "user.settings"}},
      {"exact place", 8, {"user.location.precise", "user.contact.address"}},
      {"device", 5, {"user.device"}},
      {"last action", 12, {"user.behavior", "user.social_activity"}},
      {"own words", 25, {"user.content"}},
      {"billing", 15, {"user.financial", "user.payment"}},
  };
  return kCredibility;
}

constexpr int kWithoutReach = 5;
constexpr int kMaxScore = 100;

bool IsExposed(const Factor& factor, const std::set<std::string>& classes) {
  return std::ranges::any_of(factor.classes, [&](std::string_view wanted) {
    return std::ranges::any_of(classes, [&](const std::string& one) {
      return one.starts_with(wanted) && (one.size() == wanted.size() || one[wanted.size()] == '.');
    });
  });
}

}  // namespace

std::string_view RiskBandName(RiskBand band) {
  switch (band) {
    case RiskBand::kNegligible:
      return "negligible";
    case RiskBand::kLow:
      return "low";
    case RiskBand::kRaised:
      return "raised";
    case RiskBand::kTop:
      return "top";
  }
  return "";
}

RiskBand BandOf(int score) {
  if (score < 10) return RiskBand::kNegligible;
  if (score < 40) return RiskBand::kLow;
  return score < 70 ? RiskBand::kRaised : RiskBand::kTop;
}

PhishingRisk ScorePhishing(const std::set<std::string>& classes, const Privileges& privileges) {
  int sum = 0;
  bool reachable = false;
  std::string terms;
  const auto add = [&](const Factor& factor) {
    sum += factor.points;
    terms += fmt::format("{}{} {}", terms.empty() ? "" : " + ", factor.points, factor.name);
  };
  for (const Factor& factor : Reach()) {
    if (reachable || !IsExposed(factor, classes)) continue;
    reachable = true;
    add(factor);
  }
  for (const Factor& factor : Credibility()) {
    if (IsExposed(factor, classes)) add(factor);
  }
  PhishingRisk risk;
  if (!reachable) {
    risk.score = std::min(sum, kWithoutReach);
    risk.arithmetic = fmt::format("({}), no way to write to them: {}, at most {}",
                                  terms.empty() ? "0" : terms, risk.score, kWithoutReach);
  } else {
    // In thousandths, so that the same inputs give the same score everywhere.
    int64_t thousandths = sum * int64_t{1000};
    risk.arithmetic = "(" + terms + ")";
    for (const auto& [held, tenths, name] :
         {std::tuple{privileges.organisation_admin, 15, "admin"},
          std::tuple{privileges.owns_api_key, 14, "API key"},
          std::tuple{privileges.no_second_factor, 13, "no second factor"}}) {
      if (!held) continue;
      thousandths = thousandths * tenths / 10;
      risk.arithmetic += fmt::format(" x {}.{} {}", tenths / 10, tenths % 10, name);
    }
    risk.score = static_cast<int>(std::min<int64_t>(thousandths / 1000, kMaxScore));
    risk.arithmetic += fmt::format(" = {}", risk.score);
  }
  risk.band = BandOf(risk.score);
  return risk;
}

void OrderForNotice(std::span<RatedSubject> subjects) {
  std::ranges::sort(subjects, [](const RatedSubject& a, const RatedSubject& b) {
    return a.score != b.score ? a.score > b.score : a.subject < b.subject;
  });
}

}  // namespace bulkhead
