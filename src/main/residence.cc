#include "main/residence.h"

#include <algorithm>
#include <array>
#include <memory>
#include <unordered_map>
#include <utility>

#include "base/byte_codec.h"
#include "base/compartment.h"
#include "incident/exposure_survey.h"
#include "store/person_scan.h"

namespace bulkhead {
namespace {

constexpr std::string_view kCountryOfEvents = "mp_country_code";
constexpr std::string_view kCountryOfProfiles = "$country_code";
constexpr size_t kCountryColumn = 0;
constexpr size_t kOrganisationColumn = 1;

using Country = std::array<char, 2>;  // zeros: not known

// Whatever an import wrote there instead of a country's code says nothing.
Country CountryOf(std::string_view text) {
  const auto is_letter = [](char c) { return c >= 'A' && c <= 'Z'; };
  return text.size() == 2 && is_letter(text[0]) && is_letter(text[1]) ? Country{text[0], text[1]}
                                                                      : Country{};
}

std::string CutName(const std::string& name) {
  size_t end = std::min(name.size(), kMaxOrganisationBytes);
  // Not within a character.
  while (end < name.size() && end > 0 && (static_cast<uint8_t>(name[end]) & 0xC0U) == 0x80) --end;
  return name.substr(0, end);
}

// A person may be in several: then the value is a list.
void ForEachName(const Value& value, const auto& each) {
  if (value.is_list()) {
    for (const Value& item : value.list()) {
      if (!item.is_list()) ForEachName(item, each);
    }
  } else if (value.is_string() && !value.string().empty()) {
    each(CutName(value.string()));
  } else if (value.is_number()) {
    each(ToJson(value));
  }
}

// A person that was asked about, under whatever ids.
struct Asked {
  SubjectId person;  // canonical
  uint32_t subjects = 0;
  Country country{};
  bool in_organisation = false;
};

std::vector<Asked> Join(const Snapshot& snapshot, const std::vector<SubjectId>& subjects) {
  std::vector<Asked> all;
  all.reserve(subjects.size());
  for (const SubjectId& subject : subjects) all.push_back({snapshot.Canonical(subject), 1});
  std::ranges::sort(all, {}, &Asked::person);
  size_t kept = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    if (kept > 0 && all[kept - 1].person == all[i].person) {
      ++all[kept - 1].subjects;
    } else {
      all[kept++] = all[i];
    }
  }
  all.resize(kept);
  return all;
}

// Organisations by number, and how many subjects each has.
class OrganisationCounts {
 public:
  uint32_t NumberOf(const std::string& name) {
    const auto [found, added] = numbers_.try_emplace(name, static_cast<uint32_t>(counts_.size()));
    if (added) counts_.push_back(0);
    return found->second;
  }
  // Each of them once.
  void CountOnce(std::vector<uint32_t>* numbers, uint64_t subjects) {
    std::ranges::sort(*numbers);
    numbers->erase(std::unique(numbers->begin(), numbers->end()), numbers->end());
    for (const uint32_t number : *numbers) counts_[number] += subjects;
  }
  void AddTo(Residence* residence) const {
    for (const auto& [name, number] : numbers_) {
      if (residence->organisations.size() < kMaxOrganisations ||
          residence->organisations.contains(name)) {
        residence->organisations[name] += counts_[number];
      } else {
        residence->organisations_left_out += counts_[number];
      }
    }
  }

 private:
  std::unordered_map<std::string, uint32_t> numbers_;
  std::vector<uint64_t> counts_;
};

// Each person is one thread's, and so is its entry in `asked`.
class ResidenceVisitor final : public PersonVisitor {
 public:
  ResidenceVisitor(const ScanContext* scan, std::vector<Asked>* asked, bool organisations)
      : scan_(scan), asked_(asked), with_organisations_(organisations) {}

  void Visit(const PersonHits& person) override {
    const auto found = std::ranges::lower_bound(*asked_, person.person, {}, &Asked::person);
    if (found == asked_->end() || found->person != person.person) return;
    for (size_t i = person.hits.size(); i > 0 && found->country == Country{}; --i) {
      found->country = CountryAt(person.hits[i - 1]);
    }
    if (!with_organisations_) return;
    mine_.clear();
    last_code_ = 0;
    for (const Hit& hit : person.hits) AddOrganisations(hit);
    found->in_organisation = !mine_.empty();
    counts_.CountOnce(&mine_, found->subjects);
  }

  [[nodiscard]] const OrganisationCounts& counts() const { return counts_; }

