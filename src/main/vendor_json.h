// What egress says of vendors, as JSON. Inside main/, for vendor_desk.h.
#pragma once

#include <string>

#include "egress/ledger.h"
#include "egress/vendor_sender.h"

namespace bulkhead {

std::string VendorStatusJson(const VendorStatus& status);
std::string ExposureJson(const LedgerWindow& window, const Exposure& exposure);

}  // namespace bulkhead
