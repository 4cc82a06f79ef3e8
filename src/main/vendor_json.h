// What egress says of vendors, as JSON. Inside main/, for vendor_desk.h.
#pragma once

#include <string>
#include <vector>

#include "egress/ledger.h"
#include "egress/vendor_sender.h"

namespace bulkhead {

// With whose people it gets, of those policies.
std::string VendorStatusJson(const VendorStatus& status, const VendorPolicies& policies);
std::string JsonTexts(const std::vector<std::string>& texts);
std::string ExposureJson(const LedgerWindow& window, const Exposure& exposure);

}  // namespace bulkhead
