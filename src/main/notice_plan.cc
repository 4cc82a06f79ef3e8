#include "main/notice_plan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "incident/notice_commitment.h"
#include "incident/phishing_risk.h"

namespace bulkhead {
namespace {

constexpr size_t kPageSubjects = 250'000;

// The fields of all pages, each once.
class FieldList {
 public:
  explicit FieldList(SentFields* fields) : fields_(fields) {}
  uint32_t PlaceOf(const SentField& field) {
    const auto [found, added] = places_.try_emplace(field, static_cast<uint32_t>(fields_->size()));
    if (added) fields_->push_back(field);
    return found->second;
  }

 private:
  SentFields* fields_;
  std::map<SentField, uint32_t> places_;
};

}  // namespace

Result<SubjectsToTell> FindSubjectsToTell(const SurveyParts& parts,
                                          const CoveredRecipients& covered) {
  SubjectsToTell all;
  FieldList fields(&all.fields);
  std::optional<RiskPlace> after;
  for (bool more = true; more;) {
    const Result<RiskPage> page = ListByRisk(parts, after, kPageSubjects);
    if (!page) {
      return page.error();
    }
    for (const RiskPage::Entry& one : page->subjects) {
      after = RiskPlace{one.score, one.subject};
      if (covered.subjects.contains(one.subject)) {
        ++all.covered;
        continue;
      }
      ++all.bands.at(static_cast<size_t>(BandOf(one.score)));
      SubjectsToTell::Entry& entry = all.subjects.emplace_back();
      entry.subject = one.subject;
      for (const uint32_t field : one.fields) {
        entry.fields.push_back(fields.PlaceOf(page->fields[field]));
      }
    }
    more = page->more;
  }
  return all;
}

RecipientCounts AddRecipients(const SubjectsToTell& all, const AddressBook& addresses,
                              const NoticeCodes& codes, const CoveredRecipients& covered,
                              NoticeRound* round) {
  RecipientCounts counts;
  round->fields = all.fields;
  std::unordered_map<std::string_view, size_t> places;
  for (const SubjectsToTell::Entry& one : all.subjects) {
    const auto address = addresses.find(one.subject);
    if (address == addresses.end()) {
      ++counts.without_address;
      continue;
    }
    const TreeHash leaf =
        RecipientLeaf(round->incident, address->second, codes.Of(round->incident, address->second));
    if (covered.leaves.contains(leaf)) {
      ++counts.covered;
      continue;
    }
    const auto [place, added] = places.try_emplace(address->second, round->recipients.size());
    if (added) {
      round->recipients.push_back({{one.subject}, address->second, leaf, one.fields});
      continue;
    }
    NoticeRecipient& same = round->recipients[place->second];
    same.subjects.push_back(one.subject);
    same.fields.insert(same.fields.end(), one.fields.begin(), one.fields.end());
    std::ranges::sort(same.fields);
    const auto rest = std::ranges::unique(same.fields);
    same.fields.erase(rest.begin(), rest.end());
  }
  return counts;
}

}  // namespace bulkhead
