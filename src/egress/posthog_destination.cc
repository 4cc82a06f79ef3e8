#include <array>

#include "egress/message_json.h"
#include "egress/request_packer.h"
#include "egress/vendor_answer.h"
#include "egress/vendor_destinations.h"

namespace bulkhead {
namespace {

constexpr std::string_view kOwnAddress = "https://us.i.posthog.com";
constexpr size_t kMostMessages = 1000;
constexpr size_t kMostBytes = 10'000'000;      // their limit is twice that
constexpr size_t kMostMessageBytes = 900'000;  // theirs is 1 MB with what they add
constexpr std::chrono::seconds kQuotaPause{3600};

constexpr std::array<std::string_view, 12> kTakenNames = {
    "distinct_id", "$distinct_id",   "$anon_distinct_id",
    "$user_id",    "$device_id",     "alias",
    "token",       "$set",           "$set_once",
    "$unset",      "$geoip_disable", "$process_person_profile"};
constexpr std::array<std::string_view, 5> kJoiningEvents = {
    "$identify", "$create_alias", "$merge_dangerously", "$groupidentify", "$set"};
constexpr FieldNaming kNaming{kTakenNames, kPlainIdentities};

std::optional<std::string_view> WhyRefused(const OutboundMessage& message) {
  return WhyUnsayable(message, kJoiningEvents);
}

std::string MessageJson(const OutboundMessage& message) {
  const bool is_event = message.kind == OutboundMessage::Kind::kEvent;
  std::string json = "{";
  AppendMember("event", is_event ? std::string_view(message.name) : "$set", &json);
  AppendMember("distinct_id", PersonOf(message), &json);
  AppendMember("timestamp", IsoTime(message.time_ms), &json);
  AppendMember("uuid", UuidOf(message.id), &json);
  // The address that they see is ours.
  json += R"(,"properties":{"$geoip_disable":true)";
  if (message.vendor_id.IsNobody()) json += R"(,"$process_person_profile":false)";
  if (!is_event) json += R"(,"$set":{)";
  AppendFields(message.fields, kNaming, &json);
  return json + (is_event ? "}}" : "}}}");
}

class PosthogDestination final : public Destination {
 public:
  PosthogDestination(const std::string& base, std::string key)
      : url_(base + "/batch/"), key_(std::move(key)) {}

  size_t most_messages() const override { return kMostMessages; }
  size_t most_bytes() const override { return kMostBytes; }

  EncodedBatch Encode(std::span<const OutboundMessage> messages) const override {
    RequestPacker::Form form{
        {},         R"({"api_key":")" + key_ + R"(","historical_migration":false,"batch":[)",
        "]}",       kMostMessages,
        kMostBytes, kMostMessageBytes};
    form.blank.url = url_;
    return PackAll(messages, std::move(form), {WhyRefused, MessageJson});
  }

  // Beyond the quota they say 200 and drop the events.
  SendOutcome Judge(const VendorRequest& /*request*/, const OutboundReply& reply) const override {
    SendOutcome outcome = JudgeStatus(reply);
    if (outcome.verdict == SendVerdict::kTaken &&
        AnswerReader(reply.body).Lists("quota_limited", "events")) {
      outcome.verdict = SendVerdict::kRetry;
      outcome.retry_after = kQuotaPause;
      outcome.reason = "beyond the quota of the vendor's plan";
    }
    return outcome;
  }

  std::vector<VendorRequest> EncodeDeletion(
      std::span<const SubjectId> /*vendor_ids*/) const override {
    return {};
  }

 private:
  std::string url_;
  std::string key_;
};

}  // namespace

Result<std::unique_ptr<Destination>> MakePosthog(const DestinationSettings& settings) {
  const Result<std::string> base = BaseAddress(settings, kOwnAddress);
  if (!base) return base.error();
  Result<std::string> key = TakeKey(settings);
  if (!key) return key.error();
  return {std::make_unique<PosthogDestination>(*base, *std::move(key))};
}

}  // namespace bulkhead
