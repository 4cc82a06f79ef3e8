// Arbitrary bytes as a vendor's answer and as names and values of what is sent: judged and written
// without harm; nothing of an answer is repeated, and every message has one place.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/base64.h"
#include "base/check.h"
#include "crypto/crypto.h"
#include "egress/destination.h"
#include "egress/ga4_names.h"

namespace {

using namespace bulkhead;  // NOLINT

std::vector<std::unique_ptr<Destination>> MakeAll() {
  InitCrypto();
  const std::string url = "https://vendor.example.org";
  std::vector<std::unique_ptr<Destination>> all;
  for (const auto& [type, credential] : std::vector<std::pair<VendorType, std::string>>{
           {VendorType::kMixpanel, "1:u:s:T"},
           {VendorType::kAmplitude, "K"},
           {VendorType::kPosthog, "K"},
           {VendorType::kSegment, "K"},
           {VendorType::kGa4, "G-1:S"},
           {VendorType::kWebhook, "whsec_" + Base64Encode(std::string(32, 'k'))}}) {
    all.push_back(MakeDestination({type, url, credential}).value());
  }
  return all;
}

void JudgeAnswer(const Destination& destination, const OutboundReply& reply) {
  VendorRequest request;
  request.messages = {5, 6, 7, 8};
  const SendOutcome outcome = destination.Judge(request, reply);
  std::vector<bool> seen(4);
  for (const RefusedMessage& refused : outcome.refused) {
    Check(refused.message >= 5 && refused.message <= 8, "a refused message was in the request");
    Check(!seen[refused.message - 5], "a message is refused once");
    seen[refused.message - 5] = true;
    Check(refused.reason.size() < 100, "a reason is ours");
  }
  Check(!outcome.retry_after || outcome.retry_after->count() >= 0, "a pause is not negative");
}

void CheckGa4(std::string_view text) {
  for (const Ga4Kind kind : {Ga4Kind::kEvent, Ga4Kind::kParameter, Ga4Kind::kUserProperty}) {
    const std::string name = Ga4Name(text, kind);
    Check(name.size() <= Ga4MostNameBytes(kind), "a name is not too long");
    Check(Ga4Name(name, kind) == name || name.starts_with("x_"), "a name that fits is kept");
    static_cast<void>(Ga4Value(Value(text), kind));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<std::unique_ptr<Destination>> all = MakeAll();
  constexpr int kStatuses[] = {200, 400, 401, 410, 413, 429, 500};
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t split = text.empty() ? 0 : data[1] % text.size();
  OutboundMessage message{OutboundMessage::Kind::kEvent, std::string(32, '0'), {}, "", 0, {}};
  message.name = text.substr(0, split);
  if (data[1] % 2 == 1) message.vendor_id.bytes[0] = 1;
  if (data[1] % 4 == 3) message.kind = OutboundMessage::Kind::kProfile;
  message.fields = {{message.name, Value(text), FieldForm::kPlain},
                    {std::string(text), Value(2.0), FieldForm::kCoarse}};
  CheckGa4(text);
  for (const auto& destination : all) {
    JudgeAnswer(*destination, {kStatuses[data[0] % std::size(kStatuses)], std::string(text),
                               std::string(text.substr(split)), 1'764'000'000'000});
    const EncodedBatch batch = destination->Encode({&message, 1});
    Check(batch.requests.size() + batch.refused.size() == 1, "a message has one place");
  }
  return 0;
}
