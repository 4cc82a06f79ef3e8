// Joins the rooms that read persons (http, vault) with the audit log; they are siblings of it or
// must not know it.
#pragma once

#include <string>

#include "audit/audit_log.h"
#include "http/server.h"
#include "vault/reveal.h"

namespace bulkhead {

class AuditRecorder final : public ReadRecorder, public RevealRecorder {
 public:
  explicit AuditRecorder(AuditLog* audit) : audit_(audit) {}

  Result<void> Record(const PersonRead& read) override {
    AuditEntry entry;
    entry.actor = read.account;
    entry.action = read.action;
    entry.project = read.project.value;
    entry.outcome = "allowed";
    entry.subjects = read.subjects;
    entry.count = read.subjects.size();
    entry.scope = read.scope;
    return Append(entry);
  }
  Result<void> Record(const VaultAct& act) override {
    AuditEntry entry;
    entry.actor = act.request.actor;
    entry.action = act.action;
    entry.project = act.request.project.value;
    entry.purpose = act.request.purpose;
    entry.subjects = act.subjects;
    entry.count = act.count;
    entry.outcome = act.outcome;
    Result<void> appended = Append(entry);
    if (appended && act.action == kEraseAction && act.outcome == "done") {
      return audit_->ForgetSubjects(act.subjects);
    }
    return appended;
  }

 private:
  Result<void> Append(const AuditEntry& entry) {
    const Result<AuditReceipt> receipt = audit_->Append(entry);
    return receipt ? Result<void>() : receipt.error();
  }

  AuditLog* audit_;
};

}  // namespace bulkhead
