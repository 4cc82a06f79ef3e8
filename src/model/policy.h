// What a data directory's policy file says, as plain data: which properties are kept in which form,
// whose events are not wanted, how long events stay, who is told of refusals. Read by
// sieve/policy_parser.h; the schema is docs/policy-schema.md. A default-made policy is the
// behaviour without a file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "model/vendor_policy.h"

namespace bulkhead {

// What becomes of a property's value.
enum class Action : unsigned char {
  kKeep = 0,
  kCoarsen,
  kToken,
  kSeal,
  kDrop,
  kRedact,
  kTokenAndSeal
};

std::string_view ActionName(Action action);
std::optional<Action> ActionNamed(std::string_view name);

// Whether `left` lets more of a value out than `right` does, the vault included.
bool IsWeaker(Action left, Action right);

// `*` stands for any characters, none too, `?` for one byte.
bool MatchesGlob(std::string_view pattern, std::string_view text);

struct PolicyRule {
  enum class By : unsigned char {
    kProperty,  // a property of that name at any depth, spelled exactly so
    kPath,      // that path from the top: "form.contact", "items[].name"
    kGlob       // a glob over the path
  };
  enum class On : unsigned char { kBoth, kEvents, kProfiles };

  By by = By::kProperty;
  std::string pattern;
  std::string event;  // a glob over the event's name; empty = all events, and profiles
  On on = On::kBoth;
  Action action = Action::kKeep;
  std::string field_class;  // Fideslang, such as "user.contact.email"; empty = not said
  // Kinds of personal data that detectors leave alone in this property, such as "email".
  std::vector<std::string> allow_plain;
  std::string reason;  // must be there where the rule keeps more than the names' defaults do

  friend bool operator==(const PolicyRule&, const PolicyRule&) = default;
};

enum class ConsentAnswer : unsigned char {
  kIgnore = 0,     // the signal changes nothing
  kDrop,           // the event is not kept
  kWithoutPerson,  // the event is kept and belongs to nobody
};
std::string_view ConsentAnswerName(ConsentAnswer answer);

struct ConsentPolicy {
  std::vector<std::string> opt_out_properties;  // true in one of them: the person has opted out
  ConsentAnswer opt_out = ConsentAnswer::kDrop;
  ConsentAnswer do_not_track = ConsentAnswer::kIgnore;            // the header DNT: 1
  ConsentAnswer global_privacy_control = ConsentAnswer::kIgnore;  // the header Sec-GPC: 1

  friend bool operator==(const ConsentPolicy&, const ConsentPolicy&) = default;
};

struct EventRetention {
  std::string event;  // a glob
  int days = 0;

  friend bool operator==(const EventRetention&, const EventRetention&) = default;
};

struct RetentionPolicy {
  int days = 0;                        // 0 = for ever
  std::vector<EventRetention> events;  // the first that matches counts, else `days`

  friend bool operator==(const RetentionPolicy&, const RetentionPolicy&) = default;
};

// Who is told when a rule first hits what a library sends.
struct AlertRoute {
  std::string team;
  std::string library = "*";  // a glob over mp_lib
  std::string url;            // https; http only to addresses of allow_addresses
  std::string secret;         // the name under which the sender finds the signing secret
  bool only_secrets = false;  // redactions alone
  // Addresses that may be reached although they are private.
  std::vector<std::string> allow_addresses;

  friend bool operator==(const AlertRoute&, const AlertRoute&) = default;
};

inline constexpr uint64_t kDefaultSmallCount = 10;

struct ProjectPolicy {
  bool allow_list = false;               // properties that nothing names are dropped and reported
  std::vector<std::string> allow;        // allow-list mode: further names or globs that are known
  bool allow_standard = true;            // allow-list mode: what SDKs send by themselves is known
  std::vector<std::string> allow_query;  // further query parameters that addresses keep
  uint64_t small_count = kDefaultSmallCount;
  std::vector<PolicyRule> rules;  // the first that matches counts
  ConsentPolicy consent;
  RetentionPolicy retention;
  std::vector<AlertRoute> alerts;

  friend bool operator==(const ProjectPolicy&, const ProjectPolicy&) = default;
};

struct Policy {
  std::optional<ProjectPolicy> everywhere;  // for projects that have no part of their own
  std::map<ProjectId, ProjectPolicy> projects;
  VendorPolicies vendors;

  // Of a project's own part, else of `everywhere`, else the defaults.
  [[nodiscard]] const ProjectPolicy& Of(ProjectId project) const;

  friend bool operator==(const Policy&, const Policy&) = default;
};

// Days that an event of this name stays; 0 = for ever.
int RetentionDays(const RetentionPolicy& retention, std::string_view event);

}  // namespace bulkhead
