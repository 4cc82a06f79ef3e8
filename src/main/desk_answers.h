// What the incident desk's answers are made of. Inside main/, for its sources.
#pragma once

#include <string>

#include "base/result.h"
#include "incident/incident_record.h"

namespace bulkhead {

// A record as a JSON text: base64.
std::string RecordJson(const IncidentVersion& version);
// {"record":...}
Result<std::string> RecordAnswer(const Result<IncidentVersion>& version);

// What the operator did not say rightly.
inline Error NotGood(const char* what) { return {ErrorCode::kInvalid, what}; }

}  // namespace bulkhead
