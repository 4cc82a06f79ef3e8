#include "incident/exposure_survey.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "crypto/crypto.h"
#include "incident/phishing_risk.h"

namespace bulkhead {
namespace {

static_assert(static_cast<size_t>(RiskBand::kTop) + 1 == kRiskBands);

// Scores by the classes of the fields, each computed once: there are few classes, while the sets of
// fields may be as many as the subjects.
class FieldScores {
 public:
  explicit FieldScores(const ExposedClasses* classes) : classes_(classes) {}

  // The field's place in fields().
  uint32_t PlaceOf(const SentField& field) {
    const auto [found, added] = places_.try_emplace(field.name, Forms{});
    uint32_t& place = found->second.at(static_cast<size_t>(field.form));
    if (place == 0) {
      fields_.push_back(field);
      place = static_cast<uint32_t>(fields_.size());
      class_sets_.push_back(ClassesOf(field));
    }
    return place - 1;
  }

  int Of(const SentFields& fields) {
    ClassSet set;
    for (const SentField& field : fields) set |= class_sets_[PlaceOf(field)];
    const auto [found, added] = scores_.try_emplace(set, 0);
    if (added) {
      std::set<std::string> names{std::string(kVendorIdClass)};
      for (size_t i = 0; i < names_.size(); ++i) {
        if (set.test(i)) names.insert(names_[i]);
      }
      found->second = ScorePhishing(names, {}).score;
    }
    return found->second;
  }

  [[nodiscard]] const SentFields& fields() const { return fields_; }

 private:
  using ClassSet = std::bitset<128>;      // more than Fideslang has
  using Forms = std::array<uint32_t, 5>;  // 1 + place, by form; 0: not seen yet

  // A token says nothing.
  ClassSet ClassesOf(const SentField& field) {
    ClassSet set;
    if (field.form == FieldForm::kToken) return set;
    const std::string name = classes_->Of(field.name);
    const auto found = std::ranges::find(names_, name);
    const auto place = static_cast<size_t>(found - names_.begin());
    if (found == names_.end()) names_.push_back(name);
    return set.set(place);
  }

  const ExposedClasses* classes_;
  std::unordered_map<std::string, Forms> places_;
  SentFields fields_;
  std::vector<ClassSet> class_sets_;  // of each field
  std::vector<std::string> names_;    // of classes
  std::unordered_map<ClassSet, int> scores_;
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
      : parts_(parts), exposure_(exposure), scores_(parts.classes) {}

  bool Take(const SubjectId& subject, const SentFields& fields) {
    ++exposure_->bands.at(static_cast<size_t>(BandOf(scores_.Of(fields))));
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
  FieldScores scores_;
  std::vector<SubjectId> waiting_;
  uint64_t count_ = 0;
  std::optional<Error> failed_;
};

}  // namespace

Result<IncidentExposure> SurveyExposure(const SurveyParts& parts) {
  Result<Exposure> told = parts.source->Ask();
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
  const Result<void> read =
      parts.source->ForEachSubject([&](const SubjectId& subject, const SentFields& fields) {
        return pass.Take(subject, fields);
      });
  if (!read) {
    return read.error();
  }
  const Result<void> finished = pass.Finish();
  return finished ? Result<IncidentExposure>(std::move(exposure)) : finished.error();
}

Result<WindowDifference> CompareSources(const ExposureSource& before, const ExposureSource& after) {
  std::vector<SubjectId> old;
  Result<void> read = before.ForEachSubject([&](const SubjectId& subject, const auto&) {
    old.push_back(subject);
    return true;
  });
  uint64_t both = 0;
  WindowDifference difference;
  if (read) {
    read = after.ForEachSubject([&](const SubjectId& subject, const auto&) {
      const bool known = std::ranges::binary_search(old, subject);
      both += known ? 1 : 0;
      difference.added += known ? 0 : 1;
      return true;
    });
  }
  difference.removed = old.size() - both;
  return read ? Result<WindowDifference>(difference) : read.error();
}

// The first pass counts, the second one takes who is on the page: no more than that is kept.
Result<RiskPage> ListByRisk(const SurveyParts& parts, const std::optional<RiskPlace>& after,
                            size_t most) {
  FieldScores scores(parts.classes);
  const auto for_each = [&](const auto& take) {
    return parts.source->ForEachSubject([&](const SubjectId& subject, const SentFields& fields) {
      const int score = scores.Of(fields);
      const bool given =
          after && (score > after->score || (score == after->score && subject <= after->subject));
      if (!given) take(subject, score, fields);
      return true;
    });
  };
  std::map<int, uint64_t, std::greater<>> waiting;  // by score
  Result<void> read = for_each([&](const auto&, int score, const auto&) { ++waiting[score]; });
  RiskPage page;
  std::map<int, uint64_t> rooms;
  uint64_t room = most;
  for (const auto& [score, count] : waiting) {
    rooms[score] = std::min(room, count);
    page.more = page.more || count > room;
    room -= rooms[score];
  }
  std::map<int, std::vector<RiskPage::Entry>, std::greater<>> taken;
  if (read) {
    read = for_each([&](const SubjectId& subject, int score, const SentFields& fields) {
      std::vector<RiskPage::Entry>& entries = taken[score];
      if (entries.size() == rooms[score]) return;
      RiskPage::Entry& one = entries.emplace_back(RiskPage::Entry{subject, score, {}});
      for (const SentField& field : fields) one.fields.push_back(scores.PlaceOf(field));
    });
  }
  if (!read) {
    return read.error();
  }
  for (auto& [score, entries] : taken) {
    std::ranges::move(entries, std::back_inserter(page.subjects));
  }
  page.fields = scores.fields();
  return page;
}

}  // namespace bulkhead
