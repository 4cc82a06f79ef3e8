#include "main/service_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace bulkhead {
namespace {

void AppendGauge(std::string_view name, std::string_view help, uint64_t value, std::string* out) {
  fmt::format_to(std::back_inserter(*out), "# HELP {0} {1}\n# TYPE {0} gauge\n{0} {2}\n", name,
                 help, value);
}

void AppendCounter(std::string_view name, std::string_view help, uint64_t value, std::string* out) {
  fmt::format_to(std::back_inserter(*out), "# HELP {0} {1}\n# TYPE {0} counter\n{0}_total {2}\n",
                 name, help, value);
}

}  // namespace

void AppendLogMetrics(const LogStats& stats, std::string* out) {
  AppendGauge("bulkhead_log_bytes", "Bytes in the log's files.", stats.bytes, out);
  AppendGauge("bulkhead_log_durable_position", "Everything before it is durable.",
              stats.durable_end, out);
  AppendGauge("bulkhead_log_failed_groups", "Groups that the disk failed to take.",
              stats.failed_groups, out);
  AppendGauge("bulkhead_log_refused", "Appends refused because the disk or the queue was full.",
              stats.refused, out);
}

void AppendStoreMetrics(ProjectId project, const StoreStats& stats, std::string* out) {
  const std::string prefix = fmt::format("bulkhead_project_{}_", project.value);
  AppendGauge(prefix + "events", "Events that reports count.", stats.events, out);
  AppendGauge(prefix + "store_bytes", "Bytes in segments and snapshots.", stats.disk_bytes, out);
  AppendGauge(prefix + "segments", "Segment files.", stats.segments, out);
}

void AppendPolicyMetrics(const PolicyStatus& status, std::string* out) {
  AppendGauge("bulkhead_policy_version", "Number of the policy in force; 0: the defaults.",
              status.version, out);
  AppendGauge("bulkhead_policy_trouble", "Whether policy.toml is not what is in force: 1 or 0.",
              status.trouble.empty() ? 0 : 1, out);
  out->append(
      "# HELP bulkhead_policy_changes Changes of policy.toml that were noticed.\n# TYPE "
      "bulkhead_policy_changes counter\n");
  for (const auto& [outcome, count] :
       {std::pair("accepted", status.accepted), std::pair("refused", status.refused)}) {
    fmt::format_to(std::back_inserter(*out), "bulkhead_policy_changes_total{{outcome=\"{}\"}} {}\n",
                   outcome, count);
  }
}

void AppendAlertMetrics(const AlertStats& stats, std::string* out) {
  AppendGauge("bulkhead_alerts_untold", "First hits that teams still have to be told of.",
              stats.untold, out);
  AppendCounter("bulkhead_alerts_sent", "Alerts that receivers took.", stats.sent, out);
  AppendCounter("bulkhead_alerts_failures", "Attempts to send an alert that failed.",
                stats.failures, out);
}

void AppendWitnessMetrics(const WitnessStats& stats, std::string* out) {
  AppendGauge("bulkhead_audit_cosigned_entries",
              "Entries of the audit log that every witness has signed.", stats.cosigned_size, out);
  AppendGauge("bulkhead_audit_cosigned_timestamp_seconds",
              "When the witness that is behind signed last; 0: not since the start.",
              static_cast<uint64_t>(stats.cosigned_ms / 1000), out);
  AppendCounter("bulkhead_audit_witness_failures",
                "Checkpoints that could not be submitted, or that a witness refused.",
                stats.failures, out);
}

// No counts: whoever reaches the listener would read how many are concerned.
void AppendNoticeMetrics(bool trouble, std::string* out) {
  AppendGauge("bulkhead_notices_troubled", "Whether notices wait that cannot be mailed now.",
              trouble ? 1 : 0, out);
}

// Without names: whoever reaches the listener reads this.
void AppendVendorMetrics(const std::vector<VendorStatus>& vendors, std::string* out) {
  VendorStatus all;
  uint64_t trouble = 0;
  uint64_t killed = 0;
  for (const VendorStatus& vendor : vendors) {
    all.sent += vendor.sent;
    all.refused += vendor.refused;
    all.unqueued += vendor.unqueued;
    all.expired += vendor.expired;
    all.queue_bytes += vendor.queue_bytes;
    trouble += vendor.trouble.empty() ? 0 : 1;
    killed += vendor.killed ? 1 : 0;
    all.canaries += vendor.canaries;
    all.canaries_seen += vendor.canaries_seen;
  }
  AppendGauge("bulkhead_vendors", "Vendors of the policy in force.", vendors.size(), out);
  AppendGauge("bulkhead_vendors_troubled", "Vendors that nothing can be sent to now.", trouble,
              out);
  AppendGauge("bulkhead_vendors_killed", "Vendors whose feed was stopped for good.", killed, out);
  AppendGauge("bulkhead_vendor_queue_bytes", "What waits for vendors.", all.queue_bytes, out);
  AppendCounter("bulkhead_vendor_messages", "Messages that vendors took.", all.sent, out);
  AppendCounter("bulkhead_vendor_refused", "Messages that vendors refuse for good.", all.refused,
                out);
  AppendGauge("bulkhead_vendor_canaries", "Invented subjects among those of vendors.", all.canaries,
              out);
  AppendCounter("bulkhead_vendor_canaries_seen",
                "Times that one was seen where only a leak brings it.", all.canaries_seen, out);
  AppendCounter("bulkhead_vendor_unqueued", "Messages that found a vendor's queue full.",
                all.unqueued, out);
  AppendCounter("bulkhead_vendor_expired", "Batches that waited for a vendor for too long.",
                all.expired, out);
}

void AppendSieveMetrics(const SieveCounters& counters, std::string* out) {
  std::map<std::string, uint64_t> by_rule;
  std::map<std::string, int64_t> newest;  // of the first hits of all paths, by labels
  for (const SieveCount& count : counters.Snapshot()) {
    by_rule[count.rule] += count.count;
    int64_t& first_seen_ms = newest[fmt::format(R"(project="{}",rule="{}",library="{}")",
                                                count.project.value, count.rule, count.library)];
    first_seen_ms = std::max(first_seen_ms, count.first_seen_ms);
  }
  out->append(
      "# HELP bulkhead_sieve_hits Values that the sieve did not keep as they were.\n# TYPE "
      "bulkhead_sieve_hits counter\n");
  for (const auto& [rule, count] : by_rule) {
    fmt::format_to(std::back_inserter(*out), "bulkhead_sieve_hits_total{{rule=\"{}\"}} {}\n", rule,
                   count);
  }
  out->append(
      "# HELP bulkhead_sieve_first_hit_timestamp_seconds When a rule last hit a property path for "
      "the first time.\n# TYPE bulkhead_sieve_first_hit_timestamp_seconds gauge\n");
  for (const auto& [labels, first_seen_ms] : newest) {
    fmt::format_to(std::back_inserter(*out),
                   "bulkhead_sieve_first_hit_timestamp_seconds{{{}}} {}\n", labels,
                   first_seen_ms / 1000);
  }
}

std::string StatsJson(const StoreStats& store, const LogStats& log) {
  return fmt::format(
      R"({{"events":{},"memory_rows":{},"profiles":{},"links":{},"segments":{},"store_bytes":{},"duplicates":{},"log_bytes":{},"log_durable_position":{}}})",
      store.events, store.memory_rows, store.profiles, store.links, store.segments,
      store.disk_bytes, store.duplicates_dropped + store.duplicates_replaced, log.bytes,
      log.durable_end);
}

}  // namespace bulkhead
