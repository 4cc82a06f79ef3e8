#include "main/vendor_json.h"

#include <fmt/format.h>

#include <string_view>

#include "incident/calendar.h"
#include "model/people_division.h"
#include "model/value.h"

namespace bulkhead {
std::string JsonTexts(const std::vector<std::string>& texts) {
  std::string json = "[";
  for (const std::string& text : texts) {
    json += (json.size() > 1 ? "," : "") + JsonString(text);
  }
  return json + "]";
}

std::string VendorStatusJson(const VendorStatus& status, const VendorPolicies& policies) {
  const auto policy = policies.find(status.name);
  return fmt::format(
      R"({{"vendor":{},"type":"{}","paused":{},"killed":{},"killed_by":{},"killed_ms":{},)"
      R"("credential":{},"credential_set_ms":{},"trouble":{},"waiting":{},"queue_bytes":{},)"
      R"("dead_letters":{},"deletions":{},"deleted":{},"delete_by_hand":{},)"
      R"("leaving":{},"leaving_counted":{},"leaving_asked":{},"leaving_left":{},"sent":{},"refused":{},"retries":{},"unqueued":{},"expired":{},)"
      R"("last_sent_ms":{},"epoch":{},"epoch_begun_ms":{},"epoch_keys":{},"canaries":{},)"
      R"("canaries_seen":{},"canary_seen_ms":{},"canary_incident":{},)"
      R"("share":{},"divides_with":{},"same_people_as":{}}})",
      JsonString(status.name), VendorTypeName(status.type), status.paused, status.killed,
      JsonString(status.killed_by), status.killed_ms, status.has_credential,
      status.credential_set_ms, JsonString(status.trouble), status.waiting, status.queue_bytes,
      status.dead_letters, status.deletions, status.deleted, status.delete_by_hand, status.leaving,
      status.leaving_counted, status.leaving_asked, status.leaving_left, status.sent,
      status.refused, status.retries, status.unqueued, status.expired, status.last_sent_ms,
      status.epoch, status.epoch_begun_ms, status.epoch_keys, status.canaries, status.canaries_seen,
      status.canary_seen_ms, JsonString(status.canary_incident),
      JsonString(policy == policies.end() ? "" : policy->second.share.Text()),
      JsonTexts(DividesWith(policies, status.name)),
      JsonTexts(GetsSamePeopleAs(policies, status.name)));
}

std::string ExposureJson(const LedgerWindow& window, const Exposure& exposure) {
  std::string json =
      fmt::format(R"({{"vendor":{},"from":"{}","to":"{}","subjects":{},"sends":{},"fields":[)",
                  JsonString(window.vendor), FormatDay(window.first_day),
                  FormatDay(window.last_day), exposure.subjects, exposure.sends);
  for (const ExposedField& field : exposure.fields) {
    json += json.back() == '[' ? "" : ",";
    json += fmt::format(
        R"({{"name":{},"form":"{}","subjects":{},"sends":{},"first":"{}","last":"{}"}})",
        JsonString(field.field.name), FieldFormName(field.field.form), field.subjects, field.sends,
        FormatDay(field.first_day), FormatDay(field.last_day));
  }
  json += "],\"epochs\":[";
  for (const auto& [epoch, sends] : exposure.sends_of_epoch) {
    json += json.back() == '[' ? "" : ",";
    json += fmt::format(R"({{"epoch":{},"sends":{}}})", epoch, sends);
  }
  return json + "]}";
}

}  // namespace bulkhead
