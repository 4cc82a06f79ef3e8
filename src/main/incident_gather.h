// Where the numbers of an incident are from, by its kind: the ledger for what a vendor was sent,
// the audit log for what somebody was shown and for exports, core and the vault for what lies
// there. All but the ledger are asked page by page, and whoever answers writes down first who asks.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "egress/ledger.h"
#include "incident/exposure_source.h"
#include "incident/incident_record.h"
#include "incident/subject_table.h"
#include "main/audit_shown.h"
#include "main/holdings.h"
#include "vault/vault_messages.h"

namespace bulkhead {

struct GatherParts {
  const Ledger* ledger = nullptr;
  std::function<Result<ShownPage>(const ShownRequest&)> shown;
  std::function<Result<HoldingsPage>(const HoldingsRequest&)> core;
  std::function<Result<HoldingsAnswer>(const HoldingsCall&)> vault;
};

// The parts of ourselves that there are: core, vault, intake, everything.
bool IsPartOfOurselves(std::string_view part);

// The version's source. Its reads and remarks are made anew, and of an export the window.
// kNotFound: the audit log has nothing of that actor, export or entry.
Result<std::unique_ptr<ExposureSource>> GatherExposure(const GatherParts& parts,
                                                       const std::string& asker,
                                                       IncidentVersion* version);

}  // namespace bulkhead
