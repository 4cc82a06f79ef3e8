#include "incident/exposure_survey.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "crypto/crypto.h"
#include "incident/phishing_risk.h"

namespace bulkhead {
namespace {

static_assert(static_cast<size_t>(RiskBand::kTop) + 1 == kRiskBands);

// Sets of fields, of which there are few, each scored once.
class ScoredSets {
 public:
  explicit ScoredSets(const ExposedClasses* classes) : classes_(classes) {}
  // The set's place.
  uint32_t Find(const SentFields& fields) {
    const auto [found, added] = places_.try_emplace(fields, static_cast<uint32_t>(scores_.size()));
    if (added) {
      sets_.push_back(fields);
      scores_.push_back(ScorePhishing(classes_->Of(fields), {}).score);
    }
    return found->second;
  }
  [[nodiscard]] int ScoreOf(uint32_t place) const { return scores_[place]; }
  [[nodiscard]] std::vector<SentFields> Take() { return std::move(sets_); }

 private:
  const ExposedClasses* classes_;
  std::map<SentFields, uint32_t> places_;
  std::vector<SentFields> sets_;
  std::vector<int> scores_;
};

void Add(const Residence& part, Residence* all) {
  for (const auto& [place, subjects] : part.countries) all->countries[place] += subjects;
  for (const auto& [name, subjects] : part.organisations) all->organisations[name] += subjects;
  all->organisations_left_out += part.organisations_left_out;
}

// What is learnt of each subject on the second pass.
class SubjectPass {
 public:
  SubjectPass(const SurveyParts& parts, IncidentExposure* exposure)
      : parts_(parts), exposure_(exposure), sets_(parts.classes) {}

  bool Take(const SubjectId& subject, const SentFields& fields) {
    const int score = sets_.ScoreOf(sets_.Find(fields));
    ++exposure_->bands.at(static_cast<size_t>(BandOf(score)));
    ++count_;
    waiting_.push_back(subject);
    return waiting_.size() < kMaxResidenceSubjects || AskResidence();
  }

  Result<void> Finish() {
    if (!waiting_.empty() && !failed_) AskResidence();
    exposure_->subjects = count_;
    return failed_ ? Result<void>(*failed_) : Result<void>();
  }

 private:
  bool AskResidence() {
    if (parts_.residence) {
      const Result<Residence> part = parts_.residence(waiting_);
      if (!part) {
        failed_ = part.error();
        return false;
      }
      Add(*part, &exposure_->residence);
    }
    AddToDigest();
    waiting_.clear();
    return true;
  }

  // Each part's digest is over the digest before it and the part.
  void AddToDigest() {
    std::string text(exposure_->subjects_digest.begin(), exposure_->subjects_digest.end());
    for (const SubjectId& subject : waiting_) {
      text.append(subject.bytes.begin(), subject.bytes.end());
    }
    exposure_->subjects_digest = Sha256(text);
  }

  const SurveyParts& parts_;
  IncidentExposure* exposure_;
  ScoredSets sets_;
  std::vector<SubjectId> waiting_;
  uint64_t count_ = 0;
  std::optional<Error> failed_;
};

}  // namespace

Result<IncidentExposure> SurveyExposure(const SurveyParts& parts) {
  Result<Exposure> told = parts.ledger->Ask(parts.window);
  if (!told) {
    return told.error();
  }
  IncidentExposure exposure;
  exposure.sends = told->sends;
  exposure.sends_of_epoch = std::move(told->sends_of_epoch);
  for (ExposedField& field : told->fields) {
    std::string field_class = parts.classes->Of(field.field.name);
    exposure.fields.push_back({std::move(field), std::move(field_class)});
  }
  SubjectPass pass(parts, &exposure);
  const Result<void> read = parts.ledger->ForEachSubject(
      parts.window, [&](const SubjectId& subject, const SentFields& fields) {
        return pass.Take(subject, fields);
      });
  if (!read) {
    return read.error();
  }
  const Result<void> finished = pass.Finish();
  return finished ? Result<IncidentExposure>(std::move(exposure)) : finished.error();
}

Result<WindowDifference> CompareWindows(const Ledger& ledger, const LedgerWindow& before,
                                        const LedgerWindow& after) {
  std::vector<SubjectId> old;
  Result<void> read = ledger.ForEachSubject(before, [&](const SubjectId& subject, const auto&) {
    old.push_back(subject);
    return true;
  });
  uint64_t both = 0;
  WindowDifference difference;
  if (read) {
    read = ledger.ForEachSubject(after, [&](const SubjectId& subject, const auto&) {
      const bool known = std::ranges::binary_search(old, subject);
      both += known ? 1 : 0;
      difference.added += known ? 0 : 1;
      return true;
    });
  }
  difference.removed = old.size() - both;
  return read ? Result<WindowDifference>(difference) : read.error();
}

Result<RiskPage> ListByRisk(const SurveyParts& parts, const std::optional<RiskPlace>& after,
                            size_t most) {
  ScoredSets sets(parts.classes);
  std::map<int, RiskPage, std::greater<>> pages;  // by score
  const auto take = [&](const SubjectId& subject, const SentFields& fields) {
    const uint32_t set = sets.Find(fields);
    const int score = sets.ScoreOf(set);
    if (after && (score > after->score || (score == after->score && subject <= after->subject))) {
      return true;
    }
    RiskPage& page = pages[score];
    page.more = page.subjects.size() == most;
    if (!page.more) page.subjects.push_back({subject, score, set});
    return true;
  };
  if (const Result<void> read = parts.ledger->ForEachSubject(parts.window, take); !read) {
    return read.error();
  }
  RiskPage answer;
  for (const auto& [score, page] : pages) {
    const size_t count = std::min(most - answer.subjects.size(), page.subjects.size());
    answer.subjects.insert(answer.subjects.end(), page.subjects.begin(),
                           page.subjects.begin() + static_cast<std::ptrdiff_t>(count));
    answer.more = page.more || count < page.subjects.size();
    if (answer.more) break;
  }
  answer.field_sets = sets.Take();
  return answer;
}

}  // namespace bulkhead
