// What policy rules are measured against: the decisions of names and detectors without a policy.
#pragma once

#include <string>
#include <string_view>

#include "model/policy.h"
#include "sieve/name_rules.h"

namespace bulkhead {

enum class Weakening : unsigned char { kNone = 0, kOfPersonal, kOfSecret };

// What a rule would open beyond the default of one name.
Weakening WeakeningOf(const NameDecision& standard, Action action);

// The same for the name that a rule by property or path spells; kNone for globs, whose names are
// judged one by one as they come.
Weakening WeakeningOf(const PolicyRule& rule);

// Whether it is a kind of personal data, such as "email", that a policy may leave plain.
bool IsPersonalKind(std::string_view kind);
std::string PersonalKinds();  // "email, phone, ..."

// The kind that a detector's or a name's rule finds; empty where it is none.
std::string_view KindOfRule(std::string_view rule);

// Whether SDKs send a property of this name by themselves: known in allow-list mode.
bool IsStandardProperty(std::string_view name);

}  // namespace bulkhead
