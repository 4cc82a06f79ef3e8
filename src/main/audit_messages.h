// How compartments ask the audit log to record: the kinds of calls and their bytes. Both ends are
// this program; each may be in somebody else's hands, so that everything that is read is bounded.
#pragma once

#include <string>
#include <string_view>

#include "audit/audit_file.h"
#include "base/result.h"
#include "channel/rpc_client.h"

namespace bulkhead {

inline constexpr uint8_t kAuditAppend = 1;  // an entry; answers after it is durable

std::string EncodeAuditEntry(const AuditEntry& entry);
// kInvalid: not what EncodeAuditEntry writes.
Result<AuditEntry> DecodeAuditEntry(std::string_view bytes);

// Where entries go: the log itself, or the compartment that has it.
class AuditSink {
 public:
  virtual ~AuditSink() = default;
  // Durable when it returns; an error means that what it records must not happen.
  virtual Result<void> Append(const AuditEntry& entry) = 0;
};

class RemoteAudit final : public AuditSink {
 public:
  void Attach(Descriptor line) { client_.Attach(std::move(line)); }
  Result<void> Append(const AuditEntry& entry) override;

 private:
  RpcClient client_;
};

}  // namespace bulkhead
