#include "main/incident_ask.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "main/audit_commands.h"
#include "model/value.h"

namespace bulkhead {
namespace {

Result<IncidentVersion> RecordOf(const std::string& base64) {
  const std::optional<std::string> bytes = Base64DecodeStrict(base64);
  return bytes ? DecodeIncidentVersion(*bytes) : Result<IncidentVersion>(UnreadableAnswer());
}

}  // namespace

Result<ServerAnswer> AskIncident(const ReachedServer& server, const IncidentAsk& ask) {
  return AskDesk(server, "incident", ask);
}

Result<ServerAnswer> AskDesk(const ReachedServer& server, std::string_view desk,
                             const IncidentAsk& ask) {
  std::string json = fmt::format(R"({{"command":"{}-{}")", desk, ask.kind);
  for (const auto& [name, text] : ask.texts) {
    if (text.empty()) continue;
    json += fmt::format(",\"{}\":", name);
    AppendJsonString(text, &json);
  }
  for (const auto& [name, number] : ask.numbers) {
    if (number != 0) json += fmt::format(",\"{}\":{}", name, number);
  }
  for (const char* flag : ask.flags) json += fmt::format(",\"{}\":true", flag);
  return ServerAnswer::Of(server.Command(json + "}"));
}

Result<IncidentVersion> AskRecord(const ReachedServer& server, const IncidentAsk& ask) {
  const Result<ServerAnswer> answer = AskIncident(server, ask);
  return answer ? AnswerRecord(answer->root()) : answer.error();
}

Result<IncidentVersion> AskFacts(const ReachedServer& server, const FactsAsk& ask,
                                 const Obligations& obligations) {
  Result<IncidentVersion> before = AskRecord(server, {"read", {{"id", ask.id}}, {}, {}});
  if (!before) {
    return before.error();
  }
  FactChanges changes = ask.changes;
  changes.parse_time = ParseMoment;
  const Result<IncidentFacts> facts =
      ApplyFactChanges(std::move(before->facts), changes, obligations);
  if (!facts) {
    return facts.error();
  }
  return AskRecord(
      server,
      {"facts",
       {{"id", ask.id}, {"facts", Base64Encode(EncodeIncidentFacts(*facts))}, {"why", ask.why}},
       {{"base", before->number}},
       {}});
}

Result<std::string> AnswerBytes(const simdjson::dom::element& answer, const char* name) {
  std::optional<std::string> bytes = Base64DecodeStrict(TextMember(answer, name));
  return bytes ? Result<std::string>(*std::move(bytes)) : UnreadableAnswer();
}

Result<IncidentVersion> AnswerRecord(const simdjson::dom::element& answer) {
  return RecordOf(TextMember(answer, "record"));
}

Result<std::vector<IncidentVersion>> AnswerRecords(const simdjson::dom::element& answer) {
  std::vector<IncidentVersion> versions;
  for (const simdjson::dom::element item : ListOf(answer)) {
    std::string_view text;
    Result<IncidentVersion> version = item.get(text) == simdjson::SUCCESS
                                          ? RecordOf(std::string(text))
                                          : Result<IncidentVersion>(UnreadableAnswer());
    if (!version) {
      return version.error();
    }
    versions.push_back(*std::move(version));
  }
  return versions;
}

Result<std::unique_ptr<AppendFile>> MakeNewFile(const std::string& path) {
  if (RealFileSystem().Exists(path)) {
    return Error{ErrorCode::kInvalid, path + " is there already"};
  }
  return RealFileSystem().OpenAppend(path);
}

}  // namespace bulkhead
