// Joins the rooms that read persons (http, vault) with the audit file; they are siblings of it or
// must not know it.
#pragma once

#include "audit/audit_file.h"
#include "http/server.h"
#include "vault/reveal.h"

namespace bulkhead {

class AuditRecorder final : public ReadRecorder, public RevealRecorder {
 public:
  explicit AuditRecorder(AuditFile* audit) : audit_(audit) {}

  Result<void> Record(const PersonRead& read) override {
    AuditEntry entry;
    entry.actor = read.account;
    entry.action = read.action;
    entry.project = read.project.value;
    entry.scope = read.scope;
    entry.outcome = "allowed";
    return audit_->Append(entry);
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
    return audit_->Append(entry);
  }

 private:
  AuditFile* audit_;
};

}  // namespace bulkhead
