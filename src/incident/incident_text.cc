#include "incident/incident_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>
#include <vector>

#include "base/hex.h"
#include "incident/calendar.h"
#include "incident/phishing_risk.h"

namespace bulkhead {
namespace {

constexpr size_t kMostShown = 20;

std::string TimeText(const std::optional<int64_t>& at_ms) {
  return at_ms ? FormatTime(*at_ms) : "not known";
}

// The largest first; what is not known last.
std::string CountLines(std::string_view title, const std::map<std::string, uint64_t>& counts) {
  std::vector<std::pair<std::string, uint64_t>> known;
  for (const auto& [name, subjects] : counts) {
    if (!name.empty()) known.emplace_back(name, subjects);
  }
  std::ranges::stable_sort(known, std::greater<>(), &std::pair<std::string, uint64_t>::second);
  std::string text = fmt::format("{}: {}\n", title, known.size());
  for (size_t i = 0; i < std::min(known.size(), kMostShown); ++i) {
    text += fmt::format("  {} subjects  {}\n", known[i].second, known[i].first);
  }
  if (known.size() > kMostShown) text += fmt::format("  and {} more\n", known.size() - kMostShown);
  if (const auto unknown = counts.find(""); unknown != counts.end()) {
    text += fmt::format("  {} subjects  not known\n", unknown->second);
  }
  return text;
}

std::string ExposureText(const IncidentExposure& exposure, std::string_view counted) {
  std::string text =
      fmt::format("{} subjects, {} {}\n", exposure.subjects, exposure.sends, counted);
  for (const IncidentField& one : exposure.fields) {
    const ExposedField& field = one.exposed;
    text +=
        fmt::format("  {} ({}, {}): {} subjects, {} {}, {} to {}\n", field.field.name,
                    FieldFormName(field.field.form), one.field_class, field.subjects, field.sends,
                    counted, FormatDay(field.first_day), FormatDay(field.last_day));
  }
  text += "risk:";
  for (size_t i = kRiskBands; i > 0; --i) {
    text += fmt::format("{} {} {}", i == kRiskBands ? "" : ",", exposure.bands.at(i - 1),
                        RiskBandName(static_cast<RiskBand>(i - 1)));
  }
  text += "\n" + CountLines("countries", exposure.residence.countries);
  if (!exposure.residence.organisations.empty()) {
    text += CountLines("organisations", exposure.residence.organisations);
  }
  if (exposure.residence.organisations_left_out > 0) {
    text += fmt::format("  {} subjects in organisations beyond those that are counted\n",
                        exposure.residence.organisations_left_out);
  }
  return text;
}

std::string OriginText(const IncidentVersion& version) {
  const IncidentOrigin& origin = version.origin;
  std::string text;
  for (const FoundFile& file : origin.leaked) {
    text += fmt::format(
        "of {} subjects {}, {} are in {} ({} bytes, SHA-256 {}): {} of {} records genuine, {} "
        "canaries\n",
        version.exposure.subjects, CountedAs(origin) == "sends" ? "sent" : "concerned",
        file.subjects, file.name, file.bytes, HexEncode(file.sha256), file.genuine_records,
        file.records, file.canaries);
  }
  for (size_t i = 0; i < std::min(origin.reads.size(), kMostShown); ++i) {
    const IncidentRead& read = origin.reads[i];
    text += fmt::format("  audit log entry {}, {}: {}, {} subjects\n", read.entry,
                        FormatTime(read.at_ms), read.action, read.subjects);
  }
  const uint64_t more =
      origin.reads.size() - std::min(origin.reads.size(), kMostShown) + origin.reads_left_out;
  if (more > 0) text += fmt::format("  and {} entries more\n", more);
  for (const std::string& remark : origin.remarks) text += fmt::format("note: {}\n", remark);
  return text;
}

std::string FactsText(const IncidentFacts& facts) {
  std::string text = "times:\n";
  for (const DisclosureMoment moment : kDisclosureMoments) {
    const auto found = facts.moments.find(moment);
    text += fmt::format(
        "  {}: {}\n", DisclosureMomentName(moment),
        found == facts.moments.end()
            ? "not known"
            : fmt::format("{} ({})", TimeText(found->second.at_ms), found->second.source));
  }
  for (const auto& [title, times] :
       {std::pair("clock", &facts.clocks), std::pair("done", &facts.done)}) {
    for (const auto& [name, time] : *times) {
      text += fmt::format("  {} {}: {} ({})\n", title, name, TimeText(time.at_ms), time.source);
    }
  }
  for (const auto& [title, names] :
       {std::pair("roles", &facts.roles), std::pair("established", &facts.established)}) {
    if (!names->empty()) text += fmt::format("{}: {}\n", title, fmt::join(*names, ", "));
  }
  return text;
}

int Urgency(ObligationState state) {
  switch (state) {
    case ObligationState::kPassed:
      return 0;
    case ObligationState::kDue:
      return 1;
    case ObligationState::kWaiting:
      return 2;
    case ObligationState::kDone:
      return 3;
    case ObligationState::kNotApplicable:
      return 4;
  }
  return 5;
}

std::string ObligationText(const Obligation& one) {
  std::string text = fmt::format("{}  {} ({} {}): {} tells {}\n", ObligationStateName(one.state),
                                 one.id, one.regime, one.article, one.who, one.whom);
  if (one.due_ms) {
    text += fmt::format("  {}{}{}\n", one.state == ObligationState::kPassed ? "was due " : "due ",
                        FormatTime(*one.due_ms), one.projected ? ", projected" : "");
  }
  if (one.late) text += "  done late\n";
  for (const std::string* line : {&one.why, &one.basis}) {
    if (!line->empty()) text += fmt::format("  {}\n", *line);
  }
  for (const std::string& line : one.assumed) text += fmt::format("  assumed: {}\n", line);
  return text;
}

}  // namespace

std::string_view CountedAs(const IncidentOrigin& origin) {
  switch (origin.kind) {
    case IncidentKind::kVendor:
      return "sends";
    case IncidentKind::kOurselves:
      return "records";
    case IncidentKind::kCredential:
      if (origin.party.empty()) return "sends";
      break;
    case IncidentKind::kMember:
    case IncidentKind::kExport:
      break;
  }
  return "reads";
}

std::string IncidentLine(const IncidentVersion& version) {
  const LedgerWindow& window = version.window;
  return fmt::format("{}  version {}, {}: {}, {} to {}{}: {} subjects{}{}", version.id,
                     version.number, version.closed ? "closed" : "open", PartyText(version),
                     FormatDay(window.first_day), FormatDay(window.last_day),
                     window.epoch ? fmt::format(", epoch {}", *window.epoch) : "",
                     version.exposure.subjects, version.title.empty() ? "" : "; ", version.title);
}

std::string RenderIncident(const IncidentVersion& version) {
  std::string text = IncidentLine(version) + "\n";
  text += fmt::format("made {} by {}{}{}\n", FormatTime(version.made_ms), version.actor,
                      version.why.empty() ? "" : ": ", version.why);
  text += ExposureText(version.exposure, CountedAs(version.origin)) + OriginText(version) +
          FactsText(version.facts);
  if (!version.changes.empty()) text += "against the version before:\n";
  for (const std::string& line : version.changes) text += fmt::format("  {}\n", line);
  return text;
}

std::string RenderObligations(std::span<const Obligation> obligations) {
  std::vector<const Obligation*> sorted;
  for (const Obligation& one : obligations) sorted.push_back(&one);
  std::ranges::stable_sort(sorted, {}, [](const Obligation* one) {
    return std::tuple(Urgency(one->state),
                      one->due_ms.value_or(std::numeric_limits<int64_t>::max()));
  });
  std::string text;
  for (const Obligation* one : sorted) text += ObligationText(*one);
  return text;
}

namespace {

std::string FirstOf(const std::vector<std::string>& names) {
  const std::span<const std::string> first(names.data(), std::min(names.size(), kMostShown));
  return fmt::format("{}{}", fmt::join(first, ", "), names.size() > kMostShown ? ", ..." : "");
}

}  // namespace

std::string RenderDumpReport(const DumpReport& report) {
  std::string text = report.attributed
                         ? fmt::format("from what {} was sent in epoch {}\n",
                                       report.attributed->vendor, report.attributed->epoch)
                         : "from no vendor and epoch that is known, or from several alike\n";
  text += fmt::format("{} of {} records are genuine ({:.2f} %)\n", report.genuine_records,
                      report.records, 100 * report.GenuineShare());
  if (report.cut_records > 0) {
    text += fmt::format("{} records were too long to be told apart\n", report.cut_records);
  }
  for (const SourceMatches& one : report.sources) {
    text += fmt::format("  {} epoch {}: {} of {} ids, in {} records", one.source.vendor,
                        one.source.epoch, one.matched_ids, one.known_ids, one.records);
    if (one.matched_ids > 0) text += fmt::format("; by chance at most 2^{:.0f}", one.log2_chance);
    text += "\n";
    if (one.canaries.empty()) continue;
    text += fmt::format("    {} canaries of {}, epoch {} ({} by their address alone): {}\n",
                        one.canaries.size(), one.source.vendor, one.source.epoch,
                        one.by_address_alone, FirstOf(one.canaries));
  }
  return text;
}

}  // namespace bulkhead
