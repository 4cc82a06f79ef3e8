#include "incident/incident_view.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "incident/calendar.h"
#include "incident/exposed_classes.h"
#include "incident/incident_text.h"

namespace bulkhead {
namespace {

using Lines = std::vector<std::string>;

int64_t DayMs(int32_t day) { return day * kDayMs; }

std::string TimeText(const IncidentFacts::Time& time) {
  return fmt::format("{} ({})", time.at_ms ? FormatTime(*time.at_ms) : "not known", time.source);
}

std::string AnswerText(const IncidentFacts::Answer& answer) {
  const char* said = !answer.yes ? "not answered" : *answer.yes ? "yes" : "no";
  return fmt::format("{} ({})", said, answer.source);
}

std::string WindowText(const IncidentVersion& version) {
  const LedgerWindow& window = version.window;
  return fmt::format("{}, {} to {}{}", PartyText(version), FormatDay(window.first_day),
                     FormatDay(window.last_day),
                     window.epoch ? fmt::format(", epoch {}", *window.epoch) : "");
}

template <typename T>
void Compare(std::string_view what, const T& before, const T& after, Lines* lines) {
  if (before != after) lines->push_back(fmt::format("{}: {}, was {}", what, after, before));
}

// By key; `text` makes the words for a value.
template <typename Map, typename Name, typename Text>
void CompareAll(const Map& before, const Map& after, const Name& name, const Text& text,
                Lines* lines) {
  for (const auto& [key, value] : after) {
    const auto old = before.find(key);
    const std::string was = old == before.end() ? "not there" : text(old->second);
    Compare(name(key), was, text(value), lines);
  }
  for (const auto& [key, value] : before) {
    if (!after.contains(key)) Compare(name(key), text(value), std::string("not there"), lines);
  }
}

std::map<std::string, std::string> FieldsOf(const IncidentExposure& exposure,
                                            std::string_view counted) {
  std::map<std::string, std::string> fields;
  for (const IncidentField& one : exposure.fields) {
    fields[fmt::format("field {} ({})", one.exposed.field.name,
                       FieldFormName(one.exposed.field.form))] =
        fmt::format("{}, {} subjects, {} {}", one.field_class, one.exposed.subjects,
                    one.exposed.sends, counted);
  }
  return fields;
}

void CompareExposure(const IncidentExposure& before, const IncidentExposure& after,
                     std::string_view counted, Lines* lines) {
  Compare("subjects", before.subjects, after.subjects, lines);
  Compare(counted, before.sends, after.sends, lines);
  const auto same = [](const std::string& text) { return text; };
  const auto number = [](uint64_t subjects) { return std::to_string(subjects); };
  const auto named = [](const char* what) {
    return [what](const std::string& name) {
      return fmt::format("{} {}", what, name.empty() ? "not known" : name);
    };
  };
  CompareAll(FieldsOf(before, counted), FieldsOf(after, counted), same, same, lines);
  CompareAll(before.residence.countries, after.residence.countries, named("country"), number,
             lines);
  CompareAll(before.residence.organisations, after.residence.organisations, named("organisation"),
             number, lines);
}

void CompareFacts(const IncidentFacts& before, const IncidentFacts& after, Lines* lines) {
  const auto moment = [](DisclosureMoment one) { return std::string(DisclosureMomentName(one)); };
  const auto named = [](const char* what) {
    return [what](const std::string& name) { return fmt::format("{} {}", what, name); };
  };
  const auto same = [](const std::string& text) { return text; };
  CompareAll(before.moments, after.moments, moment, TimeText, lines);
  CompareAll(before.clocks, after.clocks, named("clock"), TimeText, lines);
  CompareAll(before.done, after.done, named("done"), TimeText, lines);
  CompareAll(before.answers, after.answers, named("answer"), AnswerText, lines);
  CompareAll(before.classes, after.classes, named("class of"), same, lines);
  Compare("promised hours", before.promised_hours.value_or(-1), after.promised_hours.value_or(-1),
          lines);
  const auto list = [](const auto& texts) { return fmt::format("{}", fmt::join(texts, "; ")); };
  Compare("roles", list(before.roles), list(after.roles), lines);
  Compare("established", list(before.established), list(after.established), lines);
  Compare("risk", static_cast<int>(before.risk), static_cast<int>(after.risk), lines);
  Compare("unintelligible", before.unintelligible, after.unintelligible, lines);
  Compare("complete", before.complete, after.complete, lines);
  Compare("organisation", before.organisation, after.organisation, lines);
  Compare("what happened", before.happening, after.happening, lines);
  Compare("contact", before.contact, after.contact, lines);
  Compare("page to check", before.check_page, after.check_page, lines);
  Compare("measures", list(before.measures), list(after.measures), lines);
  Compare("not exposed", list(before.not_exposed), list(after.not_exposed), lines);
}

// What is told is what is least veiled.
int Bareness(FieldForm form) {
  switch (form) {
    case FieldForm::kIdentity:
      return 4;
    case FieldForm::kPlain:
      return 3;
    case FieldForm::kCoarse:
      return 2;
    case FieldForm::kToken:
      return 1;
  }
  return 0;
}

// Identities that no subject has were those of canaries.
bool IsOfNobody(const IncidentField& field) {
  return field.exposed.field.form == FieldForm::kIdentity && field.exposed.subjects == 0;
}

std::optional<int64_t> MomentOf(const IncidentFacts& facts, DisclosureMoment moment) {
  const auto found = facts.moments.find(moment);
  return found == facts.moments.end() ? std::nullopt : found->second.at_ms;
}

// Only what is new in `after`; what is gone is noted as withdrawn.
template <typename Map, typename Same>
Map NewIn(const Map& before, const Map& after, const Same& same) {
  Map fresh;
  for (const auto& [key, value] : after) {
    const auto old = before.find(key);
    if (old == before.end() || !same(old->second, value)) fresh[key] = value;
  }
  for (const auto& [key, value] : before) {
    if (!after.contains(key)) fresh[key] = {std::nullopt, "withdrawn"};
  }
  return fresh;
}

}  // namespace

Situation SituationOf(const IncidentVersion& version, int64_t now_ms) {
  const IncidentFacts& facts = version.facts;
  Situation situation;
  situation.roles = facts.roles;
  situation.established = facts.established;
  situation.persons = version.exposure.residence.countries;
  situation.classes.insert(std::string(kVendorIdClass));
  for (const IncidentField& one : version.exposure.fields) {
    if (IsOfNobody(one)) continue;
    if (one.exposed.field.form != FieldForm::kToken) situation.classes.insert(one.field_class);
  }
  situation.unintelligible = facts.unintelligible;
  situation.risk = facts.risk;
  situation.now_ms = now_ms;
  std::optional<int64_t> told = MomentOf(facts, DisclosureMoment::kCustomerTold);
  if (!told) told = MomentOf(facts, DisclosureMoment::kDataHandedOver);
  for (const char* clock : {"aware", "discovered", "notified"}) {
    if (told) situation.clocks[clock] = *told;
  }
  for (const auto& [name, time] : facts.clocks) {
    situation.clocks.erase(name);
    if (time.at_ms) situation.clocks[name] = *time.at_ms;
  }
  for (const auto& [id, time] : facts.done) {
    if (time.at_ms) situation.done[id] = *time.at_ms;
  }
  return situation;
}

NoticeFacts NoticeFactsOf(const IncidentVersion& version) {
  const IncidentFacts& known = version.facts;
  NoticeFacts facts;
  facts.organisation = known.organisation;
  facts.vendor = PlaceText(version);
  facts.happening = known.happening;
  facts.from_ms = DayMs(version.window.first_day);
  facts.to_ms = DayMs(version.window.last_day + 1) - 1000;
  facts.subjects = version.exposure.subjects;
  facts.records = version.exposure.sends;
  std::map<std::string, NoticeFacts::Field> fields;
  for (const IncidentField& one : version.exposure.fields) {
    if (IsOfNobody(one)) continue;
    const SentField& sent = one.exposed.field;
    const auto [found, added] =
        fields.try_emplace(sent.name, NoticeFacts::Field{sent.name, one.field_class, sent.form});
    if (!added && Bareness(sent.form) > Bareness(found->second.form)) {
      found->second.form = sent.form;
    }
  }
  for (auto& [name, field] : fields) facts.fields.push_back(std::move(field));
  facts.not_exposed = known.not_exposed;
  for (const DisclosureMoment moment : kDisclosureMoments) {
    facts.moments.push_back({std::string(DisclosureMomentName(moment)), MomentOf(known, moment)});
  }
  facts.contact = known.contact;
  facts.check_page = known.check_page;
  facts.measures = known.measures;
  facts.complete = known.complete;
  return facts;
}

Result<std::vector<Notice>> DraftNotices(const IncidentVersion& version) {
  const NoticeFacts facts = NoticeFactsOf(version);
  std::vector<Notice> drafts;
  for (const NoticeKind kind : {NoticeKind::kAuthority, NoticeKind::kOrganisation,
                                NoticeKind::kAdmin, NoticeKind::kUser, NoticeKind::kQuestions}) {
    Result<Notice> draft = DraftNotice(kind, facts);
    if (!draft) {
      return draft.error();
    }
    drafts.push_back(*std::move(draft));
  }
  return drafts;
}

Result<DisclosureRecord> DisclosureOf(std::span<const IncidentVersion> versions) {
  Check(!versions.empty(), "an incident has a version");
  if (versions.back().window.vendor.empty()) {
    return Error{ErrorCode::kInvalid, "a scorecard is of a vendor: this incident is at ourselves"};
  }
  DisclosureRecord record(versions.back().window.vendor, versions.back().facts.promised_hours);
  IncidentFacts before;
  for (const IncidentVersion& version : versions) {
    DisclosureVersion noted;
    noted.noted_ms = version.made_ms;
    noted.note = version.why;
    noted.times = NewIn(before.moments, version.facts.moments, [](const auto& a, const auto& b) {
      return a.at_ms == b.at_ms && a.source == b.source;
    });
    noted.answers = NewIn(before.answers, version.facts.answers, [](const auto& a, const auto& b) {
      return a.yes == b.yes && a.source == b.source;
    });
    before = version.facts;
    if (noted.times.empty() && noted.answers.empty()) continue;
    if (Result<void> appended = record.Append(std::move(noted)); !appended) {
      return appended.error();
    }
  }
  return record;
}

std::vector<std::string> DifferencesOf(const IncidentVersion& before,
                                       const IncidentVersion& after) {
  Lines lines;
  Compare("window", WindowText(before), WindowText(after), &lines);
  Compare("title", before.title, after.title, &lines);
  Compare("closed", before.closed, after.closed, &lines);
  Compare("organisations by", before.organisation_property, after.organisation_property, &lines);
  CompareExposure(before.exposure, after.exposure, CountedAs(after.origin), &lines);
  CompareFacts(before.facts, after.facts, &lines);
  return lines;
}

}  // namespace bulkhead
