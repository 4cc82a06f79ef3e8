#include "main/operator_commands.h"

#include <simdjson.h>

#include "main/desk_command.h"
#include "main/erase_call.h"
#include "main/incident_desk.h"
#include "main/notice_desk.h"
#include "main/operator_exports.h"
#include "main/vendor_desk.h"
#include "model/value.h"

namespace bulkhead {
namespace {

struct Command {
  std::string kind;
  std::string subject;  // 32 hexadecimal digits
  std::string id;       // as an SDK sent it
  std::string email;
  bool history = false;
  VaultAsker asker;
  ExportCommand bulk;  // where the kind is one of an export's
};

Result<Command> Parse(std::string_view text, const std::string& actor) {
  simdjson::dom::parser parser;
  simdjson::dom::object root;
  if (parser.parse(simdjson::padded_string(text)).get(root) != simdjson::SUCCESS) {
    return Error{ErrorCode::kInvalid, "the command is not a JSON object"};
  }
  const auto member = [&root](const char* name) {
    std::string_view value;
    return root[name].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
  };
  Command command{
      member("command"), member("subject"), member("id"), member("email"), false, {}, {}};
  command.asker = {ProjectId{}, actor, member("purpose"), member("reference")};
  uint64_t project = 0;
  if (root["project"].get(project) != simdjson::SUCCESS || project == 0 || project > UINT32_MAX) {
    return Error{ErrorCode::kInvalid, "project: expected a number"};
  }
  command.asker.project = ProjectId{static_cast<uint32_t>(project)};
  command.history = root["history"].error() == simdjson::SUCCESS;
  command.bulk = {command.kind,     command.asker,  {}, command.history, member("recipient"),
                  member("export"), member("after")};
  simdjson::dom::array fields;
  if (root["fields"].get(fields) == simdjson::SUCCESS) {
    for (const simdjson::dom::element field : fields) {
      std::string_view name;
      if (field.get(name) != simdjson::SUCCESS) {
        return Error{ErrorCode::kInvalid, "fields: expected texts"};
      }
      command.bulk.fields.emplace_back(name);
    }
  }
  return command;
}

Result<SubjectId> SubjectOf(const Command& command, VaultClient* vault) {
  if (!command.id.empty()) {
    Result<PseudonymAnswer> answer =
        vault->Ask<PseudonymAnswer>(PseudonymCall{command.asker, {command.id}});
    if (!answer) {
      return answer.error();
    }
    return answer->subjects.empty() ? Result<SubjectId>(Error{ErrorCode::kBug, "no pseudonym"})
                                    : answer->subjects.front();
  }
  const std::optional<SubjectId> subject = SubjectId::FromHex(command.subject);
  return subject ? Result<SubjectId>(*subject)
                 : Error{ErrorCode::kInvalid,
                         "a subject of 32 hexadecimal digits, or an id, is required"};
}

Result<std::string> Find(const Command& command, VaultClient* vault) {
  Result<FindAnswer> found = vault->Ask<FindAnswer>(FindCall{command.asker, command.email});
  if (!found) {
    return found.error();
  }
  std::string json = "[";
  for (const SubjectId& subject : found->subjects) {
    json += json.size() > 1 ? ",\"" : "\"";
    json += subject.ToHex() + "\"";
  }
  return json + "]";
}

Result<std::string> Reveal(const Command& command, const SubjectId& subject, VaultClient* vault) {
  Result<RevealAnswer> answer =
      vault->Ask<RevealAnswer>(RevealCall{command.asker, {subject}, {}, command.history});
  if (!answer) {
    return answer.error();
  }
  std::string json = R"({"subject":")" + subject.ToHex() + R"(","fields":[)";
  for (const RevealedSubject& revealed : answer->subjects) {
    for (const RevealedField& field : revealed.fields) {
      json += json.back() == '[' ? "{\"field\":" : ",{\"field\":";
      AppendJsonString(field.field, &json);
      json += ",\"value\":";
      AppendJsonString(field.value.view(), &json);
      json += field.from_profile && !field.current ? ",\"earlier\":true}" : "}";
    }
  }
  return json + "]}";
}

std::string KindOf(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::object root;
  std::string_view kind;
  return parser.parse(simdjson::padded_string(text)).get(root) == simdjson::SUCCESS &&
                 root["command"].get(kind) == simdjson::SUCCESS
             ? std::string(kind)
             : std::string();
}

Result<std::string> Answer(std::string_view text, const std::string& actor,
                           const OperatorPeers& peers) {
  const std::string kind = KindOf(text);
  if (IsVendorCommand(kind)) {
    return peers.egress->Call(kEgressVendorCommand, EncodeDeskCommand(actor, text));
  }
  if (IsIncidentCommand(kind)) {
    return peers.egress->Call(kEgressIncidentCommand, EncodeDeskCommand(actor, text),
                              std::chrono::minutes(5));
  }
  if (IsNoticeCommand(kind)) {
    return peers.egress->Call(kEgressNoticeCommand, EncodeDeskCommand(actor, text),
                              std::chrono::minutes(5));
  }
  if (!peers.vault_trouble.empty()) {
    return Error{ErrorCode::kUnavailable, peers.vault_trouble};
  }
  Result<Command> command = Parse(text, actor);
  if (!command) {
    return command.error();
  }
  if (command->kind == "find") {
    return Find(*command, peers.vault);
  }
  if (IsExportCommand(command->kind)) {
    return AnswerExportCommand(command->bulk, peers.vault);
  }
  if (command->kind != "reveal" && command->kind != "erase") {
    return Error{ErrorCode::kInvalid, "this server does not know that command"};
  }
  Result<SubjectId> subject = SubjectOf(*command, peers.vault);
  if (!subject) {
    return subject.error();
  }
  if (command->kind == "reveal") {
    return Reveal(*command, *subject, peers.vault);
  }
  return peers.core->Call(kCoreErase, EncodeVaultCall(EraseCall{command->asker, {*subject}}),
                          std::chrono::minutes(5));
}

}  // namespace

std::string AnswerOperatorCommand(std::string_view command, const std::string& actor,
                                  const OperatorPeers& peers) {
  Result<std::string> answer = Answer(command, actor, peers);
  if (answer) {
    return "{\"answer\":" + *answer + "}";
  }
  return ErrorAnswer(answer.error().message);
}

std::string ErrorAnswer(std::string_view message) {
  std::string json = "{\"error\":";
  AppendJsonString(message, &json);
  return json + "}";
}

}  // namespace bulkhead
