// An incident's version and its duties in words for a terminal, and as JSON for programs. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "incident/dump_matcher.h"
#include "incident/incident_record.h"
#include "incident/obligations.h"

namespace bulkhead {

// One line: "2025-11-26-1  version 2, open: acme, 2025-11-01 to 2025-11-09: 5 subjects; TITLE".
std::string IncidentLine(const IncidentVersion& version);
// What is counted beside subjects: sends, reads, or records that lie somewhere.
std::string_view CountedAs(const IncidentOrigin& origin);
std::string RenderIncident(const IncidentVersion& version);
std::string IncidentJson(const IncidentVersion& version);

// By what is to be done: passed, due (the earliest first), waiting, done, not applicable.
std::string RenderObligations(std::span<const Obligation> obligations);
std::string ObligationsJson(std::span<const Obligation> obligations);

std::string RenderDumpReport(const DumpReport& report);
std::string DumpReportJson(const DumpReport& report);

}  // namespace bulkhead
