#include "incident/fact_changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace bulkhead {
namespace {

using Facts = IncidentFacts;

constexpr std::array<std::pair<std::string_view, DisclosureMoment>, 6> kMoments = {{
    {"occurred", DisclosureMoment::kOccurred},
    {"vendor_aware", DisclosureMoment::kVendorAware},
    {"told", DisclosureMoment::kCustomerTold},
    {"received", DisclosureMoment::kDataHandedOver},
    {"public", DisclosureMoment::kPublic},
    {"corrected", DisclosureMoment::kScopeCorrected},
}};
constexpr std::string_view kUnknown = "unknown";

Error Wrong(std::string_view what) { return {ErrorCode::kInvalid, std::string(what)}; }

struct Pair {
  std::string name, value;
};
Result<Pair> Split(const std::string& text) {
  const size_t sign = text.find('=');
  if (sign == std::string::npos || sign == 0 || sign + 1 == text.size()) {
    return Wrong("expected NAME=VALUE");
  }
  return Pair{text.substr(0, sign), text.substr(sign + 1)};
}

class Changes {
 public:
  Changes(Facts* facts, const FactChanges& changes, const ObligationFile& file)
      : facts_(facts), changes_(changes), file_(file) {}

  Result<void> Apply() {
    const std::array<Result<void>, 6> results = {
        ForEach(changes_.times, [this](const Pair& pair) { return SetTime(pair); }),
        ForEach(changes_.done, [this](const Pair& pair) { return SetDone(pair); }),
        ForEach(changes_.answers, [this](const Pair& pair) { return SetAnswer(pair); }),
        ForEach(changes_.classes,
                [this](const Pair& pair) -> Result<void> {
                  facts_->classes[pair.name] = pair.value;
                  return {};
                }),
        SetRoles(),
        SetAssessment()};
    for (const Result<void>& result : results) {
      if (!result) return result;
    }
    SetTexts();
    return {};
  }

 private:
  static Result<void> ForEach(const std::vector<std::string>& texts, const auto& each) {
    for (const std::string& text : texts) {
      const Result<Pair> pair = Split(text);
      if (!pair) return pair.error();
      if (Result<void> done = each(*pair); !done) return done;
    }
    return {};
  }

  Result<Facts::Time> TimeOf(const std::string& text) const {
    if (changes_.source.empty()) return Wrong("source: every time and answer needs one");
    if (text == kUnknown) return Facts::Time{std::nullopt, changes_.source};
    const Result<int64_t> time = changes_.parse_time(text);
    return time ? Result<Facts::Time>(Facts::Time{*time, changes_.source}) : time.error();
  }

  Result<void> SetTime(const Pair& pair) {
    const Result<Facts::Time> time = TimeOf(pair.value);
    if (!time) return time.error();
    for (const auto& [name, moment] : kMoments) {
      if (name == pair.name) {
        facts_->moments[moment] = *time;
        return {};
      }
    }
    if (!file_.clocks.contains(pair.name)) {
      return Wrong("set: neither a party's clock nor one of the obligations");
    }
    facts_->clocks[pair.name] = *time;
    return {};
  }

  Result<void> SetDone(const Pair& pair) {
    const Result<Facts::Time> time = TimeOf(pair.value);
    if (!time) return time.error();
    if (std::ranges::none_of(file_.rules,
                             [&](const ObligationRule& rule) { return rule.id == pair.name; })) {
      return Wrong("done: the obligations have no such id");
    }
    facts_->done[pair.name] = *time;
    return {};
  }

  Result<void> SetAnswer(const Pair& pair) {
    if (changes_.source.empty()) return Wrong("source: every time and answer needs one");
    if (pair.value != "yes" && pair.value != "no" && pair.value != kUnknown) {
      return Wrong("answer: expected yes, no or unknown");
    }
    facts_->answers[pair.name] = {
        pair.value == kUnknown ? std::nullopt : std::optional(pair.value == "yes"),
        changes_.source};
    return {};
  }

  Result<void> SetRoles() {
    for (const std::string& role : changes_.roles) {
      if (!file_.roles.contains(role)) return Wrong("role: the obligations know no such role");
      facts_->roles.insert(role);
    }
    facts_->established.insert(changes_.established.begin(), changes_.established.end());
    return {};
  }

  static Result<void> SetFlag(const std::string& text, bool* flag) {
    if (text.empty()) return {};
    if (text != "yes" && text != "no") return Wrong("unintelligible, complete: expected yes or no");
    *flag = text == "yes";
    return {};
  }

  Result<void> SetAssessment() {
    static constexpr std::array<std::pair<std::string_view, Risk>, 4> kRisks = {
        {{"not-assessed", Risk::kNotAssessed},
         {"unlikely", Risk::kUnlikely},
         {"risk", Risk::kRisk},
         {"high", Risk::kHigh}}};
    const auto risk = std::ranges::find(kRisks, changes_.risk,
                                        [](const auto& one) { return std::string(one.first); });
    if (!changes_.risk.empty() && risk == kRisks.end()) {
      return Wrong("risk: expected not-assessed, unlikely, risk or high");
    }
    if (risk != kRisks.end()) facts_->risk = risk->second;
    if (const std::string& hours = changes_.promised_hours; !hours.empty()) {
      int parsed = 0;
      const auto [end, fault] = std::from_chars(hours.data(), hours.data() + hours.size(), parsed);
      if (fault != std::errc() || end != hours.data() + hours.size() || parsed < 0) {
        return Wrong("promised-hours: expected a number");
      }
      facts_->promised_hours = parsed;
    }
    Result<void> set = SetFlag(changes_.unintelligible, &facts_->unintelligible);
    return set ? SetFlag(changes_.complete, &facts_->complete) : set;
  }

  void SetTexts() {
    for (const auto& [text, to] : {std::pair(&changes_.organisation, &facts_->organisation),
                                   std::pair(&changes_.happening, &facts_->happening),
                                   std::pair(&changes_.contact, &facts_->contact),
                                   std::pair(&changes_.check_page, &facts_->check_page)}) {
      if (!text->empty()) *to = *text;
    }
    facts_->measures.insert(facts_->measures.end(), changes_.measures.begin(),
                            changes_.measures.end());
    facts_->not_exposed.insert(facts_->not_exposed.end(), changes_.not_exposed.begin(),
                               changes_.not_exposed.end());
  }

  Facts* facts_;
  const FactChanges& changes_;
  const ObligationFile& file_;
};

}  // namespace

Result<IncidentFacts> ApplyFactChanges(IncidentFacts facts, const FactChanges& changes,
                                       const Obligations& obligations) {
  const Result<void> applied = Changes(&facts, changes, obligations.file()).Apply();
  if (!applied) {
    return applied.error();
  }
  const std::optional<std::string> fault = FaultOfFacts(facts);
  return fault ? Result<IncidentFacts>(Wrong(*fault)) : facts;
}

}  // namespace bulkhead
