#include "main/remote_gate.h"

#include <algorithm>

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
    case VaultAction::kSurvey:
      return "incident.survey";
  }
  return "unknown";
}

// Bulk exports have the time lock and the veto in the budget's place: they are there for what no
// daily budget allows.
bool IsCharged(VaultAction action) {
  return action == VaultAction::kReveal || action == VaultAction::kFind;
}

std::string ScopeOf(const RevealAct& act) {
  switch (act.action) {
    case VaultAction::kErase:
      return ErasureScope(act.log_position, act.asker.reference);
    case VaultAction::kSurvey:
      return "vault: everybody of whom it has identities";
    default:
      return act.asker.reference;
  }
}

AuditEntry EntryOf(const RevealAct& act, const char* outcome) {
  AuditEntry entry;
  entry.actor = act.asker.actor;
  entry.action = ActionText(act.action);
  entry.project = act.asker.project.value;
  entry.purpose = act.asker.purpose;
  entry.scope = ScopeOf(act);
  entry.subjects = act.subjects;
  entry.fields = act.fields;
  entry.approval = act.export_id;
  entry.count = act.count;
  entry.outcome = outcome;
  return entry;
}

}  // namespace

// An erasure names its subjects openly, and only so many in one entry: the last one's index.
Result<uint64_t> RemoteGate::Append(AuditEntry entry) {
  std::vector<SubjectId> left = std::move(entry.subjects);
  do {
    const size_t most = entry.action == kEraseAction ? kMaxNamedSubjects : left.size();
    const auto end = left.begin() + static_cast<std::ptrdiff_t>(std::min(most, left.size()));
    entry.subjects.assign(left.begin(), end);
    left.erase(left.begin(), end);
    Result<uint64_t> index = audit_->Append(entry);
    if (!index || left.empty()) {
      return index;
    }
  } while (true);
}

Result<RevealAllowed> RemoteGate::Ask(const RevealAct& act) {
  const AuditEntry entry = EntryOf(act, "allowed");
  if (!IsCharged(act.action)) {
    const Result<uint64_t> index = Append(entry);
    return index ? Result<RevealAllowed>(RevealAllowed{*index, 0}) : index.error();
  }
  const Result<AuditCharged> charged = audit_->Charge(entry);
  return charged ? Result<RevealAllowed>(RevealAllowed{charged->index, charged->left})
                 : charged.error();
}

Result<RevealAllowed> RemoteGate::Ended(const RevealAct& act, bool done) {
  const Result<uint64_t> index = Append(EntryOf(act, done ? "done" : "failed"));
  if (!index) {
    return index.error();
  }
  if (done && act.action == VaultAction::kErase) {
    if (Result<void> silent = audit_->Forget(act.subjects); !silent) {
      return silent.error();
    }
  }
  return RevealAllowed{*index, 0};
}

}  // namespace bulkhead
