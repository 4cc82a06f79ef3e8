// Whose data was exposed, as an incident has it: the source's exact numbers, the class of each
// field, where the subjects live, and how many are how much at risk. The source is read twice, in
// bounded memory: what a vendor was sent in between is among the subjects only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/result.h"
#include "incident/exposed_classes.h"
#include "incident/exposure_source.h"
#include "incident/incident_record.h"

namespace bulkhead {

// How many subjects are asked about at once.
inline constexpr size_t kMaxResidenceSubjects = size_t{1} << 20;

struct SurveyParts {
  const ExposureSource* source = nullptr;
  const ExposedClasses* classes = nullptr;
  // Of up to kMaxResidenceSubjects, in order. Not set: nothing is known of anybody.
  std::function<Result<Residence>(const std::vector<SubjectId>&)> residence;
};
Result<IncidentExposure> SurveyExposure(const SurveyParts& parts);

// How many subjects only one of two windows has.
struct WindowDifference {
  uint64_t added = 0;  // in the later one alone
  uint64_t removed = 0;
};
Result<WindowDifference> CompareSources(const ExposureSource& before, const ExposureSource& after);

// The source's subjects, riskiest first, equal ones in the order of their ids.
struct RiskPlace {
  int score = 0;
  SubjectId subject;  // the last one that was given
};
struct RiskPage {
  struct Entry {
    SubjectId subject;
    int score = 0;
    std::vector<uint32_t> fields;  // places in `fields` below
  };
  std::vector<Entry> subjects;
  SentFields fields;  // in no order
  bool more = false;
};
// From behind `after` on (nothing: from the begin), at most `most`.
Result<RiskPage> ListByRisk(const SurveyParts& parts, const std::optional<RiskPlace>& after,
                            size_t most);

}  // namespace bulkhead
