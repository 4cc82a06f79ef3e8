// Joins the faces that read persons (http) with the audit log, which they must not know.
#pragma once

#include <algorithm>
#include <string>

#include "audit/audit_line.h"
#include "http/server.h"
#include "main/audit_messages.h"

namespace bulkhead {

class AuditRecorder final : public ReadRecorder {
 public:
  explicit AuditRecorder(AuditSink* audit) : audit_(audit) {}

  // As many lines as the subjects need; each says which part of the read it is.
  Result<void> Record(const PersonRead& read) override {
    AuditEntry entry;
    entry.actor = read.account;
    entry.action = read.action;
    entry.project = read.project.value;
    entry.outcome = "allowed";
    const size_t total = read.subjects.size();
    const size_t parts = std::max<size_t>(1, (total + kMaxAuditSubjects - 1) / kMaxAuditSubjects);
    for (size_t part = 0; part < parts; ++part) {
      const size_t begin = part * kMaxAuditSubjects;
      const size_t end = std::min(total, begin + kMaxAuditSubjects);
      entry.subjects.assign(read.subjects.begin() + static_cast<ptrdiff_t>(begin),
                            read.subjects.begin() + static_cast<ptrdiff_t>(end));
      entry.count = entry.subjects.size();
      entry.scope = read.scope;
      if (parts > 1) {
        entry.scope += ", part " + std::to_string(part + 1) + " of " + std::to_string(parts);
      }
      if (Result<void> appended = audit_->Append(entry); !appended) {
        return appended;
      }
    }
    return {};
  }

 private:
  AuditSink* audit_;
};

}  // namespace bulkhead
