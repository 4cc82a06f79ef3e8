// The vault's gate: asks the audit compartment, which records the act and charges the budget,
// before anything is given.
#pragma once

#include <string>

#include "main/audit_messages.h"
#include "vault/reveal_gate.h"

namespace bulkhead {

class RemoteGate final : public RevealGate {
 public:
  explicit RemoteGate(AuditSink* audit) : audit_(audit) {}
  Result<RevealAllowed> Ask(const RevealAct& act) override { return Record(act, "allowed"); }
  Result<RevealAllowed> Ended(const RevealAct& act, bool done) override {
    return Record(act, done ? "done" : "failed");
  }

 private:
  Result<RevealAllowed> Record(const RevealAct& act, const std::string& outcome);
  AuditSink* audit_;
};

}  // namespace bulkhead
