// Prints what a vendor is sent of some fixed messages, as a JSON object a line: for the tests that
// hold it against the vendors' own clients. print_requests TYPE CREDENTIAL [URL] [delete]
#include <cstdio>
#include <string>

#include "crypto/crypto.h"
#include "egress/destination.h"

namespace {

using namespace bulkhead;  // NOLINT

constexpr int64_t kTimeMs = 1'768'465'800'123;  // 2026-01-15T08:30:00.123Z

SubjectId Person(uint8_t number) {
  SubjectId id;
  id.bytes.fill(number);
  return id;
}

std::vector<OutboundMessage> Messages(bool with_identities) {
  using Kind = OutboundMessage::Kind;
  const ValueObject address = {{"city", Value("Bergen")}, {"floors", Value(ValueList{Value(1.0)})}};
  std::vector<OutboundMessage> messages = {
      {Kind::kEvent,
       "0123456789abcdef0123456789abcdef",
       Person(0xA1),
       "Signed Up",
       kTimeMs,
       {{"plan", Value("pro \"5\" \xC3\xA9"), FieldForm::kPlain},
        {"seats", Value(3.0), FieldForm::kCoarse},
        {"share", Value(0.25), FieldForm::kPlain},
        {"trial", Value(false), FieldForm::kPlain}}},
      {Kind::kEvent,
       "1123456789abcdef0123456789abcdef",
       Person(0xB2),
       "Moved",
       kTimeMs + 60'000,
       {{"to", Value(address), FieldForm::kPlain},
        {"tags", Value(ValueList{Value("a"), Value("b")}), FieldForm::kPlain}}},
      {Kind::kEvent, "2123456789abcdef0123456789abcdef", SubjectId{}, "Viewed", kTimeMs, {}},
      {Kind::kProfile,
       "3123456789abcdef0123456789abcdef",
       Person(0xA1),
       "",
       kTimeMs,
       {{"tier", Value("gold"), FieldForm::kPlain}}}};
  if (with_identities) {
    messages[0].fields.push_back({"$email", Value("a@example.org"), FieldForm::kIdentity});
    messages[3].fields.push_back({"$name", Value("A. Example"), FieldForm::kIdentity});
  }
  return messages;
}

void Print(const VendorRequest& request) {
  ValueObject headers;
  for (const auto& [name, value] : request.headers) headers.emplace_back(name, Value(value));
  ValueList places;
  for (const size_t place : request.messages) places.emplace_back(static_cast<double>(place));
  const ValueObject line = {{"url", Value(request.url)},
                            {"content_type", Value(request.content_type)},
                            {"headers", Value(headers)},
                            {"body", Value(request.body)},
                            {"messages", Value(places)}};
  std::printf("%s\n", ToJson(Value(line)).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<VendorType> type = argc >= 3 ? VendorTypeNamed(argv[1]) : std::nullopt;
  if (!type) return 2;
  InitCrypto();
  const auto destination = MakeDestination({*type, argc > 3 ? argv[3] : "", argv[2]});
  if (!destination) {
    std::fprintf(stderr, "%s\n", destination.error().message.c_str());
    return 1;
  }
  if (argc > 4) {
    const std::vector<SubjectId> ids = {Person(0xA1)};
    for (const VendorRequest& request : (*destination)->EncodeDeletion(ids)) Print(request);
    return 0;
  }
  const EncodedBatch batch = (*destination)->Encode(Messages(*type != VendorType::kGa4));
  for (const VendorRequest& request : batch.requests) Print(request);
  for (const RefusedMessage& refused : batch.refused) {
    std::fprintf(stderr, "%zu: %s\n", refused.message, refused.reason.c_str());
  }
  return batch.refused.empty() ? 0 : 1;
}
