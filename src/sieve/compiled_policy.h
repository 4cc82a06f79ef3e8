// A policy made ready for the sieve and for intake: found by project, with the rules of each event
// picked out. Immutable and thread-safe; shared while anybody works with it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/policy.h"
#include "sieve/name_rules.h"

namespace bulkhead {

// What a property's name, its place and the policy decide together.
struct PropertyDecision {
  NameDecision name;       // what is done; the rule is "policy" where the policy decided
  bool by_policy = false;  // decided by a rule: it holds for flags and counts, too
  bool unknown = false;    // allow-list mode: nothing names it
  bool covers = false;     // something names it: what lies in it is known as well
  bool leads_on = false;   // nothing names it, but perhaps something in it
  const std::vector<std::string>* allow_plain = nullptr;  // kinds; null or not empty
};

// The part of one project.
class CompiledProject {
 public:
  explicit CompiledProject(const ProjectPolicy& policy);

  // Differs among all that were ever made in this process: a key for caches.
  [[nodiscard]] uint64_t id() const { return id_; }
  [[nodiscard]] const ProjectPolicy& policy() const { return policy_; }
  // Whether the sieve has nothing to look up here.
  [[nodiscard]] bool is_default() const { return is_default_; }
  [[nodiscard]] bool names_events() const { return names_events_; }

  // The rules that can hold for events of that name, in order; or for profiles.
  [[nodiscard]] std::vector<const PolicyRule*> RulesOfEvent(std::string_view event) const;
  [[nodiscard]] std::vector<const PolicyRule*> RulesOfProfiles() const;

  struct Property {
    std::string_view name;
    std::string_view path;  // from the top; the name itself there
    bool profile = false;   // a profile's own property, not a member of one
    bool known = false;     // something that it lies in is named
  };
  [[nodiscard]] PropertyDecision Decide(const std::vector<const PolicyRule*>& rules,
                                        const Property& property) const;

 private:
  [[nodiscard]] bool IsAllowed(const Property& property) const;

  uint64_t id_;
  ProjectPolicy policy_;
  bool is_default_;
  bool names_events_;
};

class CompiledPolicy {
 public:
  // Version 0 with an empty hash: the defaults, without a file.
  CompiledPolicy() : CompiledPolicy(Policy(), 0, "") {}
  CompiledPolicy(Policy policy, uint32_t version, std::string hash);

  [[nodiscard]] const Policy& policy() const { return policy_; }
  [[nodiscard]] uint32_t version() const { return version_; }
  [[nodiscard]] const std::string& hash() const { return hash_; }
  [[nodiscard]] const CompiledProject& Of(ProjectId project) const;

 private:
  Policy policy_;
  uint32_t version_;
  std::string hash_;
  std::map<ProjectId, std::unique_ptr<CompiledProject>> projects_;
  std::unique_ptr<CompiledProject> others_;
};

}  // namespace bulkhead
