#include <fmt/format.h>

#include <array>

#include "egress/message_json.h"
#include "egress/request_packer.h"
#include "egress/vendor_answer.h"
#include "egress/vendor_destinations.h"

namespace bulkhead {
namespace {

constexpr std::string_view kOwnAddress = "https://api2.amplitude.com";
constexpr size_t kMostMessages = 2000;
constexpr size_t kMostBytes = 20'000'000;
constexpr size_t kMostMessageBytes = 1'000'000;
constexpr std::chrono::seconds kThrottlePause{30};  // as their reference asks for

constexpr std::array<std::string_view, 2> kJoiningEvents = {"$identify", "$groupidentify"};
constexpr FieldNaming kNaming{{}, kPlainIdentities};

std::optional<std::string_view> WhyRefused(const OutboundMessage& message) {
  return WhyUnsayable(message, kJoiningEvents);
}

std::string MessageJson(const OutboundMessage& message) {
  const bool is_event = message.kind == OutboundMessage::Kind::kEvent;
  std::string json = "{";
  AppendMember("event_type", is_event ? std::string_view(message.name) : "$identify", &json);
  AppendMember(message.vendor_id.IsNobody() ? "device_id" : "user_id", PersonOf(message), &json);
  json += fmt::format(R"(,"time":{})", message.time_ms);
  AppendMember("insert_id", message.id, &json);
  json += is_event ? R"(,"event_properties":{)" : R"(,"user_properties":{"$set":{)";
  AppendFields(message.fields, kNaming, &json);
  return json + (is_event ? "}}" : "}}}");
}

class AmplitudeDestination final : public Destination {
 public:
  AmplitudeDestination(const std::string& base, std::string key)
      : url_(base + "/batch"), key_(std::move(key)) {}

  size_t most_messages() const override { return kMostMessages; }
  size_t most_bytes() const override { return kMostBytes; }

  EncodedBatch Encode(std::span<const OutboundMessage> messages) const override {
    RequestPacker::Form form{{},
                             R"({"api_key":")" + key_ + R"(","events":[)",
                             R"(],"options":{"min_id_length":1}})",
                             kMostMessages,
                             kMostBytes,
                             kMostMessageBytes};
    form.blank.url = url_;
    return PackAll(messages, std::move(form), {WhyRefused, MessageJson});
  }

  SendOutcome Judge(const VendorRequest& request, const OutboundReply& reply) const override {
    SendOutcome outcome = JudgeStatus(reply);
    const AnswerReader answer(reply.body);
    if (reply.status == 400) {
      JudgeInvalid(answer, request, &outcome);
    } else if (reply.status == 429) {
      JudgeThrottled(answer, request, &outcome);
    }
    return outcome;
  }

  std::vector<VendorRequest> EncodeDeletion(
      std::span<const SubjectId> /*vendor_ids*/) const override {
    return {};
  }

 private:
  // Of a request with one invalid event nothing is taken.
  static void JudgeInvalid(const AnswerReader& answer, const VendorRequest& request,
                           SendOutcome* outcome) {
    if (answer.StartsWith("error", "invalid api key")) {
      outcome->verdict = SendVerdict::kDenied;
      return;
    }
    RefuseIndexed(answer,
                  {"events_with_invalid_fields", "events_with_missing_fields",
                   "events_with_invalid_id_lengths", "silenced_events"},
                  request, outcome);
    if (outcome->refused.empty()) return;
    outcome->verdict = SendVerdict::kRetry;
    outcome->retry_after = std::chrono::seconds(0);
  }

  // What is beyond a person's quota of a day would hold up everybody else's for that day. While
  // others are only too fast, which events those are is not said.
  static void JudgeThrottled(const AnswerReader& answer, const VendorRequest& request,
                             SendOutcome* outcome) {
    const bool is_fast =
        answer.HasEntries("throttled_users") || answer.HasEntries("throttled_devices");
    const bool is_over_quota = answer.HasEntries("exceeded_daily_quota_users") ||
                               answer.HasEntries("exceeded_daily_quota_devices");
    if (is_over_quota && !is_fast) RefuseIndexed(answer, {"throttled_events"}, request, outcome);
    for (RefusedMessage& refused : outcome->refused) {
      refused.reason = "beyond what the vendor takes of one person in a day";
    }
    if (!outcome->retry_after) outcome->retry_after = kThrottlePause;
  }

  std::string url_;
  std::string key_;
};

}  // namespace

Result<std::unique_ptr<Destination>> MakeAmplitude(const DestinationSettings& settings) {
  const Result<std::string> base = BaseAddress(settings, kOwnAddress);
  if (!base) return base.error();
  Result<std::string> key = TakeKey(settings);
  if (!key) return key.error();
  return {std::make_unique<AmplitudeDestination>(*base, *std::move(key))};
}

}  // namespace bulkhead
