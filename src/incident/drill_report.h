// What a drill found (main/drill.h), as plain data, and the report that people read: one HTML file
// and a PDF of the same content. Nothing in it is computed when it is rendered but sums and shares
// of what stands here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "incident/dump_matcher.h"
#include "incident/incident_record.h"
#include "incident/notice.h"
#include "incident/obligations.h"

namespace bulkhead {

// All times of a drill are seconds since it began.
struct DrillStep {
  std::string what;    // a sentence of a few words
  std::string result;  // likewise; may be empty
  std::string mark;    // short, on the chart; empty: not on it
  double began_s = 0;
  double ended_s = 0;
};

// How many distinct values of a kind were found, of those that are really somebody's.
struct DrillSearch {
  std::string what;  // "e-mail addresses"
  uint64_t in_traffic = 0;
  uint64_t in_stolen = 0;
  uint64_t canaries = 0;  // beside them in the stolen file
};

// One field of what the vendor has, counted there and in the ledger.
struct DrillCount {
  std::string what;
  uint64_t ledger_subjects = 0, ledger_sends = 0;
  uint64_t vendor_subjects = 0, vendor_sends = 0;

  [[nodiscard]] bool IsEqual() const {
    return ledger_subjects == vendor_subjects && ledger_sends == vendor_sends;
  }
  // The ledger tells of less than the vendor has: it may not.
  [[nodiscard]] bool IsShort() const {
    return ledger_subjects < vendor_subjects || ledger_sends < vendor_sends;
  }
};

struct DrillKill {
  double took_s = 0;
  uint64_t offered_after = 0;   // events that the policy lets through, imported after it
  uint64_t received_after = 0;  // by the vendor, within `watched_s`
  double watched_s = 0;
  uint64_t ids_known_before = 0;  // in the stolen file
  uint64_t ids_known_after = 0;   // once the epoch's key was destroyed
};

struct DrillReport {
  int64_t made_ms = 0;
  uint64_t people = 0, events = 0, profiles = 0;  // that were made up and imported
  int processors = 0;
  std::string policy;  // of the vendor, as TOML
  std::vector<DrillStep> steps;
  double total_s = 0;

  double stolen_s = 0;  // when the thief had all of it
  uint64_t stolen_bytes = 0, stolen_events = 0, stolen_profiles = 0;
  std::vector<DrillSearch> searches;

  uint64_t canaries = 0;        // that the vendor was sent
  uint64_t mails = 0;           // that the thief sent
  double mailed_s = 0;          // the first one
  DumpSource seen;              // what the first canary named
  double seen_s = 0;            // when the server said so
  std::string incident_opened;  // by which actor: a canary is one
  double incident_s = 0;

  IncidentVersion incident;
  DumpReport match;
  std::vector<Obligation> duties;
  int64_t aware_ms = 0;
  std::vector<Notice> notices;
  DrillKill kill;
  std::vector<DrillCount> counts;  // the first is of everything
  std::vector<std::string> files;  // beside the report

  [[nodiscard]] bool IsLedgerEqual() const;
  [[nodiscard]] bool IsLedgerShort() const;
};

// Complete in itself: no script, nothing that is fetched. Whatever comes from the data is escaped.
std::string RenderDrillHtml(const DrillReport& report);
// A4. Text is text, the chart is drawn with lines. Characters beyond Latin-1 become '?', but for a
// few that stand for ASCII's. kBug: it could not be made.
Result<std::string> RenderDrillPdf(const DrillReport& report);
// The numbers, for programs.
std::string DrillReportJson(const DrillReport& report);

}  // namespace bulkhead
