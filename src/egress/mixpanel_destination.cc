#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "egress/message_json.h"
#include "egress/request_packer.h"
#include "egress/vendor_answer.h"
#include "egress/vendor_destinations.h"

namespace bulkhead {
namespace {

constexpr std::string_view kOwnAddress = "https://api.mixpanel.com";
constexpr size_t kMostMessages = 2000;
constexpr size_t kMostBytes = 10'000'000;
constexpr size_t kMostMessageBytes = 1'000'000;
constexpr size_t kMostDeletedIds = 1999;

// Another id of the person would have the receiver join ids, and call the person by another.
constexpr std::array<std::string_view, 11> kTakenNames = {
    "time",     "distinct_id", "$distinct_id", "$insert_id",        "token",         "$token",
    "$user_id", "$device_id",  "$anon_id",     "$anon_distinct_id", "$identified_id"};
constexpr std::array<std::string_view, 3> kJoiningEvents = {"$identify", "$create_alias", "$merge"};
constexpr FieldNaming kNaming{kTakenNames, {}};

struct Credential {
  std::string project, username, secret, token;
};

// In the form of a UUID: a Bulkhead takes 32 digits without hyphens for a pseudonym of its own.
std::string DistinctId(const SubjectId& id) { return id.IsNobody() ? "" : UuidOf(id.ToHex()); }

std::string EventJson(const OutboundMessage& message) {
  std::string json = "{";
  AppendMember("event", message.name, &json);
  json += fmt::format(R"(,"properties":{{"time":{})", message.time_ms);
  AppendMember("distinct_id", DistinctId(message.vendor_id), &json);
  AppendMember("$insert_id", message.id, &json);
  AppendFields(message.fields, kNaming, &json);
  return json + "}}";
}

std::string ProfileJson(const OutboundMessage& message, std::string_view token) {
  std::string json = "{";
  AppendMember("$token", token, &json);
  AppendMember("$distinct_id", DistinctId(message.vendor_id), &json);
  json += R"(,"$ignore_time":true,"$set":{)";  // when we send says nothing of the person
  AppendFields(message.fields, kNaming, &json);
  return json + "}}";
}

class MixpanelDestination final : public Destination {
 public:
  MixpanelDestination(std::string base, Credential credential, bool is_bulkhead)
      : base_(std::move(base)), credential_(std::move(credential)), is_bulkhead_(is_bulkhead) {}

  size_t most_messages() const override { return kMostMessages; }
  size_t most_bytes() const override { return kMostBytes; }

  EncodedBatch Encode(std::span<const OutboundMessage> messages) const override {
    EncodedBatch batch;
    RequestPacker events(FormOf("/import?strict=1&ip=0&project_id=" + credential_.project), &batch);
    RequestPacker profiles(FormOf("/engage?verbose=1&strict=1&ip=0"), &batch);
    for (size_t place = 0; place < messages.size(); ++place) {
      const OutboundMessage& message = messages[place];
      if (const auto reason = WhyRefused(message)) {
        batch.refused.push_back({place, std::string(*reason)});
      } else if (message.kind == OutboundMessage::Kind::kEvent) {
        events.Add(place, EventJson(message));
      } else {
        profiles.Add(place, ProfileJson(message, credential_.token));
      }
    }
    events.Finish();
    profiles.Finish();
    return batch;
  }

  // A 400 that names records has taken the others.
  SendOutcome Judge(const VendorRequest& request, const OutboundReply& reply) const override {
    SendOutcome outcome = JudgeStatus(reply);
    if (reply.status != 400) return outcome;
    RefuseIndexed(AnswerReader(reply.body), {"failed_records"}, request, &outcome);
    if (!outcome.refused.empty()) outcome.verdict = SendVerdict::kTaken;
    return outcome;
  }

  // Mixpanel itself wants a token of a person's account for it.
  std::vector<VendorRequest> EncodeDeletion(std::span<const SubjectId> vendor_ids) const override {
    std::vector<VendorRequest> requests;
    if (!is_bulkhead_ || credential_.token.empty()) return requests;
    for (size_t from = 0; from < vendor_ids.size(); from += kMostDeletedIds) {
      VendorRequest request =
          FormOf("/api/app/data-deletions/v3.0/?token=" + credential_.token).blank;
      request.body = R"({"compliance_type":"GDPR","distinct_ids":[)";
      const size_t count = std::min(kMostDeletedIds, vendor_ids.size() - from);
      for (const SubjectId& id : vendor_ids.subspan(from, count)) {
        request.body += fmt::format(R"("{}",)", DistinctId(id));
      }
      request.body.back() = ']';
      request.body += '}';
      requests.push_back(std::move(request));
    }
    return requests;
  }

 private:
  RequestPacker::Form FormOf(const std::string& path) const {
    RequestPacker::Form form{{}, "[", "]", kMostMessages, kMostBytes, kMostMessageBytes};
    form.blank.url = base_ + path;
    form.blank.headers = {BasicAuthorization(credential_.username, credential_.secret)};
    return form;
  }

  std::optional<std::string_view> WhyRefused(const OutboundMessage& message) const {
    if (message.kind == OutboundMessage::Kind::kProfile && credential_.token.empty()) {
      return "a profile, and no token in the credential";
    }
    return WhyUnsayable(message, kJoiningEvents);
  }

  std::string base_;
  Credential credential_;
  bool is_bulkhead_;
};

bool IsWord(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

Result<Credential> ParseCredential(std::string_view text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ':') {
      parts.emplace_back();
    } else {
      parts.back().push_back(c);
    }
  }
  const bool is_right = (parts.size() == 3 || (parts.size() == 4 && IsKey(parts[3]))) &&
                        IsKey(parts[0]) && IsWord(parts[1]) && IsWord(parts[2]);
  if (!is_right)
    return NotTheForm("PROJECT_ID:USERNAME:SECRET or PROJECT_ID:USERNAME:SECRET:TOKEN");
  parts.resize(4);
  return Credential{parts[0], parts[1], parts[2], parts[3]};
}

// One of Mixpanel's own hosts, in whatever region; anything else that speaks so is a Bulkhead.
bool IsMixpanels(std::string_view base) {
  base = base.substr(0, base.find('/', base.find("://") + 3));
  return base.ends_with(".mixpanel.com");
}

}  // namespace

Result<std::unique_ptr<Destination>> MakeMixpanel(const DestinationSettings& settings) {
  Result<std::string> base = BaseAddress(settings, kOwnAddress);
  if (!base) return base.error();
  Result<Credential> credential = ParseCredential(settings.credential);
  if (!credential) return credential.error();
  const bool is_bulkhead = !IsMixpanels(*base);
  return {
      std::make_unique<MixpanelDestination>(*std::move(base), *std::move(credential), is_bulkhead)};
}

}  // namespace bulkhead
