// What `bulkhead vendor ...` does, apart from reading its arguments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace bulkhead {

struct VendorCommand {
  std::string dir;           // data directory
  std::string vendor;        // as the policy names it
  std::string from, to;      // exposure: days of sending, YYYY-MM-DD; empty: the last 90
  std::string code1, code2;  // revive
  uint32_t epoch = 0;        // forget-epoch; exposure: only this one
  bool done = false;         // by-hand
  bool keep_data = false;    // kill: the vendor is not asked to delete what it has
  uint64_t behind = 0;       // by-hand: so many were told before
  bool json = false;         // list, exposure, dead, canaries: as the server says it
};

Result<void> CommandVendorList(const VendorCommand& command);
// Reads the credential from standard input, to its end; a line's end behind it is left out. Empty:
// takes the credential away.
Result<void> CommandVendorCredential(const VendorCommand& command);
Result<void> CommandVendorKill(const VendorCommand& command);
Result<void> CommandVendorRevive(const VendorCommand& command);
Result<void> CommandVendorNewEpoch(const VendorCommand& command);
Result<void> CommandVendorForgetEpoch(const VendorCommand& command);
Result<void> CommandVendorDead(const VendorCommand& command);
// Prints the vendor's own ids of erased persons that it has no interface to delete, one a line;
// with `done` forgets them: it has been seen to.
Result<void> CommandVendorByHand(const VendorCommand& command);
// Puts stored events of those days into the queue, day by day, under the ids that they had or would
// have had; stops where it is full, and may be called again.
Result<void> CommandVendorBackfill(const VendorCommand& command);
// The present epoch's invented subjects: whoever reads them can take them out of what was stolen.
Result<void> CommandVendorCanaries(const VendorCommand& command);
Result<void> CommandVendorResend(const VendorCommand& command);
// Whose data the vendor was sent, which fields, in which form.
Result<void> CommandVendorExposure(const VendorCommand& command);

struct VendorSinkCommand {
  std::string dir;
  std::string smtp, http;            // ADDR:PORT; at least one
  std::vector<std::string> domains;  // the policy's canary_domain of each vendor
};
// Takes mail and sign-ins for canaries until SIGTERM, and tells the running server of each address.
// One line of JSON on standard output for each, without the address where it is no canary's.
Result<void> CommandVendorSink(const VendorSinkCommand& command);

}  // namespace bulkhead
