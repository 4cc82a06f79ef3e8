// `bulkhead vendor register ...`: what the operator promises himself of each vendor, beside what
// the server measured.
#pragma once

#include <string>

#include "base/result.h"

namespace bulkhead {

struct VendorRegisterCommand {
  std::string dir;     // data directory
  std::string file;    // check: a register
  std::string vendor;  // show: this one alone; empty: all
  bool json = false;
};

// Whether FILE is a register; every mistake by line and key.
Result<void> CommandVendorRegisterCheck(const VendorRegisterCommand& command);
// DIR/policy/vendors.toml, which need not be there, beside policy and ledger, and where they
// differ.
Result<void> CommandVendorRegister(const VendorRegisterCommand& command);

}  // namespace bulkhead
