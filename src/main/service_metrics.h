// The service's numbers as OpenMetrics text and as JSON; counts only.
#pragma once

#include <string>
#include <vector>

#include "egress/alert_sender.h"
#include "egress/vendor_sender.h"
#include "log/log_writer.h"
#include "main/witness_feed.h"
#include "model/ids.h"
#include "sieve/policy_holder.h"
#include "sieve/sieve_counters.h"
#include "store/store.h"

namespace bulkhead {

void AppendLogMetrics(const LogStats& stats, std::string* out);
void AppendStoreMetrics(ProjectId project, const StoreStats& stats, std::string* out);
void AppendPolicyMetrics(const PolicyStatus& status, std::string* out);
void AppendAlertMetrics(const AlertStats& stats, std::string* out);
void AppendVendorMetrics(const std::vector<VendorStatus>& vendors, std::string* out);
void AppendNoticeMetrics(bool trouble, std::string* out);
void AppendWitnessMetrics(const WitnessStats& stats, std::string* out);
void AppendSieveMetrics(const SieveCounters& counters, std::string* out);

std::string StatsJson(const StoreStats& store, const LogStats& log);

}  // namespace bulkhead
