// What must be written down elsewhere before the vault gives anything. audit/ is a sibling room:
// main/ joins this interface to the compartment that keeps the record and the budgets, over a
// channel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/ids.h"

namespace bulkhead {

// Who asks and why. The vault takes the name from the compartment that asks; what binds it to a
// person (presence, approval) is the business of whoever stands behind the gate.
struct VaultAsker {
  ProjectId project;
  std::string actor;      // a member, a service account; never empty
  std::string purpose;    // one of VaultPolicy::purposes
  std::string reference;  // a ticket's number or the like; letters, digits and " #./_-" only, since
                          // it is kept for ever; may be empty
};

enum class VaultAction : uint8_t {
  kReveal = 1,      // charged: every subject asked for, known or not
  kFind,            // charged: the subjects found
  kErase,           // not charged
  kExportAsk,       // not charged: nothing leaves yet
  kExportVeto,      // not charged
  kExportPage,      // not charged: the time lock stands in the budget's place
  kGuessesRefused,  // not charged: `count` raw ids or addresses were not looked at
  kSurvey,          // not charged: nothing is opened; `count` subjects and their fields' names
};

struct RevealAct {
  VaultAction action = VaultAction::kReveal;
  VaultAsker asker;
  std::vector<SubjectId> subjects;
  std::vector<std::string> fields;  // those asked for; empty: every field
  uint64_t count = 0;               // values, or refusals
  uint64_t log_position = 0;        // of an erasure: nothing sent before it comes back
  std::string export_id;
};

struct RevealAllowed {
  uint64_t entry = 0;          // where the act stands in the audit log
  uint64_t subjects_left = 0;  // of the asker's budget
};

// Thread-safe.
class RevealGate {
 public:
  virtual ~RevealGate() = default;
  // Records the act durably and charges its distinct subjects. Any error means that nothing is
  // given: kLimit and kDenied are passed on (budget, rights), everything else is kUnavailable to
  // the asker.
  virtual Result<RevealAllowed> Ask(const RevealAct& act) = 0;
  // Records how an act that was allowed ended: an erasure done (count: values destroyed), or
  // anything failed.
  virtual Result<RevealAllowed> Ended(const RevealAct& act, bool done) = 0;
};

}  // namespace bulkhead
