// Who must be told of an incident, by whom and until when: the rules of data/obligations.toml
// applied to what is known. It computes what the file says and gives no legal advice: each answer
// carries its arithmetic and its assumptions, for counsel to judge. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "incident/obligation_rule.h"

namespace bulkhead {

struct Situation {
  std::set<std::string> roles;        // ours, in the file's words
  std::set<std::string> established;  // where we are, as DE or US-CA
  // How many persons live where: DE, US-CA, or US where no more is known; "" of unknown residence.
  // Empty: nothing is known, and every place counts as possible.
  std::map<std::string, uint64_t> persons;
  std::set<std::string> classes;  // of the exposed fields, Fideslang's names
  bool unintelligible = false;    // encrypted, and the key is safe
  Risk risk = Risk::kNotAssessed;
  std::map<std::string, int64_t> clocks;  // the file's clocks that have started; UTC, ms
  std::map<std::string, int64_t> done;    // by the obligation's id: when it was fulfilled
  int64_t now_ms = 0;
};

enum class ObligationState : unsigned char {
  kDue = 1,  // to be fulfilled; without a due time: "without undue delay"
  kPassed,   // its time has passed unfulfilled
  kDone,
  kWaiting,  // its clock has not started, or an assessment is missing: `why`
  kNotApplicable
};
std::string_view ObligationStateName(ObligationState state);

struct Obligation {
  std::string id, regime, article, who, whom;
  ObligationState state = ObligationState::kNotApplicable;
  std::optional<int64_t> due_ms;
  bool late = false;                 // kDone after its time
  bool projected = false;            // counted from the latest time of a duty not yet fulfilled
  std::string why;                   // of kWaiting and kNotApplicable
  std::string basis;                 // the arithmetic, and what made it apply
  std::vector<std::string> assumed;  // what is not known and was taken for the worse
};

class Obligations {
 public:
  // `file` is the name that mistakes begin with (incident/obligations_parser.h).
  static Result<Obligations> Load(std::string_view text, std::string_view file);

  // One for each rule of the file, in its order, also those that do not apply. kInvalid: a role,
  // clock, class or id that the file or the taxonomy does not know, since a misspelt one would
  // silently free of a duty.
  [[nodiscard]] Result<std::vector<Obligation>> Apply(const Situation& situation) const;

  [[nodiscard]] const ObligationFile& file() const { return file_; }

 private:
  explicit Obligations(ObligationFile file) : file_(std::move(file)) {}
  [[nodiscard]] Result<void> CheckNames(const Situation& situation) const;

  ObligationFile file_;
};

}  // namespace bulkhead
