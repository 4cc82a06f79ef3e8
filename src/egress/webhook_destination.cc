#include <fmt/format.h>

#include <algorithm>

#include "egress/message_json.h"
#include "egress/request_packer.h"
#include "egress/standard_webhook.h"
#include "egress/vendor_answer.h"
#include "egress/vendor_destinations.h"
#include "egress/web_address.h"

namespace bulkhead {
namespace {

constexpr size_t kMostMessages = 500;
constexpr size_t kMostBytes = 500'000;  // many receivers take no body of a megabyte
constexpr size_t kEnvelopeBytes = 200;  // of that
constexpr size_t kMostDeletedIds = 2000;
constexpr int kGone = 410;

std::optional<std::string_view> WhyRefused(const OutboundMessage& message) {
  return WhyUnsayable(message);
}

class WebhookDestination final : public Destination {
 public:
  WebhookDestination(std::string url, SecretBytes secret, const Clock* clock)
      : url_(std::move(url)), secret_(std::move(secret)), clock_(clock) {}

  size_t most_messages() const override { return kMostMessages; }
  size_t most_bytes() const override { return kMostBytes; }

  EncodedBatch Encode(std::span<const OutboundMessage> messages) const override {
    constexpr size_t kMostData = kMostBytes - kEnvelopeBytes;
    RequestPacker::Form form{{}, R"({"messages":[)", "]}", kMostMessages, kMostData, kMostData};
    form.most_message_bytes -= form.before.size() + form.after.size();
    form.blank.url = url_;
    EncodedBatch batch = PackAll(messages, std::move(form), {WhyRefused, MessageJson});
    for (VendorRequest& request : batch.requests) {
      std::string ids;
      int64_t newest_ms = 0;
      for (const size_t place : request.messages) {
        ids += messages[place].id;
        newest_ms = std::max(newest_ms, messages[place].time_ms);
      }
      Sign("events.batch", newest_ms, ids, &request);
    }
    return batch;
  }

  // 410: the receiver wants no more.
  SendOutcome Judge(const VendorRequest& /*request*/, const OutboundReply& reply) const override {
    SendOutcome outcome = JudgeStatus(reply);
    if (reply.status == kGone) outcome.verdict = SendVerdict::kDenied;
    return outcome;
  }

  std::vector<VendorRequest> EncodeDeletion(std::span<const SubjectId> vendor_ids) const override {
    std::vector<VendorRequest> requests;
    for (size_t from = 0; from < vendor_ids.size(); from += kMostDeletedIds) {
      VendorRequest request;
      request.url = url_;
      ValueList persons;
      const size_t count = std::min(kMostDeletedIds, vendor_ids.size() - from);
      for (const SubjectId& id : vendor_ids.subspan(from, count)) persons.emplace_back(id.ToHex());
      request.body = "{";
      AppendMember("persons", Value(std::move(persons)), &request.body);
      request.body += "}";
      const std::string content = "deletion" + request.body;
      Sign("persons.deletion", clock_->NowMs(), content, &request);
      requests.push_back(std::move(request));
    }
    return requests;
  }

 private:
  // Makes the whole message of its data, the same at every attempt but for the signature's time.
  void Sign(std::string_view type, int64_t time_ms, std::string_view content,
            VendorRequest* request) const {
    request->body = fmt::format(R"({{"type":"{}","timestamp":"{}","data":{}}})", type,
                                IsoTime(time_ms), request->body);
    request->headers = WebhookHeaders(secret_, WebhookId(content), clock_->NowMs(), request->body);
  }

  std::string url_;
  SecretBytes secret_;
  const Clock* clock_;
};

}  // namespace

Result<std::unique_ptr<Destination>> MakeWebhook(const DestinationSettings& settings) {
  if (const Result<WebAddress> address = ParseWebAddress(settings.url); !address) {
    return address.error();
  }
  std::optional<SecretBytes> secret = ParseWebhookSecret(settings.credential);
  if (!secret) return NotTheForm("whsec_BASE64, of 32 bytes");
  return {std::make_unique<WebhookDestination>(settings.url, *std::move(secret), settings.clock)};
}

}  // namespace bulkhead
