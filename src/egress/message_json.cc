#include "egress/message_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/check.h"

namespace bulkhead {
namespace {

constexpr int64_t kLastTimeMs = 253402300799999;  // of the year 9999

void AppendName(std::string_view name, std::string* json) {
  if (!json->ends_with('{')) json->push_back(',');
  AppendJsonString(name, json);
  json->push_back(':');
}

std::string_view NameOf(const OutboundField& field, const FieldNaming& naming) {
  if (field.form != FieldForm::kIdentity) return field.name;
  for (const auto& [ours, theirs] : naming.identities) {
    if (field.name == ours) return theirs;
  }
  return field.name;
}

}  // namespace

std::string PersonOf(const OutboundMessage& message) {
  return message.vendor_id.IsNobody() ? std::string(kNobody) : message.vendor_id.ToHex();
}

std::optional<std::string_view> WhyUnsayable(const OutboundMessage& message,
                                             std::span<const std::string_view> joining) {
  if (message.kind == OutboundMessage::Kind::kProfile) {
    if (message.vendor_id.IsNobody()) return "a profile of nobody";
  } else if (message.name.empty()) {
    return "an event without a name";
  } else if (std::ranges::find(joining, message.name) != joining.end()) {
    return "an event that would join ids or change a profile";
  }
  return std::nullopt;
}

void AppendMember(std::string_view name, std::string_view text, std::string* json) {
  AppendName(name, json);
  AppendJsonString(text, json);
}

void AppendMember(std::string_view name, const Value& value, std::string* json) {
  AppendName(name, json);
  AppendJson(value, json);
}

void AppendFields(const std::vector<OutboundField>& fields, const FieldNaming& naming,
                  std::string* json) {
  std::vector<std::string_view> names;
  names.reserve(fields.size());
  for (const OutboundField& field : fields) names.push_back(NameOf(field, naming));
  for (size_t i = 0; i < fields.size(); ++i) {
    const auto later = names.begin() + static_cast<ptrdiff_t>(i) + 1;
    if (std::find(later, names.end(), names[i]) != names.end()) continue;
    if (std::ranges::find(naming.taken, names[i]) != naming.taken.end()) continue;
    AppendMember(names[i], fields[i].value, json);
  }
}

std::string IsoTime(int64_t time_ms) {
  using namespace std::chrono;  // NOLINT
  const sys_time<milliseconds> time{milliseconds(std::clamp<int64_t>(time_ms, 0, kLastTimeMs))};
  const sys_days day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::string MessageJson(const OutboundMessage& message) {
  const bool is_event = message.kind == OutboundMessage::Kind::kEvent;
  std::string json = "{";
  AppendMember("id", message.id, &json);
  AppendMember("kind", is_event ? "event" : "profile", &json);
  if (message.vendor_id.IsNobody()) {
    AppendMember("person", Value(), &json);
  } else {
    AppendMember("person", message.vendor_id.ToHex(), &json);
  }
  if (is_event) AppendMember("event", message.name, &json);
  AppendMember("time", IsoTime(message.time_ms), &json);
  json += R"(,"properties":{)";
  AppendFields(message.fields, {}, &json);
  return json + "}}";
}

std::string UuidOf(std::string_view hex32) {
  Check(hex32.size() == 32, "a message's id has 32 digits");
  return fmt::format("{}-{}-{}-{}-{}", hex32.substr(0, 8), hex32.substr(8, 4), hex32.substr(12, 4),
                     hex32.substr(16, 4), hex32.substr(20));
}

}  // namespace bulkhead
