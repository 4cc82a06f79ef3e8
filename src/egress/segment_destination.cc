#include <array>

#include "egress/message_json.h"
#include "egress/request_packer.h"
#include "egress/vendor_answer.h"
#include "egress/vendor_destinations.h"

namespace bulkhead {
namespace {

constexpr std::string_view kOwnAddress = "https://api.segment.io";
constexpr size_t kMostMessages = 1000;
constexpr size_t kMostBytes = 500'000;
constexpr size_t kMostMessageBytes = 32'000;

constexpr std::array<NamePair, 6> kIdentities = {{{"$email", "email"},
                                                  {"$name", "name"},
                                                  {"$first_name", "firstName"},
                                                  {"$last_name", "lastName"},
                                                  {"$phone", "phone"},
                                                  {"$avatar", "avatar"}}};
constexpr FieldNaming kNaming{{}, kIdentities};

std::optional<std::string_view> WhyRefused(const OutboundMessage& message) {
  return WhyUnsayable(message);
}

std::string MessageJson(const OutboundMessage& message) {
  const bool is_event = message.kind == OutboundMessage::Kind::kEvent;
  std::string json = "{";
  AppendMember("type", is_event ? "track" : "identify", &json);
  AppendMember("messageId", message.id, &json);
  AppendMember("timestamp", IsoTime(message.time_ms), &json);
  AppendMember(message.vendor_id.IsNobody() ? "anonymousId" : "userId", PersonOf(message), &json);
  if (is_event) AppendMember("event", message.name, &json);
  json += is_event ? R"(,"properties":{)" : R"(,"traits":{)";
  AppendFields(message.fields, kNaming, &json);
  return json + "}}";
}

class SegmentDestination final : public Destination {
 public:
  SegmentDestination(const std::string& base, std::string key)
      : url_(base + "/v1/batch"), key_(std::move(key)) {}

  size_t most_messages() const override { return kMostMessages; }
  size_t most_bytes() const override { return kMostBytes; }

  EncodedBatch Encode(std::span<const OutboundMessage> messages) const override {
    RequestPacker::Form form{{},         R"({"batch":[)",  "]}", kMostMessages,
                             kMostBytes, kMostMessageBytes};
    form.blank.url = url_;
    form.blank.headers = {BasicAuthorization(key_, "")};
    return PackAll(messages, std::move(form), {WhyRefused, MessageJson});
  }

  SendOutcome Judge(const VendorRequest& /*request*/, const OutboundReply& reply) const override {
    return JudgeStatus(reply);
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

Result<std::unique_ptr<Destination>> MakeSegment(const DestinationSettings& settings) {
  const Result<std::string> base = BaseAddress(settings, kOwnAddress);
  if (!base) return base.error();
  Result<std::string> key = TakeKey(settings);
  if (!key) return key.error();
  return {std::make_unique<SegmentDestination>(*base, *std::move(key))};
}

}  // namespace bulkhead
