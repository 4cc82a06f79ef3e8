#include "incident/drill_page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include "incident/calendar.h"
#include "incident/drill_history.h"
#include "incident/drill_sections.h"
#include "incident/phishing_risk.h"

namespace bulkhead {
namespace {

constexpr size_t kMostCountries = 12;
constexpr double kTelling = 1000;  // a chance below 2 to the minus this needs no number

std::string Seconds(double from_s, double to_s) {
  return DurationText(std::max(0.0, to_s - from_s));
}

std::vector<DrillFigure> Figures(const DrillReport& report) {
  const uint64_t real = SumOf(report.searches, &DrillSearch::in_stolen);
  double known_s = report.incident_s;
  for (const DrillStep& step : report.steps) {
    if (step.mark.starts_with("drafts")) known_s = step.ended_s;
  }
  return {
      {Seconds(report.mailed_s, known_s),
       "from the thief's first mail to who is affected, by what, and drafts of what to tell them. "
       "In 2025: 16 days to the data set, 40 to its full scope"},
      {GroupedNumber(real),
       fmt::format("names, addresses and ids of people readable in the stolen file, of {} that the "
                   "SDKs sent",
                   GroupedNumber(SumOf(report.searches, &DrillSearch::in_traffic))),
       real == 0},
      {DurationText(report.kill.took_s),
       fmt::format("to stop the feed for good; {} of {} events offered afterwards arrived",
                   GroupedNumber(report.kill.received_after),
                   GroupedNumber(report.kill.offered_after)),
       report.kill.received_after == 0},
      {report.IsLedgerShort()   ? "short"
       : report.IsLedgerEqual() ? "equal"
                                : "more",
       "the ledger of what was sent, against a count of everything that the vendor has",
       !report.IsLedgerShort()},
  };
}

std::string FormsOf(const DrillReport& report, std::string_view properties) {
  std::vector<std::string> sent;
  bool all = true;
  for (size_t begin = 0; begin < properties.size();) {
    const size_t end = std::min(properties.find(' ', begin), properties.size());
    const std::string_view name = properties.substr(begin, end - begin);
    begin = end + 1;
    const auto& fields = report.incident.exposure.fields;
    const auto found = std::ranges::find_if(fields, [&](const IncidentField& one) {
      return one.exposed.field.name == name && one.exposed.subjects > 0;
    });
    all = all && found != fields.end();
    if (found != fields.end()) {
      const FieldForm form = found->exposed.field.form;
      sent.push_back(fmt::format("{}: {}", name,
                                 form == FieldForm::kToken    ? "as a keyed token"
                                 : form == FieldForm::kCoarse ? "coarse (site alone)"
                                                              : "as it is"));
    }
  }
  if (sent.empty()) return "not sent";
  return fmt::format("{}{}", fmt::join(sent, ", "), all ? "" : "; the rest not sent");
}

DrillSection FormerFields(const DrillReport& report) {
  DrillSection section{"What the vendor was given", {}, {}, {}};
  section.table = {{"in 2025, for each user of the platform's API site", "with Bulkhead, this run"},
                   {0.5, 0.5},
                   {false, false},
                   {},
                   1};
  for (const DrillFormerField& field : FieldsOf2025()) {
    section.table.rows.push_back({std::string(field.what), FormsOf(report, field.properties)});
  }
  section.table.rows.push_back(
      {"user id", "an id that this vendor alone has, another one in each epoch"});
  return section;
}

DrillSection Found(const DrillReport& report) {
  DrillSection section{"What the thief could read", {}, {}, {}};
  section.paragraphs = {fmt::format(
      "The thief exported {:.1f} MB, {} events and {} profiles, with the vendor's own account, and "
      "searched the file for everything that the SDKs had sent of people. Counted are distinct "
      "values.",
      static_cast<double>(report.stolen_bytes) / 1e6, GroupedNumber(report.stolen_events),
      GroupedNumber(report.stolen_profiles))};
  section.table = {{"", "sent by SDKs", "in the stolen file", "beside them, of canaries"},
                   {0.34, 0.22, 0.22, 0.22},
                   {false, true, true, true},
                   {},
                   2};
  for (const DrillSearch& search : report.searches) {
    section.table.rows.push_back({search.what, GroupedNumber(search.in_traffic),
                                  GroupedNumber(search.in_stolen), GroupedNumber(search.canaries)});
  }
  return section;
}

std::string ChanceText(double log2_chance) {
  return log2_chance < -kTelling ? fmt::format("less than 2^-{:.0f}", kTelling)
                                 : fmt::format("at most 2^{:.0f}", log2_chance);
}

DrillSection Attribution(const DrillReport& report) {
  DrillSection section{"Where it leaked", {}, {}, {}};
  section.items = {
      fmt::format("The thief wrote to the {} addresses in the file. All are of invented people "
                  "whom this vendor alone was sent: {} after the first mail the server named {}, "
                  "epoch {}.",
                  GroupedNumber(report.mails), Seconds(report.mailed_s, report.seen_s),
                  report.seen.vendor, report.seen.epoch),
      fmt::format("The incident {} was opened by the actor \"{}\", {} after the first mail.",
                  report.incident.id, report.incident_opened,
                  Seconds(report.mailed_s, report.incident_s))};
  const DumpReport& match = report.match;
  std::string matched = fmt::format(
      "Of {} records in the stolen file {} ({:.2f} %) are of subjects whose ids were computed "
      "anew; "
      "the rest are canaries'.",
      GroupedNumber(match.records), GroupedNumber(match.genuine_records),
      100 * match.GenuineShare());
  if (match.attributed && !match.sources.empty()) {
    const SourceMatches& best = match.sources.front();
    matched += fmt::format(" It is from {}, epoch {}: {} of {} ids match, by chance with {}.",
                           best.source.vendor, best.source.epoch, GroupedNumber(best.matched_ids),
                           GroupedNumber(best.known_ids), ChanceText(best.log2_chance));
  } else {
    matched += " It could not be attributed.";
  }
  section.items.push_back(std::move(matched));
  return section;
}

std::string CountriesText(const Residence& residence) {
  std::vector<std::pair<uint64_t, std::string>> sorted;
  for (const auto& [country, subjects] : residence.countries) {
    sorted.emplace_back(subjects, country.empty() ? "not known" : country);
  }
  std::ranges::sort(sorted, std::greater<>());
  std::vector<std::string> texts;
  for (size_t i = 0; i < std::min(sorted.size(), kMostCountries); ++i) {
    texts.push_back(fmt::format("{} {}", sorted[i].second, GroupedNumber(sorted[i].first)));
  }
  if (sorted.size() > kMostCountries) {
    texts.push_back(fmt::format("{} more countries", sorted.size() - kMostCountries));
  }
  return texts.empty() ? "none" : fmt::format("{}", fmt::join(texts, ", "));
}

DrillSection Exposed(const DrillReport& report) {
  const IncidentExposure& exposure = report.incident.exposure;
  DrillSection section{"Whom it concerns", {}, {}, {}};
  std::vector<std::string> bands;
  for (size_t i = kRiskBands; i-- > 0;) {
    bands.push_back(fmt::format("{} {}", GroupedNumber(exposure.bands.at(i)),
                                RiskBandName(static_cast<RiskBand>(i))));
  }
  section.paragraphs = {
      fmt::format("{} subjects, {} messages, sent from {} to {}.", GroupedNumber(exposure.subjects),
                  GroupedNumber(exposure.sends), FormatDay(report.incident.window.first_day),
                  FormatDay(report.incident.window.last_day)),
      "Subjects by country: " + CountriesText(exposure.residence) + ".",
      fmt::format("Subjects by risk of being deceived (an order, no probability): {}.",
                  fmt::join(bands, ", "))};
  section.table = {{"field", "form", "class", "subjects", "messages"},
                   {0.24, 0.12, 0.34, 0.15, 0.15},
                   {false, false, false, true, true},
                   {},
                   -1};
  for (const IncidentField& one : exposure.fields) {
    section.table.rows.push_back(
        {one.exposed.field.name, std::string(FieldFormName(one.exposed.field.form)),
         one.field_class, GroupedNumber(one.exposed.subjects), GroupedNumber(one.exposed.sends)});
  }
  section.items = {
      "Identities of no subject are those of canaries, whose messages the ledger has as nobody's."};
  return section;
}

}  // namespace

bool DrillReport::IsLedgerEqual() const {
  return !counts.empty() && std::ranges::all_of(counts, &DrillCount::IsEqual);
}
bool DrillReport::IsLedgerShort() const {
  return counts.empty() || std::ranges::any_of(counts, &DrillCount::IsShort);
}

DrillPage LayOutDrillPage(const DrillReport& report) {
  DrillPage page;
  page.title = "The theft of November 2025, replayed";
  page.subtitle = fmt::format(
      "{}. {} events and {} profiles of {} made-up people of an API platform, one machine with {} "
      "processors, {} in all.",
      FormatTime(report.made_ms / 1000 * 1000), GroupedNumber(report.events),
      GroupedNumber(report.profiles), GroupedNumber(report.people), report.processors,
      DurationText(report.total_s));
  page.figures = Figures(report);
  page.chart_note =
      "The lanes have axes of their own: days above, seconds below. The thief of this run wrote to "
      "the stolen addresses at once; how long a real one waits, nobody knows, and until then a "
      "canary says nothing.";
  page.sections = {ThenAndNow(report), FormerFields(report), Found(report),  Attribution(report),
                   Exposed(report),    Duties(report),       Drafts(report), Stopped(report),
                   Checked(report),    Stopwatch(report),    Limits(report)};
  return page;
}

uint64_t SumOf(const std::vector<DrillSearch>& searches, uint64_t DrillSearch::*count) {
  uint64_t sum = 0;
  for (const DrillSearch& search : searches) sum += search.*count;
  return sum;
}

std::string GroupedNumber(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

std::string DurationText(double seconds) {
  if (seconds < 0.9995) return fmt::format("{:.0f} ms", seconds * 1000);
  if (seconds < 120) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(std::lround(seconds));
  return fmt::format("{} min {} s", whole / 60, whole % 60);
}

}  // namespace bulkhead
