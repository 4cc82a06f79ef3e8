#include "main/remote_gate.h"

namespace bulkhead {
namespace {

const char* ActionText(VaultAction action) {
  switch (action) {
    case VaultAction::kReveal:
      return "reveal";
    case VaultAction::kFind:
      return "find";
    case VaultAction::kErase:
      return "erase";
    case VaultAction::kExportAsk:
      return "export.ask";
    case VaultAction::kExportVeto:
      return "export.veto";
    case VaultAction::kExportPage:
      return "export.page";
    case VaultAction::kGuessesRefused:
      return "guesses.refused";
  }
  return "unknown";
}

}  // namespace

Result<RevealAllowed> RemoteGate::Record(const RevealAct& act, const std::string& outcome) {
  AuditEntry entry;
  entry.actor = act.asker.actor;
  entry.action = ActionText(act.action);
  entry.project = act.asker.project.value;
  entry.purpose = act.asker.purpose;
  entry.scope = act.asker.reference;
  entry.subjects = act.subjects;
  entry.count = act.count;
  entry.outcome = outcome;
  Result<void> recorded = audit_->Append(entry);
  return recorded ? Result<RevealAllowed>(RevealAllowed{}) : recorded.error();
}

}  // namespace bulkhead
