#include "main/operator_exports.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/base64.h"
#include "base/hex.h"
#include "model/value.h"

namespace bulkhead {
namespace {

const char* StateText(ExportState state) {
  switch (state) {
    case ExportState::kWaiting:
      return "waiting";
    case ExportState::kReady:
      return "ready";
    case ExportState::kVetoed:
      return "vetoed";
    case ExportState::kExpired:
      return "expired";
  }
  return "unknown";
}

std::string InfoJson(const ExportInfo& info) {
  std::string json = "{\"export\":";
  AppendJsonString(info.export_id, &json);
  json += ",\"actor\":";
  AppendJsonString(info.asker.actor, &json);
  json += ",\"purpose\":";
  AppendJsonString(info.asker.purpose, &json);
  json += fmt::format(R"(,"state":"{}","asked_ms":{},"due_ms":{})", StateText(info.state),
                      info.asked_ms, info.due_ms);
  if (!info.vetoed_by.empty()) {
    json += ",\"vetoed_by\":";
    AppendJsonString(info.vetoed_by, &json);
  }
  return json + "}";
}

Result<std::string> AskForExport(const ExportCommand& command, VaultClient* vault) {
  ExportAskCall call;
  call.asker = command.asker;
  call.fields = command.fields;
  call.history = command.history;
  const std::optional<std::string> key = HexDecode(command.recipient);
  if (!key || key->size() != call.recipient.size()) {
    return Error{ErrorCode::kInvalid, "recipient: expected 64 hexadecimal digits"};
  }
  std::copy(key->begin(), key->end(), call.recipient.begin());
  Result<ExportAnswer> answer = vault->Ask<ExportAnswer>(call);
  if (!answer) {
    return answer.error();
  }
  spdlog::warn(
      "{} asked for a bulk export of identities of project {}: {} is given in {} hours, "
      "unless it is vetoed",
      command.asker.actor, command.asker.project.value, answer->info.export_id,
      (answer->info.due_ms - answer->info.asked_ms) / 3'600'000);
  return InfoJson(answer->info);
}

Result<std::string> ListExports(const ExportCommand& command, VaultClient* vault) {
  const Result<ExportListAnswer> answer =
      vault->Ask<ExportListAnswer>(ExportListCall{command.asker.project});
  if (!answer) {
    return answer.error();
  }
  std::string json = "[";
  for (const ExportInfo& info : answer->exports) {
    json += (json.size() > 1 ? "," : "") + InfoJson(info);
  }
  return json + "]";
}

Result<std::string> VetoExport(const ExportCommand& command, VaultClient* vault) {
  const Result<ExportAnswer> answer =
      vault->Ask<ExportAnswer>(ExportVetoCall{command.asker, command.export_id});
  return answer ? Result<std::string>(InfoJson(answer->info)) : answer.error();
}

Result<std::string> GivePage(const ExportCommand& command, VaultClient* vault) {
  ExportPageCall call{command.asker, command.export_id, {}};
  if (!command.after.empty()) {
    const std::optional<SubjectId> after = SubjectId::FromHex(command.after);
    if (!after) {
      return Error{ErrorCode::kInvalid, "after: expected 32 hexadecimal digits"};
    }
    call.after = *after;
  }
  const Result<ExportPageAnswer> page = vault->Ask<ExportPageAnswer>(call);
  if (!page) {
    return page.error();
  }
  return fmt::format(R"({{"sealed":"{}","last":"{}","subjects":{}}})", Base64Encode(page->sealed),
                     page->last.ToHex(), page->subjects);
}

}  // namespace

Result<std::string> AnswerExportCommand(const ExportCommand& command, VaultClient* vault) {
  if (command.kind == "export-ask") {
    return AskForExport(command, vault);
  }
  if (command.kind == "export-list") {
    return ListExports(command, vault);
  }
  if (command.kind == "export-veto") {
    return VetoExport(command, vault);
  }
  if (command.kind == "export-page") {
    return GivePage(command, vault);
  }
  return Error{ErrorCode::kInvalid, "this server does not know that command"};
}

}  // namespace bulkhead
