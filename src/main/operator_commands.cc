#include "main/operator_commands.h"

#include <simdjson.h>

#include "main/vault_calls.h"
#include "model/value.h"

namespace bulkhead {
namespace {

struct Command {
  std::string kind;
  std::string subject;  // 32 hexadecimal digits
  std::string id;       // as an SDK sent it
  VaultQuestion question;
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
  uint64_t project = 0;
  Command command;
  command.kind = member("command");
  command.subject = member("subject");
  command.id = member("id");
  command.question.text = member("email");
  command.question.request.purpose = member("purpose");
  command.question.request.actor = actor;
  if (root["project"].get(project) != simdjson::SUCCESS || project == 0 || project > UINT32_MAX) {
    return Error{ErrorCode::kInvalid, "project: expected a number"};
  }
  command.question.request.project = ProjectId{static_cast<uint32_t>(project)};
  return command;
}

Result<std::vector<SubjectId>> Pseudonym(const std::string& id, RpcClient* vault) {
  VaultQuestion question;
  question.text = id;
  Result<std::string> answer = vault->Call(kVaultPseudonym, EncodeVaultQuestion(question));
  return answer ? DecodeSubjects(*answer) : Result<std::vector<SubjectId>>(answer.error());
}

Result<void> NameSubject(Command* command, RpcClient* vault) {
  if (command->subject.empty() && command->id.empty()) {
    return Error{ErrorCode::kInvalid, "a subject or an id is required"};
  }
  if (!command->id.empty()) {
    Result<std::vector<SubjectId>> subjects = Pseudonym(command->id, vault);
    if (!subjects) {
      return subjects.error();
    }
    command->question.subjects = *std::move(subjects);
    return {};
  }
  const std::optional<SubjectId> subject = SubjectId::FromHex(command->subject);
  if (!subject) {
    return Error{ErrorCode::kInvalid, "subject: expected 32 hexadecimal digits"};
  }
  command->question.subjects = {*subject};
  return {};
}

std::string QuotedSubjects(const std::vector<SubjectId>& subjects) {
  std::string json = "[";
  for (const SubjectId& subject : subjects) {
    json += json.size() > 1 ? ",\"" : "\"";
    json += subject.ToHex() + "\"";
  }
  return json + "]";
}

Result<std::string> Reveal(const Command& command, RpcClient* vault) {
  Result<std::string> answer = vault->Call(kVaultReveal, EncodeVaultQuestion(command.question));
  if (!answer) {
    return answer.error();
  }
  Result<std::vector<RevealedText>> fields = DecodeRevealed(*answer);
  if (!fields) {
    return fields.error();
  }
  std::string json = R"({"subject":")" + command.question.subjects[0].ToHex() + R"(","fields":[)";
  for (const RevealedText& field : *fields) {
    json += json.back() == '[' ? "{\"field\":" : ",{\"field\":";
    AppendJsonString(field.field, &json);
    json += ",\"value\":";
    AppendJsonString(field.value, &json);
    json += field.earlier ? ",\"earlier\":true}" : "}";
  }
  return json + "]}";
}

Result<std::string> Answer(std::string_view text, const std::string& actor,
                           const OperatorPeers& peers) {
  Result<Command> command = Parse(text, actor);
  if (!command) {
    return command.error();
  }
  if (command->kind == "find") {
    Result<std::string> found =
        peers.vault->Call(kVaultFind, EncodeVaultQuestion(command->question));
    Result<std::vector<SubjectId>> subjects =
        found ? DecodeSubjects(*found) : Result<std::vector<SubjectId>>(found.error());
    return subjects ? Result<std::string>(QuotedSubjects(*subjects)) : subjects.error();
  }
  if (command->kind != "reveal" && command->kind != "erase") {
    return Error{ErrorCode::kInvalid, "this server does not know that command"};
  }
  if (Result<void> named = NameSubject(&*command, peers.vault); !named) {
    return named.error();
  }
  if (command->kind == "reveal") {
    return Reveal(*command, peers.vault);
  }
  Result<std::string> erased = peers.core->Call(kVaultErase, EncodeVaultQuestion(command->question),
                                                std::chrono::minutes(5));
  if (!erased) {
    return erased.error();
  }
  std::string json;
  AppendJsonString(*erased, &json);
  return json;
}

}  // namespace

std::string AnswerOperatorCommand(std::string_view command, const std::string& actor,
                                  const OperatorPeers& peers) {
  Result<std::string> answer = Answer(command, actor, peers);
  if (answer) {
    return "{\"answer\":" + *answer + "}";
  }
  std::string json = "{\"error\":";
  AppendJsonString(answer.error().message, &json);
  return json + "}";
}

}  // namespace bulkhead
