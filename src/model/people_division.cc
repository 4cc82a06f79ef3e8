#include "model/people_division.h"

#include <map>
#include <string>

namespace bulkhead {
namespace {

using Names = std::vector<std::string>;

std::map<ProjectId, Names> DividersByProject(const VendorPolicies& policies) {
  std::map<ProjectId, Names> dividers;
  for (const auto& [name, policy] : policies) {
    if (policy.share.IsDivided()) dividers[policy.project].push_back(name);
  }
  return dividers;
}

Names Without(Names names, std::string_view name) {
  std::erase(names, name);
  return names;
}

// "acme", "acme and zenith", "acme, lake and zenith"
std::string Listed(const Names& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i != 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

std::string DividedInWords(ProjectId project, const Names& dividers) {
  const std::string people = "the people of project " + std::to_string(project.value);
  if (dividers.size() == 1) {
    return dividers.front() + " gets all " + people.substr(4) +
           ", until another vendor divides them with it";
  }
  const std::string each =
      dividers.size() == 2 ? "half" : "one in " + std::to_string(dividers.size());
  return Listed(dividers) + " divide " + people + ": each gets about " + each +
         "; share = \"all\" gives a vendor everybody";
}

}  // namespace

void DividePeople(VendorPolicies* policies) {
  const std::map<ProjectId, Names> dividers = DividersByProject(*policies);
  for (auto& [name, policy] : *policies) {
    if (policy.share.IsDivided()) {
      policy.share = PeopleShare::Divided(name, Without(dividers.at(policy.project), name));
    }
  }
}

std::vector<std::string> DividesWith(const VendorPolicies& policies, std::string_view name) {
  const auto found = policies.find(std::string(name));
  if (found == policies.end() || !found->second.share.IsDivided()) {
    return {};
  }
  return Without(DividersByProject(policies).at(found->second.project), name);
}

std::vector<std::string> GetsSamePeopleAs(const VendorPolicies& policies, std::string_view name) {
  Names same;
  const auto found = policies.find(std::string(name));
  for (const auto& [other, policy] : policies) {
    if (found != policies.end() && other != name && policy.share.Overlaps(found->second.share)) {
      same.push_back(other);
    }
  }
  return same;
}

std::vector<std::string> DivisionInWords(const VendorPolicies& policies) {
  std::vector<std::string> lines;
  for (const auto& [project, dividers] : DividersByProject(policies)) {
    lines.push_back(DividedInWords(project, dividers));
  }
  for (const auto& [name, policy] : policies) {
    if (!policy.share.IsDivided()) {
      lines.push_back(
          name + " gets " +
          (policy.share.parts() == 1 ? std::string("all people") : "part " + policy.share.Text()) +
          " of project " + std::to_string(policy.project.value) + ", whatever others get");
    }
  }
  for (const auto& [name, policy] : policies) {
    const Names same = GetsSamePeopleAs(policies, name);
    if (!same.empty()) {
      lines.push_back(name + " gets people that " + Listed(same) +
                      (same.size() == 1 ? " gets too: " : " get too: ") +
                      "what they do joins them");
    }
  }
  return lines;
}

}  // namespace bulkhead
