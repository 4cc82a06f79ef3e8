// What follows from the versions of an incident: the situation that duties are judged by, the facts
// of the notices, the record of the vendor's disclosure, and what one version changed. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "incident/disclosure_record.h"
#include "incident/incident_record.h"
#include "incident/notice.h"
#include "incident/obligations.h"

namespace bulkhead {

// Where nobody has said when we became aware, discovered it or were notified, that is when the
// vendor told us, or else when it handed the data over: the earlier moment is the safe one.
// Countries are where subjects live, as far as known. Persons are counted as subjects: of a person
// with two devices that were never linked, two.
Situation SituationOf(const IncidentVersion& version, int64_t now_ms);

// One entry for each property, in its least veiled form. What is at no vendor is at ourselves.
NoticeFacts NoticeFactsOf(const IncidentVersion& version);

// All drafts, in the order of NoticeKind. kInvalid: a fact may not stand in a notice.
Result<std::vector<Notice>> DraftNotices(const IncidentVersion& version);

// What each version noted anew of times and answers. kInvalid: it is not at a vendor.
Result<DisclosureRecord> DisclosureOf(std::span<const IncidentVersion> versions);

// A line for each thing that differs: "subjects: 5, was 9".
std::vector<std::string> DifferencesOf(const IncidentVersion& before, const IncidentVersion& after);

}  // namespace bulkhead
