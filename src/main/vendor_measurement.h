// What a running server knows of its vendors, as its command "vendor-measure" answers it: what the
// ledger has over all time, and what egress keeps.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "egress/ledger.h"
#include "main/reached_server.h"

namespace bulkhead {

struct VendorMeasurement {
  struct Field {
    SentField field;
    int64_t subjects = 0, sends = 0;
    std::string first, last;  // days
  };
  struct Combination {
    uint64_t subjects = 0;
    SentFields fields;
  };

  std::string vendor;
  bool has_state = false;  // the policy in force names it; all up to epoch_keys are zero without
  bool killed = false, paused = false, has_credential = false;
  int64_t credential_set_ms = 0, last_sent_ms = 0, epoch_begun_ms = 0;
  int64_t epoch = 0, epoch_keys = 0;
  int64_t subjects = 0, sends = 0;
  std::string first, last;  // days of sends; empty: none
  std::vector<Field> fields;
  // Of the epochs whose keys are there.
  std::vector<Combination> combinations;
  std::map<std::string, uint64_t>
      common;                     // subjects that another vendor was sent too, over all time
  bool all_epochs_known = false;  // else a subject counts once for each epoch
};

Result<std::vector<VendorMeasurement>> MeasureVendors(const ReachedServer& server);

}  // namespace bulkhead
