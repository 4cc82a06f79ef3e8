// `[vendor.NAME]` of the policy file. Inside sieve/, for policy_parser.cc.
#pragma once

#include "base/toml_reader.h"
#include "model/vendor_policy.h"

namespace bulkhead {

// Mistakes are noted in `reader`.
VendorPolicies ReadVendors(const toml::table& vendors, TomlReader* reader);

}  // namespace bulkhead
