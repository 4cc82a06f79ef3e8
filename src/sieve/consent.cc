#include "sieve/consent.h"

namespace bulkhead {
namespace {

bool SaysYes(const Value& value) {
  if (value.is_bool()) return value.bool_value();
  if (value.is_number()) return value.number() != 0;
  if (!value.is_string()) return false;
  const std::string& text = value.string();
  return !text.empty() && text != "0" && text != "false" && text != "no" && text != "False";
}

bool IsStricter(ConsentAnswer left, ConsentAnswer right) {
  const auto rank = [](ConsentAnswer answer) {
    return answer == ConsentAnswer::kDrop ? 2 : answer == ConsentAnswer::kWithoutPerson ? 1 : 0;
  };
  return rank(left) > rank(right);
}

}  // namespace

ConsentDecision DecideConsent(const ConsentPolicy& policy, const ConsentSignals& signals,
                              const ValueObject& properties) {
  ConsentDecision decision;
  const auto consider = [&](bool said, ConsentAnswer answer, std::string_view rule) {
    if (said && IsStricter(answer, decision.answer)) decision = {answer, rule};
  };
  consider(signals.do_not_track, policy.do_not_track, "consent:dnt");
  consider(signals.global_privacy_control, policy.global_privacy_control, "consent:gpc");
  for (const std::string& name : policy.opt_out_properties) {
    const Value* value = Find(properties, name);
    consider(value != nullptr && SaysYes(*value), policy.opt_out, "consent:opt_out");
  }
  return decision;
}

}  // namespace bulkhead