 private:
  [[nodiscard]] Country CountryAt(const Hit& hit) const {
    const uint32_t code = scan_->Code(kCountryColumn, hit);
    const Dictionary& names = scan_->DictionaryOf(kCountryColumn, hit.source);
    return code >= names.first_string() && code < names.first_composite()
               ? CountryOf(names.String(code))
               : Country{};
  }
  void AddOrganisations(const Hit& hit) {
    const uint32_t code = scan_->Code(kOrganisationColumn, hit);
    const uint64_t key = (static_cast<uint64_t>(hit.source) << 32U) | code;
    if (code == 0 || key == last_code_) return;  // mostly the same as before
    last_code_ = key;
    const auto [found, added] = of_code_.try_emplace(key);
    if (added) {
      ForEachName(
          scan_->DictionaryOf(kOrganisationColumn, hit.source).At(code),
          [&](const std::string& name) { found->second.push_back(counts_.NumberOf(name)); });
    }
    mine_.insert(mine_.end(), found->second.begin(), found->second.end());
  }

  const ScanContext* scan_;
  std::vector<Asked>* asked_;
  bool with_organisations_;
  OrganisationCounts counts_;
  std::unordered_map<uint64_t, std::vector<uint32_t>> of_code_;  // by source and code
  std::vector<uint32_t> mine_;                                   // of the person at hand
  uint64_t last_code_ = 0;
};

// What events left open the profile may say.
void AddProfiles(const Snapshot& snapshot, const ResidenceRequest& request,
                 std::vector<Asked>* asked, Residence* residence) {
  OrganisationCounts counts;
  std::vector<uint32_t> mine;
  for (Asked& one : *asked) {
    const ValueObject* profile = snapshot.Profile(one.person);
    const Value* country = profile == nullptr ? nullptr : Find(*profile, kCountryOfProfiles);
    if (one.country == Country{} && country != nullptr && country->is_string()) {
      one.country = CountryOf(country->string());
    }
    residence->countries[one.country == Country{} ? "" : std::string(one.country.data(), 2)] +=
        one.subjects;
    if (request.organisation_property.empty() || one.in_organisation) continue;
    const Value* member =
        profile == nullptr ? nullptr : Find(*profile, request.organisation_property);
    mine.clear();
    if (member != nullptr) {
      ForEachName(*member, [&](const std::string& name) { mine.push_back(counts.NumberOf(name)); });
    }
    if (mine.empty()) residence->organisations[""] += one.subjects;
    counts.CountOnce(&mine, one.subjects);
  }
  counts.AddTo(residence);
}

Error NotResidence() { return {ErrorCode::kInvalid, "not a call about where subjects live"}; }

}  // namespace

std::string EncodeResidenceRequest(const ResidenceRequest& request) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Varint(request.project.value);
  writer.String(request.organisation_property);
  writer.Varint(request.subjects.size());
  for (const SubjectId& subject : request.subjects) writer.Fixed(subject.bytes);
  return bytes;
}

Result<ResidenceRequest> DecodeResidenceRequest(std::string_view bytes) {
  ByteReader in(bytes);
  ResidenceRequest request;
  request.project.value = static_cast<uint32_t>(in.Varint());
  request.organisation_property = in.String();
  const size_t count = in.Count();
  if (count > kMaxResidenceSubjects) {
    return NotResidence();
  }
  for (size_t i = 0; i < count && in.ok(); ++i) {
    request.subjects.push_back({in.Fixed<decltype(SubjectId::bytes)>()});
  }
  return in.ok() && in.AtEnd() ? Result<ResidenceRequest>(std::move(request)) : NotResidence();
}

AuditEntry EntryOf(const ResidenceRequest& request) {
  AuditEntry entry;
  entry.actor = CompartmentName(Compartment::kEgress);
  entry.action = "core.residence";
  entry.project = request.project.value;
  entry.scope = request.organisation_property.empty() ? "countries" : "countries, organisations";
  entry.count = request.subjects.size();
  entry.outcome = "allowed";
  return entry;
}

Result<Residence> CountResidence(const Snapshot& snapshot, const ResidenceRequest& request,
                                 int threads) {
  std::vector<Asked> asked = Join(snapshot, request.subjects);
  const bool organisations = !request.organisation_property.empty();
  ScanSpec spec;
  spec.filters = {EventFilter{}};
  spec.properties = {std::string(kCountryOfEvents)};
  if (organisations) spec.properties.push_back(request.organisation_property);
  const Result<std::unique_ptr<ScanContext>> scan = ScanContext::Prepare(snapshot, spec);
  if (!scan) {
    return scan.error();
  }
  std::vector<std::unique_ptr<ResidenceVisitor>> visitors;
  std::vector<PersonVisitor*> pointers;
  for (int i = 0; i < threads; ++i) {
    visitors.push_back(std::make_unique<ResidenceVisitor>(scan->get(), &asked, organisations));
    pointers.push_back(visitors.back().get());
  }
  ScanPersons(**scan, pointers);
  Residence residence;
  for (const auto& visitor : visitors) visitor->counts().AddTo(&residence);
  AddProfiles(snapshot, request, &asked, &residence);
  return residence;
}

}  // namespace bulkhead
