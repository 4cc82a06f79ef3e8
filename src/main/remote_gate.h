// The vault's gate: asks the audit compartment, which records the act and charges the budget,
// before anything is given.
#pragma once

#include <string>

#include "main/audit_messages.h"
#include "vault/reveal_gate.h"

namespace bulkhead {

class RemoteGate final : public RevealGate {
 public:
  explicit RemoteGate(RemoteAudit* audit) : audit_(audit) {}
  Result<RevealAllowed> Ask(const RevealAct& act) override;
  Result<RevealAllowed> Ended(const RevealAct& act, bool done) override;

 private:
  Result<uint64_t> Append(AuditEntry entry);
  RemoteAudit* audit_;
};

}  // namespace bulkhead
