// One vendor's interface: messages to HTTP requests, and what its answer means. Pure functions,
// which connect to nothing; egress/vendor_sender.h does.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "egress/outbound_client.h"
#include "egress/outbound_message.h"

namespace bulkhead {

// One request of a batch. Made right before it is sent, and anew for each attempt: webhooks carry
// the time of sending in their signature. Address, headers and body may hold the credential: none
// of them goes into a log or an error.
struct VendorRequest {
  std::string url;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;  // with the credential
  std::string body;
  std::vector<size_t> messages;  // which of the batch it carries, by place
};

// A message that can never be taken: it goes to the dead letters.
struct RefusedMessage {
  size_t message = 0;  // by place in the batch
  std::string reason;  // never a value
};

struct EncodedBatch {
  std::vector<VendorRequest> requests;  // to be sent in this order
  std::vector<RefusedMessage> refused;  // what this interface cannot say
};

enum class SendVerdict : unsigned char {
  kTaken = 1,  // but for `refused`
  kRetry,      // nothing was taken: later, without `refused`
  kTooLarge,   // or refused without a word on which messages: in halves; a single one is refused
  kDenied      // the credential is not good: nothing is sent until it or the policy changes
};

struct SendOutcome {
  SendVerdict verdict = SendVerdict::kRetry;
  std::vector<RefusedMessage> refused;              // by place in the batch
  std::optional<std::chrono::seconds> retry_after;  // of kRetry; 0: at once
  std::string reason;                               // what went wrong, for people; never a value
};

class Destination {
 public:
  virtual ~Destination() = default;
  [[nodiscard]] virtual size_t most_messages() const = 0;  // in one request
  [[nodiscard]] virtual size_t most_bytes() const = 0;     // of one request's body
  // Every message is in exactly one request or refused. No request is larger than most_bytes().
  // A message's id has 32 hexadecimal digits.
  [[nodiscard]] virtual EncodedBatch Encode(std::span<const OutboundMessage> messages) const = 0;
  [[nodiscard]] virtual SendOutcome Judge(const VendorRequest& request,
                                          const OutboundReply& reply) const = 0;
  // Asks the vendor to delete what it has of these ids; empty where it has no interface for that
  // which the credential opens. Such a request carries no messages; its answer is judged likewise,
  // and kTooLarge means that the vendor refuses it.
  [[nodiscard]] virtual std::vector<VendorRequest> EncodeDeletion(
      std::span<const SubjectId> vendor_ids) const = 0;
};

struct DestinationSettings {
  VendorType type = VendorType::kWebhook;
  std::string url;  // as the policy has it; empty: the vendor's own
  // As `bulkhead vendor credential` took it. Mixpanel: "PROJECT_ID:USERNAME:SECRET" or
  // "PROJECT_ID:USERNAME:SECRET:TOKEN" where profiles are sent; Amplitude, PostHog, Segment: the
  // key; GA4: "MEASUREMENT_ID:API_SECRET"; webhook: the signing secret, "whsec_" and base64 of 32
  // bytes.
  std::string credential;
  const Clock* clock = &SystemClock();  // of webhooks' signatures; outlives the destination
};
// kInvalid: a credential of another form or none, no address, and kFiles, which is sent to nobody.
Result<std::unique_ptr<Destination>> MakeDestination(const DestinationSettings& settings);

}  // namespace bulkhead
