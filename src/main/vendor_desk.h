// What egress answers to the operator's commands about vendors: one JSON object in, one JSON value
// out. What changes something is written to the audit log first; a kill at once, and then written.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "audit/audit_entry.h"
#include "base/clock.h"
#include "base/result.h"
#include "egress/ledger.h"
#include "egress/vendor_gateway.h"
#include "main/canary_watch.h"
#include "main/vendor_backfill.h"

namespace bulkhead {

// From the supervisor: who asks and the command (main/desk_command.h).
inline constexpr uint8_t kEgressVendorCommand = 2;

// Whether a command of the control socket is one of these: its "command" begins with "vendor-".
bool IsVendorCommand(std::string_view kind);

// Thread-safe as its parts are.
class VendorDesk {
 public:
  struct Parts {
    VendorGateway* gateway = nullptr;
    Ledger* ledger = nullptr;
    CanaryWatch* canaries = nullptr;
    const Clock* clock = nullptr;
    std::function<Result<uint64_t>(const AuditEntry&)> record;
    decltype(VendorBackfill::Parts::stored) stored;
  };
  explicit VendorDesk(Parts parts) : parts_(std::move(parts)) {}

  // `body` as EncodeDeskCommand made it.
  Result<std::string> Answer(std::string_view body);

 private:
  struct Command;
  static Result<Command> Parse(std::string_view body);
  Result<std::string> Do(const Command& command);
  Result<std::string> Change(const Command& command,
                             const std::function<Result<std::string>(VendorSender*)>& change);
  Result<std::string> Kill(const Command& command);
  Result<std::string> Backfill(const Command& command);
  Result<std::string> List() const;
  Result<std::string> CanarySeen(const Command& command);
  Result<std::string> Canaries(const Command& command);
  Result<std::string> Dead(const Command& command) const;
  Result<std::string> ByHand(const Command& command);
  Result<std::string> Exposed(const Command& command) const;
  Result<std::string> Measure() const;
  [[nodiscard]] Result<std::string> JoinableJson(const LedgerWindow& window) const;
  [[nodiscard]] Result<std::shared_ptr<VendorSender>> SenderOf(const Command& command) const;
  Result<uint64_t> Record(const Command& command, std::string_view outcome, std::string scope = {});

  const Parts parts_;
};

}  // namespace bulkhead
