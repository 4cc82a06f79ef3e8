#include "incident/drill_sections.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "incident/calendar.h"
#include "incident/drill_history.h"

namespace bulkhead {
namespace {

constexpr std::string_view kAuthorityDuty = "gdpr-33-1";

// When a step with that mark ended, after the thief's first mail.
std::string After(const DrillReport& report, std::string_view mark) {
  for (const DrillStep& step : report.steps) {
    if (step.mark == mark) {
      return DurationText(std::max(0.0, step.ended_s - report.mailed_s)) + " after the first mail";
    }
  }
  return "not done";
}

std::string ReadableText(const DrillReport& report) {
  const uint64_t real = SumOf(report.searches, &DrillSearch::in_stolen);
  return fmt::format(
      "{} of the {} names, addresses and ids that SDKs sent; else the day, the country, the site "
      "that referred and the plan, beside an id that only this vendor has",
      real == 0 ? "none" : GroupedNumber(real),
      GroupedNumber(SumOf(report.searches, &DrillSearch::in_traffic)));
}

std::string DueText(const DrillReport& report) {
  for (const Obligation& duty : report.duties) {
    if (duty.id == kAuthorityDuty && duty.due_ms) {
      return fmt::format("{}, counted from the alarm", FormatTime(*duty.due_ms / 60'000 * 60'000));
    }
  }
  return "not computed";
}

std::string FieldNames(const DrillReport& report) {
  std::vector<std::string_view> names;
  for (const IncidentField& one : report.incident.exposure.fields) {
    if (one.exposed.subjects > 0) names.push_back(one.exposed.field.name);
  }
  return fmt::format("{} fields with their forms: {}", names.size(), fmt::join(names, ", "));
}

std::string AttributionText(const DrillReport& report) {
  const std::string matched =
      report.match.attributed
          ? fmt::format("the ids of the file name {}, epoch {}", report.match.attributed->vendor,
                        report.match.attributed->epoch)
          : "the file could not be attributed";
  return fmt::format("a canary named {}, epoch {}; {}", report.seen.vendor, report.seen.epoch,
                     matched);
}

std::string ScopeText(const DrillReport& report) {
  if (report.IsLedgerShort()) return "the ledger told of LESS than the vendor has";
  return report.IsLedgerEqual()
             ? "nothing to correct: the first answer equals a count of all that the vendor has"
             : "the first answer told of no less than the vendor has";
}

std::string ClosingText(const DrillReport& report) {
  return fmt::format("killed in {}; {} of {} events offered afterwards arrived",
                     DurationText(report.kill.took_s), GroupedNumber(report.kill.received_after),
                     GroupedNumber(report.kill.offered_after));
}

}  // namespace

DrillSection ThenAndNow(const DrillReport& report) {
  DrillSection section{"Then, and with Bulkhead", {}, {}, {}};
  section.table = {{"", "in 2025", "source", "with Bulkhead, this run"},
                   {0.18, 0.27, 0.19, 0.36},
                   {false, false, false, false},
                   {},
                   3};
  const std::string notice(kPlatformNotice);
  const std::string update(kPlatformUpdate);
  section.table.rows = {
      {"Which data set left?", "known after 16 days, when the vendor handed it over (9 to 25 Nov)",
       notice, After(report, "exposure known") + ", from our own ledger"},
      {"Who is affected?", "users told from 26 Nov on, more of them on 19 Dec",
       notice + "; " + update,
       fmt::format("{} subjects, exact, {}", GroupedNumber(report.incident.exposure.subjects),
                   After(report, "exposure known"))},
      {"Which fields?",
       "name, e-mail address, approximate location, system and browser, referring sites, "
       "organisation and user ids",
       notice, FieldNames(report)},
      {"Was the scope right?", "widened on 19 Dec, 24 days after the data set came", update,
       ScopeText(report)},
      {"What can a thief read?", "who somebody is and how to write to them", notice,
       ReadableText(report)},
      {"Whose copy is it?", "known from the vendor's word", notice, AttributionText(report)},
      {"When were notices ready?", "published on 26 Nov, 17 days after the vendor knew", notice,
       fmt::format("{} drafts, {}", report.notices.size(), After(report, "drafts written"))},
      {"When did the feed stop?", "the vendor was removed from production; no time was published",
       notice, ClosingText(report)},
      {"End of the 72 hours of GDPR Art. 33(1)",
       "28 Nov, counted from 25 Nov, the day of the data set", "computed from the days above",
       DueText(report)},
  };
  return section;
}

DrillSection Duties(const DrillReport& report) {
  DrillSection section{"Duties and their times", {}, {}, {}};
  section.paragraphs = {
      "Computed from a table of rules, for counsel to judge; no legal advice. The drill takes the "
      "platform for a controller in Ireland that has assessed a risk, and the alarm for the moment "
      "of awareness."};
  section.table = {{"state", "rule", "who tells whom", "until"},
                   {0.11, 0.3, 0.37, 0.22},
                   {false, false, false, false},
                   {},
                   -1};
  size_t others = 0;
  for (const Obligation& duty : report.duties) {
    if (duty.state == ObligationState::kNotApplicable) {
      ++others;
      continue;
    }
    section.table.rows.push_back(
        {std::string(ObligationStateName(duty.state)), duty.regime + " " + duty.article,
         duty.who + " tells " + duty.whom,
         duty.due_ms                               ? FormatTime(*duty.due_ms / 60'000 * 60'000)
         : duty.state == ObligationState::kWaiting ? duty.why
                                                   : "without undue delay"});
  }
  section.items = {fmt::format("{} further rules do not apply.", others)};
  return section;
}

DrillSection Drafts(const DrillReport& report) {
  DrillSection section{"Drafts of notices", {}, {}, {}};
  section.paragraphs = {
      "Their hashes stood in the audit log before the files were written. What is not known, they "
      "say to be not known yet."};
  section.table = {{"to", "subject", "still to be filled in"},
                   {0.14, 0.42, 0.44},
                   {false, false, false},
                   {},
                   -1};
  for (const Notice& notice : report.notices) {
    section.table.rows.push_back(
        {std::string(NoticeKindName(notice.kind)), notice.subject,
         notice.unknown.empty() ? "nothing" : fmt::format("{}", fmt::join(notice.unknown, ", "))});
  }
  return section;
}

DrillSection Stopped(const DrillReport& report) {
  const DrillKill& kill = report.kill;
  DrillSection section{"After the kill", {}, {}, {}};
  section.items = {
      fmt::format("The credential is destroyed and a new epoch begun; {}.", ClosingText(report)),
      fmt::format("The vendor was watched for {}.", DurationText(kill.watched_s)),
      fmt::format(
          "At the end the key of the stolen epoch was destroyed: of {} ids in the file that "
          "could be matched before, {} can be now, by anybody, us included. In a real "
          "incident that comes last, when the file is no longer needed as evidence.",
          GroupedNumber(kill.ids_known_before), GroupedNumber(kill.ids_known_after))};
  return section;
}

DrillSection Checked(const DrillReport& report) {
  DrillSection section{"Checked against the vendor's own data", {}, {}, {}};
  section.paragraphs = {
      report.IsLedgerShort() ? "THE LEDGER TOLD OF LESS THAN THE VENDOR HAS, which it never may."
      : report.IsLedgerEqual()
          ? "Everything that the vendor has was counted one by one, and equals what the ledger "
            "said."
          : "The ledger told of no less than the vendor has, and of more in some rows, as after a "
            "send that was repeated."};
  section.items = {
      "Counted are ids of the vendor and messages, canaries' messages too; a profile's time is the "
      "one at which it came."};
  section.table = {{"", "subjects, ledger", "vendor", "messages, ledger", "vendor", ""},
                   {0.28, 0.16, 0.13, 0.17, 0.13, 0.13},
                   {false, true, true, true, true, false},
                   {},
                   -1};
  for (const DrillCount& count : report.counts) {
    section.table.rows.push_back(
        {count.what, GroupedNumber(count.ledger_subjects), GroupedNumber(count.vendor_subjects),
         GroupedNumber(count.ledger_sends), GroupedNumber(count.vendor_sends),
         count.IsShort()   ? "SHORT"
         : count.IsEqual() ? "equal"
                           : "more"});
  }
  return section;
}

DrillSection Stopwatch(const DrillReport& report) {
  DrillSection section{"Stopwatch", {}, {}, {}};
  section.table = {{"from", "took", "step", "result"},
                   {0.09, 0.1, 0.37, 0.44},
                   {true, true, false, false},
                   {},
                   -1};
  for (const DrillStep& step : report.steps) {
    section.table.rows.push_back({fmt::format("{:.1f} s", step.began_s),
                                  DurationText(step.ended_s - step.began_s), step.what,
                                  step.result});
  }
  return section;
}

DrillSection Limits(const DrillReport& report) {
  DrillSection section{"What this does not show", {}, {}, {}};
  section.items = {
      fmt::format(
          "The people and their month are made up, and so is the thief. One machine with {} "
          "processors played everybody.",
          report.processors),
      "The month was imported within seconds, so the ledger has all sends on the day of the drill; "
      "the events have the days of the month.",
      "The vendor is a process of this program that takes and gives what the hosted product does; "
      "the hosted product itself was not used.",
      "The alarm comes with a mail to a canary. A thief who writes to nobody raises none, and one "
      "who knows what canaries are for may see that they alone have addresses. Everything else "
      "here works from the day on which the vendor tells.",
      "What a drill takes seconds for, people take hours for: to read, to decide, to have counsel "
      "agree, to send. Only what a program does was timed.",
      "Subjects are ids. A person with two devices that were never linked counts as two.",
      "Two sets of two vendors can be joined by what people did and when, unless each vendor has "
      "people of its own."};
  if (!report.policy.empty()) {
    section.paragraphs = {
        "The vendor's policy in this run stands in policy.toml, beside the report."};
  }
  return section;
}

}  // namespace bulkhead
