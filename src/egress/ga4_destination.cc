#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "egress/ga4_names.h"
#include "egress/message_json.h"
#include "egress/request_packer.h"
#include "egress/vendor_answer.h"
#include "egress/vendor_destinations.h"

namespace bulkhead {
namespace {

constexpr std::string_view kOwnAddress = "https://www.google-analytics.com";
constexpr size_t kMostMessages = 25;
constexpr size_t kMostBytes = 129'000;  // their limit is 130 kB
constexpr size_t kMostMessageBytes = 120'000;
// None of it is for advertising.
constexpr std::string_view kConsent =
    R"("consent":{"ad_user_data":"DENIED","ad_personalization":"DENIED"})";

int64_t Micros(const OutboundMessage& message) { return message.time_ms * 1000; }

// The message's fields under names that are taken; an error says why they cannot be said.
Result<std::map<std::string, std::string>> FitFields(const OutboundMessage& message) {
  const bool is_event = message.kind == OutboundMessage::Kind::kEvent;
  const Ga4Kind kind = is_event ? Ga4Kind::kParameter : Ga4Kind::kUserProperty;
  std::map<std::string, std::string> fields;
  for (const OutboundField& field : message.fields) {
    const auto refuse = [](const char* why) { return Error{ErrorCode::kInvalid, why}; };
    if (field.form == FieldForm::kIdentity) return refuse("a direct identifier");
    std::string name = Ga4Name(field.name, kind);
    std::string value = Ga4Value(field.value, kind);
    if (name.empty()) return refuse("a field whose name has no letter");
    if (value.empty()) continue;
    if (!fields.emplace(std::move(name), std::move(value)).second) {
      return refuse("two fields whose names become one");
    }
    if (fields.size() > kGa4MostNames) return refuse("more fields than are taken");
  }
  return fields;
}

std::string EventJson(const OutboundMessage& message, std::string_view name,
                      const std::map<std::string, std::string>& fields) {
  std::string json =
      fmt::format(R"({{"name":"{}","timestamp_micros":{},"params":{{)", name, Micros(message));
  for (const auto& [field, value] : fields) {
    json += fmt::format(R"({}"{}":{})", json.ends_with('{') ? "" : ",", field, value);
  }
  return json + "}}";
}

class Ga4Destination final : public Destination {
 public:
  explicit Ga4Destination(std::string url) : url_(std::move(url)) {}

  size_t most_messages() const override { return kMostMessages; }
  size_t most_bytes() const override { return kMostBytes; }

  // One person's events together: a request has one client.
  EncodedBatch Encode(std::span<const OutboundMessage> messages) const override {
    EncodedBatch batch;
    std::map<std::string, RequestPacker> by_person;
    for (size_t place = 0; place < messages.size(); ++place) {
      const OutboundMessage& message = messages[place];
      const bool is_event = message.kind == OutboundMessage::Kind::kEvent;
      const std::string name = is_event ? Ga4Name(message.name, Ga4Kind::kEvent) : "profile_update";
      const Result<std::map<std::string, std::string>> fields = FitFields(message);
      if (const auto reason = WhyUnsayable(message)) {
        batch.refused.push_back({place, std::string(*reason)});
      } else if (name.empty()) {
        batch.refused.push_back({place, "an event whose name has no letter"});
      } else if (!fields) {
        batch.refused.push_back({place, fields.error().message});
      } else if (is_event) {
        const std::string person = PersonOf(message);
        auto found = by_person.find(person);
        if (found == by_person.end()) {
          found = by_person.emplace(person, RequestPacker(FormOf(person, ""), &batch)).first;
        }
        found->second.Add(place, EventJson(message, name, *fields));
      } else {
        AddProfile(place, message, *fields, &batch);
      }
    }
    for (auto& [person, packer] : by_person) packer.Finish();
    return batch;
  }

  // They answer 2xx to everything.
  SendOutcome Judge(const VendorRequest& /*request*/, const OutboundReply& reply) const override {
    return JudgeStatus(reply);
  }

  std::vector<VendorRequest> EncodeDeletion(
      std::span<const SubjectId> /*vendor_ids*/) const override {
    return {};
  }

 private:
  RequestPacker::Form FormOf(const std::string& person, std::string_view more) const {
    RequestPacker::Form form{
        {},         fmt::format(R"({{"client_id":"{}",{}{},"events":[)", person, kConsent, more),
        "]}",       kMostMessages,
        kMostBytes, kMostMessageBytes};
    form.blank.url = url_;
    return form;
  }

  // User properties hold for a whole request, so each has its own. One without an event is none.
  void AddProfile(size_t place, const OutboundMessage& message,
                  const std::map<std::string, std::string>& fields, EncodedBatch* batch) const {
    std::string properties = R"(,"user_properties":{)";
    for (const auto& [name, value] : fields) {
      properties += fmt::format(R"({}"{}":{{"value":{},"timestamp_micros":{}}})",
                                properties.ends_with('{') ? "" : ",", name, value, Micros(message));
    }
    RequestPacker packer(FormOf(PersonOf(message), properties + "}"), batch);
    packer.Add(place, EventJson(message, "profile_update", {}));
    packer.Finish();
  }

  std::string url_;
};

}  // namespace

Result<std::unique_ptr<Destination>> MakeGa4(const DestinationSettings& settings) {
  const Result<std::string> base = BaseAddress(settings, kOwnAddress);
  if (!base) return base.error();
  const std::string_view credential = settings.credential;
  const size_t colon = std::min(credential.find(':'), credential.size());
  const std::string_view id = credential.substr(0, colon);
  const std::string_view secret = credential.substr(std::min(colon + 1, credential.size()));
  if (!IsKey(id) || !IsKey(secret)) return NotTheForm("MEASUREMENT_ID:API_SECRET");
  return {std::make_unique<Ga4Destination>(
      fmt::format("{}/mp/collect?measurement_id={}&api_secret={}", *base, id, secret))};
}

}  // namespace bulkhead
