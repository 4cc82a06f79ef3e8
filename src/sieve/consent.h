// Whether an event is wanted at all: opt-outs, Do Not Track and Global Privacy Control.
#pragma once

#include <string_view>

#include "model/policy.h"
#include "model/value.h"

namespace bulkhead {

// What a browser says of itself with each request.
struct ConsentSignals {
  bool do_not_track = false;            // DNT: 1
  bool global_privacy_control = false;  // Sec-GPC: 1
};

struct ConsentDecision {
  ConsentAnswer answer = ConsentAnswer::kIgnore;
  std::string_view rule;  // "consent:dnt", "consent:gpc" or "consent:opt_out"; empty for kIgnore
};

// The strictest that the policy asks for. `properties` as sent.
ConsentDecision DecideConsent(const ConsentPolicy& policy, const ConsentSignals& signals,
                              const ValueObject& properties);

}  // namespace bulkhead
