#include "main/vendor_json.h"

#include <fmt/format.h>

#include <chrono>
#include <string_view>

#include "model/value.h"

namespace bulkhead {
namespace {

std::string Quoted(std::string_view text) { return ToJson(Value(text)); }

std::string DayText(int32_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

}  // namespace

std::string VendorStatusJson(const VendorStatus& status) {
  return fmt::format(
      R"({{"vendor":{},"type":"{}","paused":{},"killed":{},"killed_by":{},"killed_ms":{},)"
      R"("credential":{},"credential_set_ms":{},"trouble":{},"waiting":{},"queue_bytes":{},)"
      R"("dead_letters":{},"deletions":{},"deleted":{},"delete_by_hand":{},"sent":{},"refused":{},"retries":{},"unqueued":{},"expired":{},)"
      R"("last_sent_ms":{},"epoch":{},"epoch_begun_ms":{},"epoch_keys":{}}})",
      Quoted(status.name), VendorTypeName(status.type), status.paused, status.killed,
      Quoted(status.killed_by), status.killed_ms, status.has_credential, status.credential_set_ms,
      Quoted(status.trouble), status.waiting, status.queue_bytes, status.dead_letters,
      status.deletions, status.deleted, status.delete_by_hand, status.sent, status.refused,
      status.retries, status.unqueued, status.expired, status.last_sent_ms, status.epoch,
      status.epoch_begun_ms, status.epoch_keys);
}

std::string ExposureJson(const LedgerWindow& window, const Exposure& exposure) {
  std::string json =
      fmt::format(R"({{"vendor":{},"from":"{}","to":"{}","subjects":{},"sends":{},"fields":[)",
                  Quoted(window.vendor), DayText(window.first_day), DayText(window.last_day),
                  exposure.subjects, exposure.sends);
  for (const ExposedField& field : exposure.fields) {
    json += json.back() == '[' ? "" : ",";
    json += fmt::format(
        R"({{"name":{},"form":"{}","subjects":{},"sends":{},"first":"{}","last":"{}"}})",
        Quoted(field.field.name), FieldFormName(field.field.form), field.subjects, field.sends,
        DayText(field.first_day), DayText(field.last_day));
  }
  json += "],\"epochs\":[";
  for (const auto& [epoch, sends] : exposure.sends_of_epoch) {
    json += json.back() == '[' ? "" : ",";
    json += fmt::format(R"({{"epoch":{},"sends":{}}})", epoch, sends);
  }
  return json + "]}";
}

}  // namespace bulkhead
