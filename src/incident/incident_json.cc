#include <fmt/format.h>

#include "base/hex.h"
#include "crypto/crypto.h"
#include "incident/calendar.h"
#include "incident/incident_text.h"
#include "incident/phishing_risk.h"
#include "model/value.h"

namespace bulkhead {
namespace {

// Of whatever `each` makes of the items.
template <typename List, typename Each>
std::string Join(char open, const List& list, const Each& each) {
  std::string json(1, open);
  for (const auto& one : list) {
    if (json.size() > 1) json += ",";
    json += each(one);
  }
  return json + (open == '[' ? "]" : "}");
}
std::string Texts(const auto& texts) { return Join('[', texts, JsonString); }

std::string TimeJson(const std::optional<int64_t>& at_ms) {
  return at_ms ? JsonString(FormatTime(*at_ms)) : "null";
}

std::string Counts(const std::map<std::string, uint64_t>& counts) {
  return Join('{', counts, [](const auto& one) {
    return fmt::format("{}:{}", JsonString(one.first.empty() ? "unknown" : one.first), one.second);
  });
}

std::string NotedJson(std::string_view name, const IncidentFacts::Time& time) {
  return fmt::format(R"({}:{{"at":{},"source":{}}})", JsonString(name), TimeJson(time.at_ms),
                     JsonString(time.source));
}
std::string Times(const std::map<std::string, IncidentFacts::Time>& times) {
  return Join('{', times, [](const auto& one) { return NotedJson(one.first, one.second); });
}

std::string FieldJson(const IncidentField& one) {
  const ExposedField& field = one.exposed;
  return fmt::format(
      R"({{"name":{},"form":"{}","class":{},"subjects":{},"sends":{},"first":"{}","last":"{}"}})",
      JsonString(field.field.name), FieldFormName(field.field.form), JsonString(one.field_class),
      field.subjects, field.sends, FormatDay(field.first_day), FormatDay(field.last_day));
}

std::string ExposureJson(const IncidentExposure& exposure) {
  std::string bands;
  for (size_t i = 0; i < kRiskBands; ++i) {
    bands += fmt::format(R"({}"{}":{})", i == 0 ? "" : ",", RiskBandName(static_cast<RiskBand>(i)),
                         exposure.bands.at(i));
  }
  return fmt::format(
      R"({{"subjects":{},"sends":{},"fields":{},"epochs":{},"countries":{},"organisations":{},)"
      R"("organisations_left_out":{},"risk":{{{}}},"subjects_digest":"{}"}})",
      exposure.subjects, exposure.sends, Join('[', exposure.fields, FieldJson),
      Join('[', exposure.sends_of_epoch,
           [](const auto& one) {
             return fmt::format(R"({{"epoch":{},"sends":{}}})", one.first, one.second);
           }),
      Counts(exposure.residence.countries), Counts(exposure.residence.organisations),
      exposure.residence.organisations_left_out, bands, HexEncode(exposure.subjects_digest));
}

std::string FactsJson(const IncidentFacts& facts) {
  const std::string moments = Join('{', facts.moments, [](const auto& one) {
    return NotedJson(DisclosureMomentName(one.first), one.second);
  });
  const std::string answers = Join('{', facts.answers, [](const auto& one) {
    const char* yes = !one.second.yes ? "null" : *one.second.yes ? "true" : "false";
    return fmt::format(R"({}:{{"yes":{},"source":{}}})", JsonString(one.first), yes,
                       JsonString(one.second.source));
  });
  const std::string classes = Join('{', facts.classes, [](const auto& one) {
    return fmt::format("{}:{}", JsonString(one.first), JsonString(one.second));
  });
  return fmt::format(
      R"({{"moments":{},"clocks":{},"done":{},"answers":{},"promised_hours":{},"roles":{},)"
      R"("established":{},"risk":{},"unintelligible":{},"complete":{},"organisation":{},)"
      R"("happening":{},"contact":{},"check_page":{},"measures":{},"not_exposed":{},"classes":{}}})",
      moments, Times(facts.clocks), Times(facts.done), answers,
      facts.promised_hours ? std::to_string(*facts.promised_hours) : "null", Texts(facts.roles),
      Texts(facts.established), static_cast<int>(facts.risk), facts.unintelligible, facts.complete,
      JsonString(facts.organisation), JsonString(facts.happening), JsonString(facts.contact),
      JsonString(facts.check_page), Texts(facts.measures), Texts(facts.not_exposed), classes);
}

std::string LeakedJson(const FoundFile& file) {
  return fmt::format(
      R"({{"file":{},"sha256":"{}","bytes":{},"records":{},"genuine_records":{},"subjects":{},)"
      R"("canaries":{}}})",
      JsonString(file.name), HexEncode(file.sha256), file.bytes, file.records, file.genuine_records,
      file.subjects, file.canaries);
}

std::string ReadJson(const IncidentRead& read) {
  return fmt::format(R"({{"entry":{},"at":{},"action":{},"subjects":{}}})", read.entry,
                     TimeJson(read.at_ms), JsonString(read.action), read.subjects);
}

std::string SourceJson(const SourceMatches& one) {
  return fmt::format(
      R"({{"vendor":{},"epoch":{},"known_ids":{},"known_canaries":{},"matched_ids":{},"matched_subjects":{},"records":{},)"
      R"("canaries":{},"canaries_by_address_alone":{},"log2_chance":{}}})",
      JsonString(one.source.vendor), one.source.epoch, one.known_ids, one.known_canaries,
      one.matched_ids, one.MatchedSubjects(), one.records, Texts(one.canaries),
      one.by_address_alone, one.log2_chance);
}

}  // namespace

std::string IncidentJson(const IncidentVersion& version) {
  const LedgerWindow& window = version.window;
  const IncidentOrigin& origin = version.origin;
  return fmt::format(
      R"({{"id":{},"version":{},"made":{},"actor":{},"title":{},"why":{},"closed":{},)"
      R"("kind":"{}","party":{},"leaked":{},"reads":{},"reads_left_out":{},"remarks":{},)"
      R"("vendor":{},"from":"{}","to":"{}","epoch":{},"project":{},"organisation_property":{},)"
      R"("exposure":{},"facts":{},"changes":{},"digest":"{}"}})",
      JsonString(version.id), version.number, TimeJson(version.made_ms), JsonString(version.actor),
      JsonString(version.title), JsonString(version.why), version.closed,
      IncidentKindName(origin.kind), JsonString(origin.party), Join('[', origin.leaked, LeakedJson),
      Join('[', origin.reads, ReadJson), origin.reads_left_out, Texts(origin.remarks),
      JsonString(window.vendor), FormatDay(window.first_day), FormatDay(window.last_day),
      window.epoch ? std::to_string(*window.epoch) : "null", version.project,
      JsonString(version.organisation_property), ExposureJson(version.exposure),
      FactsJson(version.facts), Texts(version.changes),
      HexEncode(Sha256(EncodeIncidentVersion(version))));
}

std::string ObligationsJson(std::span<const Obligation> obligations) {
  return Join('[', obligations, [](const Obligation& one) {
    return fmt::format(
        R"({{"id":{},"regime":{},"article":{},"who":{},"whom":{},"state":"{}","due":{},)"
        R"("late":{},"projected":{},"why":{},"basis":{},"assumed":{}}})",
        JsonString(one.id), JsonString(one.regime), JsonString(one.article), JsonString(one.who),
        JsonString(one.whom), ObligationStateName(one.state), TimeJson(one.due_ms), one.late,
        one.projected, JsonString(one.why), JsonString(one.basis), Texts(one.assumed));
  });
}

std::string DumpReportJson(const DumpReport& report) {
  const std::string attributed =
      report.attributed
          ? fmt::format(R"({{"vendor":{},"epoch":{}}})", JsonString(report.attributed->vendor),
                        report.attributed->epoch)
          : "null";
  return fmt::format(
      R"({{"bytes":{},"records":{},"genuine_records":{},"genuine_share":{},"ids":{},)"
      R"("cut_records":{},"attributed":{},"sources":{}}})",
      report.bytes, report.records, report.genuine_records, report.GenuineShare(), report.ids,
      report.cut_records, attributed, Join('[', report.sources, SourceJson));
}

}  // namespace bulkhead
