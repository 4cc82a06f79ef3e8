// Joins the faces that read persons (http) with the audit log, which they must not know.
#pragma once

#include "http/server.h"
#include "main/audit_messages.h"

namespace bulkhead {

class AuditRecorder final : public ReadRecorder {
 public:
  explicit AuditRecorder(AuditSink* audit) : audit_(audit) {}

  Result<void> Record(const PersonRead& read) override {
    AuditEntry entry;
    entry.actor = read.account;
    entry.action = read.action;
    entry.project = read.project.value;
    entry.outcome = "allowed";
    entry.subjects = read.subjects;
    entry.count = read.subjects.size();
    entry.scope = read.scope;
    const Result<uint64_t> index = audit_->Append(entry);
    return index ? Result<void>() : index.error();
  }

 private:
  AuditSink* audit_;
};

}  // namespace bulkhead
