// What `bulkhead incident ...` does, apart from reading its arguments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "incident/fact_changes.h"

namespace bulkhead {

struct IncidentCommand {
  std::string dir;  // data directory
  std::string id;
  std::string vendor;  // open: as the policy names it; match: of this one alone
  // open: one of these instead. Of ourselves a part: core, vault, intake, everything.
  std::string member, credential, export_id, ourselves;
  std::string from, to;      // open, correct: days of sending, YYYY-MM-DD
  std::string title;         // open, correct
  std::string organisation;  // open, correct: the property that names a person's organisation
  std::string why;           // correct, facts, close
  std::string out;           // subjects, match: a file that is not there yet; notices: a directory
  std::string leaked_file;   // match
  std::string obligations_file;  // facts, deadlines: a newer one than the program has
  std::string now;               // deadlines: as at that moment
  uint32_t epoch = 0;            // open, correct: 0 is every epoch, or as before
  bool every_epoch = false;      // correct
  uint32_t project = 0;          // open: 0 is the vendor's
  uint32_t version = 0;          // show: 0 is the last one
  bool json = false;
  bool open = false;  // match: an incident for what the file is from
  FactChanges facts;
};

Result<void> CommandIncidentOpen(const IncidentCommand& command);
Result<void> CommandIncidentList(const IncidentCommand& command);
Result<void> CommandIncidentShow(const IncidentCommand& command);
Result<void> CommandIncidentFacts(const IncidentCommand& command);
Result<void> CommandIncidentCorrect(const IncidentCommand& command);
Result<void> CommandIncidentDeadlines(const IncidentCommand& command);
// The drafts, of which the audit log has the hashes before they are written.
Result<void> CommandIncidentNotices(const IncidentCommand& command);
// Pseudonyms riskiest first, with score, band and fields; a read of persons.
Result<void> CommandIncidentSubjects(const IncidentCommand& command);
Result<void> CommandIncidentScorecard(const IncidentCommand& command);
Result<void> CommandIncidentClose(const IncidentCommand& command);
// Which vendor and epoch a leaked file is from. With `out`, whose records are in it: a read of
// persons. With `open`, an incident of what it is from, with what was found as its facts.
Result<void> CommandIncidentMatch(const IncidentCommand& command);

}  // namespace bulkhead
