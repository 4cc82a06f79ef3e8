// What people say of an incident, as they type it, laid over what was said before. Names are held
// against the file of obligations, since a misspelt one would silently free of a duty. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "incident/incident_record.h"
#include "incident/obligations.h"

namespace bulkhead {

struct FactChanges {
  // "NAME=TIME", "unknown" for a time that is known not to be known. A name is a party's clock
  // (occurred, vendor_aware, told, received, public, corrected) or one of the obligations' file.
  std::vector<std::string> times;
  std::vector<std::string> done;     // "OBLIGATION=TIME"
  std::vector<std::string> answers;  // "QUESTION=yes", no or unknown
  std::vector<std::string> classes;  // "FIELD=CLASS"
  std::string source;                // of all times and answers here
  std::vector<std::string> roles, established, measures, not_exposed;  // added to what is there
  std::string risk;                                                    // unlikely, risk or high
  std::string promised_hours;
  std::string organisation, happening, contact, check_page;  // empty: as before
  std::string unintelligible, complete;                      // yes or no; empty: as before
  std::function<Result<int64_t>(const std::string&)> parse_time;
};

// kInvalid: the message says which of them is wrong.
Result<IncidentFacts> ApplyFactChanges(IncidentFacts facts, const FactChanges& changes,
                                       const Obligations& obligations);

}  // namespace bulkhead
