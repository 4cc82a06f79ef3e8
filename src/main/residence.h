// Where subjects live, and to which organisations they belong, as core's store knows it at the
// moment: egress has pseudonyms and asks for counts, so that an incident can say which laws and
// whom it concerns. A subject's country is "mp_country_code" of its newest event that has one, else
// "$country_code" of its profile; its organisations are all that any of its events has in one
// property, else its profile's. A device that was linked to a user since counts as that user does;
// each subject asked about counts once for its country, and once in each of its organisations.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "audit/audit_entry.h"
#include "base/result.h"
#include "incident/incident_record.h"
#include "model/ids.h"
#include "store/snapshot.h"

namespace bulkhead {

inline constexpr uint8_t kCoreResidence = 4;  // body: a request; answers EncodeResidence

// Organisations that one answer names; subjects of the others are counted as left out.
inline constexpr size_t kMaxOrganisations = 100'000;
inline constexpr size_t kMaxOrganisationBytes = 200;  // longer ones are cut

struct ResidenceRequest {
  ProjectId project;
  std::string organisation_property;  // empty: organisations are not asked for
  std::vector<SubjectId> subjects;    // at most kMaxResidenceSubjects (incident/exposure_survey.h)
};
std::string EncodeResidenceRequest(const ResidenceRequest& request);
// kInvalid: not what EncodeResidenceRequest writes, or more subjects than may be.
Result<ResidenceRequest> DecodeResidenceRequest(std::string_view bytes);
// That it was asked, and of how many; core writes it down before it answers.
AuditEntry EntryOf(const ResidenceRequest& request);

// One pass over the project's events, on `threads`.
Result<Residence> CountResidence(const Snapshot& snapshot, const ResidenceRequest& request,
                                 int threads);

}  // namespace bulkhead
