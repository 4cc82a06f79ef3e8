// Requests of persons as JSON, in and out. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "access/person_requests.h"
#include "base/result.h"
#include "http/query_parameters.h"

namespace bulkhead {

std::string_view NameOf(ComplianceType type);
std::string_view NameOf(DisclosureType type);
std::string_view NameOf(PersonRequestStatus status);

// "2026-01-15T08:30:00Z".
std::string TimeText(int64_t ms);

struct PersonRequestParameters {
  std::vector<std::string> distinct_ids;  // as sent; 1 to 2000, none empty
  ComplianceType compliance = ComplianceType::kGdpr;
  DisclosureType disclosure = DisclosureType::kData;
};
Result<PersonRequestParameters> ReadPersonRequest(const QueryParameters& parameters,
                                                  PersonRequestKind kind);

// {"status":"ok","results":{...}}. `result_url` is empty where there is no result (yet).
std::string PersonRequestJson(const PersonRequest& request, std::string_view result_url);
std::string UnknownPersonRequestJson();

}  // namespace bulkhead
