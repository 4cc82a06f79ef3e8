#include "http/person_request_json.h"

#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include "model/value.h"

namespace bulkhead {
namespace {

void AppendMember(std::string_view name, std::string_view text, std::string* json) {
  *json += ",\"";
  *json += name;
  *json += "\":";
  AppendJsonString(text, json);
}

}  // namespace

std::string_view NameOf(ComplianceType type) {
  return type == ComplianceType::kCcpa ? "CCPA" : "GDPR";
}

std::string_view NameOf(DisclosureType type) {
  switch (type) {
    case DisclosureType::kCategories:
      return "Categories";
    case DisclosureType::kSources:
      return "Sources";
    case DisclosureType::kData:
      break;
  }
  return "Data";
}

std::string_view NameOf(PersonRequestStatus status) {
  switch (status) {
    case PersonRequestStatus::kPending:
      return "PENDING";
    case PersonRequestStatus::kStaging:
      return "STAGING";
    case PersonRequestStatus::kStarted:
      return "STARTED";
    case PersonRequestStatus::kSuccess:
      return "SUCCESS";
    case PersonRequestStatus::kFailure:
      return "FAILURE";
    case PersonRequestStatus::kRevoked:
      return "REVOKED";
  }
  return "UNKNOWN";
}

std::string TimeText(int64_t ms) {
  const auto time = std::chrono::sys_seconds(std::chrono::seconds(ms / 1000));
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[32];
  std::snprintf(text, sizeof(text), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

Result<PersonRequestParameters> ReadPersonRequest(const QueryParameters& parameters,
                                                  PersonRequestKind kind) {
  ParameterReader reader(parameters);
  PersonRequestParameters read;
  // Strictly a list: what is meant otherwise must not be guessed where something is destroyed.
  const std::string* text = parameters.Find("distinct_ids");
  std::optional<std::vector<std::string>> ids =
      text != nullptr ? ParseTextArray(*text) : std::nullopt;
  if (!ids) {
    reader.Fail("distinct_ids", "is required, a list of texts");
  }
  read.distinct_ids = ids ? std::move(*ids) : std::vector<std::string>();
  if (read.distinct_ids.empty() || read.distinct_ids.size() > kMaxPersonRequestSubjects) {
    reader.Fail("distinct_ids", "must be 1 to 2000");
  }
  for (const std::string& id : read.distinct_ids) {
    if (id.empty()) {
      reader.Fail("distinct_ids", "must not be empty texts");
    }
  }
  read.compliance = reader.Choice("compliance_type", {"GDPR", "CCPA"}, 0) == 1
                        ? ComplianceType::kCcpa
                        : ComplianceType::kGdpr;
  const size_t disclosure = reader.Choice("disclosure_type", {"Data", "Categories", "Sources"}, 0);
  if (kind == PersonRequestKind::kRetrieval) {
    read.disclosure = disclosure == 1   ? DisclosureType::kCategories
                      : disclosure == 2 ? DisclosureType::kSources
                                        : DisclosureType::kData;
  }
  if (reader.error()) {
    return *reader.error();
  }
  return read;
}

std::string PersonRequestJson(const PersonRequest& request, std::string_view result_url) {
  std::string json = R"({"status":"ok","results":{"status":)";
  AppendJsonString(NameOf(request.status), &json);
  AppendMember("task_id", request.id, &json);
  AppendMember("tracking_id", request.id, &json);
  json += ",\"project_id\":" + std::to_string(request.asked.project.value);
  AppendMember("compliance_type", NameOf(request.asked.compliance), &json);
  if (request.asked.kind == PersonRequestKind::kRetrieval) {
    AppendMember("disclosure_type", NameOf(request.asked.disclosure), &json);
  }
  AppendMember("date_requested", TimeText(request.asked_ms), &json);
  if (request.finished_ms != 0) {
    AppendMember("date_finished", TimeText(request.finished_ms), &json);
  }
  AppendMember("requesting_user", request.asked.requester, &json);
  json += ",\"distinct_id_count\":" + std::to_string(request.asked.subjects.size());
  json += ",\"destination_url\":";
  if (result_url.empty()) {
    json += "null";
  } else {
    AppendJsonString(result_url, &json);
  }
  AppendMember("result", result_url, &json);
  if (!request.receipt.empty()) {
    AppendMember("receipt", request.receipt, &json);
  }
  if (!request.failure.empty()) {
    AppendMember("error", request.failure, &json);
  }
  json += ",\"distinct_ids\":[";
  for (size_t i = 0; i < request.asked.subjects.size(); ++i) {
    json += (i == 0 ? "\"" : ",\"") + request.asked.subjects[i].ToHex() + "\"";
  }
  return json + "]}}";
}

std::string UnknownPersonRequestJson() {
  return R"({"status":"ok","results":{"status":"NOT_FOUND","result":"","distinct_ids":[]}})";
}

}  // namespace bulkhead
