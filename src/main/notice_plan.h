// Who is to be told of an incident and has not been, and the sending that follows once their
// addresses are known.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "incident/exposure_survey.h"
#include "incident/notice_code.h"
#include "incident/notice_rounds.h"

namespace bulkhead {

using AddressBook = std::unordered_map<SubjectId, std::string, SubjectIdHash>;

// Riskiest first.
struct SubjectsToTell {
  struct Entry {
    SubjectId subject;
    std::vector<uint32_t> fields;  // places in `fields` below
  };
  std::vector<Entry> subjects;
  SentFields fields;
  std::array<uint64_t, kRiskBands> bands{};
  uint64_t covered = 0;  // were told, or will be
};
Result<SubjectsToTell> FindSubjectsToTell(const SurveyParts& parts,
                                          const CoveredRecipients& covered);

// Fills the round's recipients and fields. Subjects with one address are one recipient, at the
// place of the riskiest; whoever has the address of one who is covered counts as covered.
struct RecipientCounts {
  uint64_t covered = 0;
  uint64_t without_address = 0;
};
RecipientCounts AddRecipients(const SubjectsToTell& all, const AddressBook& addresses,
                              const NoticeCodes& codes, const CoveredRecipients& covered,
                              NoticeRound* round);

}  // namespace bulkhead
