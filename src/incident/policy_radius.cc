#include "incident/policy_radius.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "incident/phishing_risk.h"
#include "incident/sent_class.h"

namespace bulkhead {
namespace {

constexpr uint32_t kAnyEventPoints = 10;
constexpr uint32_t kSomeEventsPoints = 5;
constexpr uint32_t kOneEventPoints = 1;
constexpr uint32_t kUnknownFieldPoints = 2;
constexpr uint32_t kTokenPoints = 1;
constexpr uint32_t kUnknownIdentityPoints = 5;
constexpr int kDaysAPoint = 30;

// What a class adds to the score of somebody who can be written to; a way to write, what it is.
uint32_t ClassPoints(const std::string& field_class) {
  const std::string reach = "user.contact.email";
  const auto score = [](const std::set<std::string>& classes) {
    return static_cast<uint32_t>(ScorePhishing(classes, {}).score);
  };
  const uint32_t alone = score({field_class});
  const uint32_t added = score({reach, field_class}) - score({reach});
  return std::max(alone, added);
}

uint32_t NamePoints(std::string_view name, FieldForm form, const ProjectPolicy& rules) {
  const std::string field_class = ClassOfSent(name, form, rules);
  return std::max(field_class.empty() ? 0 : ClassPoints(field_class), kUnknownFieldPoints);
}

// A glob can let through names that nobody has thought of: people's own words, at worst.
uint32_t GlobPoints(const VendorField& field, const ProjectPolicy& rules) {
  std::map<std::string, uint32_t> classes;
  for (const std::string& name : NamesUnder(field.property, rules)) {
    classes[ClassOfSent(name, field.form, rules)] = NamePoints(name, field.form, rules);
  }
  return std::accumulate(classes.begin(), classes.end(), ClassPoints("user.content"),
                         [](uint32_t sum, const auto& one) { return sum + one.second; });
}

uint32_t FieldPoints(const VendorField& field, const ProjectPolicy& rules) {
  if (field.form == FieldForm::kToken) {
    return kTokenPoints;
  }
  const uint32_t points = IsGlob(field.property) ? GlobPoints(field, rules)
                                                 : NamePoints(field.property, field.form, rules);
  return field.form == FieldForm::kCoarse ? (points + 1) / 2 : points;
}

uint32_t TimePoints(TimePrecision precision) {
  switch (precision) {
    case TimePrecision::kExact:
      return 12;
    case TimePrecision::kMinute:
      return 8;
    case TimePrecision::kHour:
      return 4;
    case TimePrecision::kDay:
      return 1;
  }
  return 12;
}

uint32_t EventPoints(std::string_view event) {
  if (event == "*") return kAnyEventPoints;
  return IsGlob(event) ? kSomeEventsPoints : kOneEventPoints;
}

// The strictest form of a property counts where it stands more than once in one rule; over rules,
// the one that lets most through.
void AddFields(const std::vector<VendorField>& fields, const ProjectPolicy& rules,
               VendorReach* reach) {
  std::set<std::string> seen;
  for (const VendorField& field : fields) {
    if (!seen.insert(field.property).second) continue;
    uint32_t& points =
        reach->terms[fmt::format("field {} ({})", field.property, FieldFormName(field.form))];
    points = std::max(points, FieldPoints(field, rules));
  }
}

VendorReach ReachOfVendor(const VendorPolicy& vendor, const ProjectPolicy& rules) {
  VendorReach reach;
  reach.people_parts = vendor.share.parts();
  for (const VendorEvent& event : vendor.events) {
    reach.terms["events " + event.event] = EventPoints(event.event);
    AddFields(event.fields, rules, &reach);
  }
  AddFields(vendor.profile, rules, &reach);
  for (const std::string& identity : vendor.identities) {
    const std::string field_class = ClassOfSent(identity, FieldForm::kIdentity, rules);
    reach.terms["identity " + identity] =
        std::max(field_class.empty() ? 0 : ClassPoints(field_class), kUnknownIdentityPoints);
  }
  if (!reach.terms.empty()) {
    reach.terms["time"] = TimePoints(vendor.time);
    reach.terms["epoch_days"] =
        static_cast<uint32_t>((vendor.epoch_days + kDaysAPoint - 1) / kDaysAPoint);
  }
  return reach;
}

void CheckRise(const std::string& whose, std::pair<uint32_t, uint32_t> points, uint32_t most,
               std::vector<std::string>* excesses) {
  const auto [before, after] = points;
  if (uint64_t{after} * 100 <= uint64_t{before} * (100 + uint64_t{most})) return;
  const std::string by = before == 0 ? std::string("from nothing")
                                     : fmt::format("by {}%", (after - before) * 100 / before);
  excesses->push_back(
      fmt::format("{}: {} -> {} points, a rise {}, more than {}%", whose, before, after, by, most));
}

uint32_t TermIn(const VendorReach& reach, const std::string& term) {
  const auto found = reach.terms.find(term);
  return found == reach.terms.end() ? 0 : found->second;
}

}  // namespace

uint32_t VendorReach::points() const {
  const uint32_t sum =
      std::accumulate(terms.begin(), terms.end(), 0U,
                      [](uint32_t all, const auto& one) { return all + one.second; });
  return (sum + people_parts - 1) / people_parts;
}

PolicyReach ReachOf(const Policy& policy) {
  PolicyReach reach;
  for (const auto& [name, vendor] : policy.vendors) {
    reach[name] = ReachOfVendor(vendor, policy.Of(vendor.project));
  }
  return reach;
}

uint32_t PointsOf(const PolicyReach& reach) {
  return std::accumulate(reach.begin(), reach.end(), 0U,
                         [](uint32_t sum, const auto& one) { return sum + one.second.points(); });
}

ReachComparison CompareReach(const PolicyReach& before, const PolicyReach& after,
                             const ReachBounds& bounds) {
  ReachComparison comparison{PointsOf(before), PointsOf(after), {}, {}};
  for (const auto& [vendor, reach] : after) {
    const auto found = before.find(vendor);
    const VendorReach old = found == before.end() ? VendorReach() : found->second;
    for (const auto& [term, points] : reach.terms) {
      if (points > TermIn(old, term)) {
        comparison.rises.push_back({vendor, term, TermIn(old, term), points});
      }
    }
    if (reach.people_parts < old.people_parts) {
      comparison.rises.push_back({vendor, fmt::format("share, one in {}", reach.people_parts),
                                  old.points(), reach.points()});
    }
    if (bounds.most_rise_percent) {
      CheckRise(vendor, {old.points(), reach.points()}, *bounds.most_rise_percent,
                &comparison.excesses);
    }
  }
  std::ranges::stable_sort(comparison.rises, std::greater<>(), [](const ReachRise& rise) {
    return rise.after > rise.before ? rise.after - rise.before : 0;
  });
  if (bounds.most_rise_percent) {
    CheckRise("all vendors", {comparison.before, comparison.after}, *bounds.most_rise_percent,
              &comparison.excesses);
  }
  if (bounds.most_points && comparison.after > *bounds.most_points) {
    comparison.excesses.push_back(
        fmt::format("all vendors: {} points, more than {}", comparison.after, *bounds.most_points));
  }
  return comparison;
}

}  // namespace bulkhead
