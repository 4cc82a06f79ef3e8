#include <fmt/format.h>

#include "incident/drill_report.h"
#include "incident/incident_text.h"
#include "model/value.h"

namespace bulkhead {
namespace {

template <typename List, typename Each>
std::string Joined(const List& list, const Each& each) {
  std::string json = "[";
  for (const auto& one : list) {
    if (json.size() > 1) json += ",";
    json += each(one);
  }
  return json + "]";
}

std::string StepJson(const DrillStep& step) {
  return fmt::format(R"({{"what":{},"result":{},"began_s":{:.3f},"ended_s":{:.3f}}})",
                     JsonString(step.what), JsonString(step.result), step.began_s, step.ended_s);
}

std::string SearchJson(const DrillSearch& search) {
  return fmt::format(R"({{"what":{},"in_traffic":{},"in_stolen":{},"canaries":{}}})",
                     JsonString(search.what), search.in_traffic, search.in_stolen, search.canaries);
}

std::string CountJson(const DrillCount& count) {
  return fmt::format(
      R"({{"what":{},"ledger_subjects":{},"ledger_sends":{},"vendor_subjects":{},"vendor_sends":{}}})",
      JsonString(count.what), count.ledger_subjects, count.ledger_sends, count.vendor_subjects,
      count.vendor_sends);
}

std::string KillJson(const DrillKill& kill) {
  return fmt::format(
      R"({{"took_s":{:.3f},"offered_after":{},"received_after":{},"watched_s":{:.3f},)"
      R"("ids_known_before":{},"ids_known_after":{}}})",
      kill.took_s, kill.offered_after, kill.received_after, kill.watched_s, kill.ids_known_before,
      kill.ids_known_after);
}

std::string NoticeJson(const Notice& notice) {
  return fmt::format(R"({{"kind":"{}","subject":{},"unknown":{}}})", NoticeKindName(notice.kind),
                     JsonString(notice.subject), Joined(notice.unknown, JsonString));
}

}  // namespace

std::string DrillReportJson(const DrillReport& report) {
  std::string json = fmt::format(
      R"({{"made_ms":{},"people":{},"events":{},"profiles":{},"processors":{},"total_s":{:.3f},)"
      R"("stolen_s":{:.3f},"stolen_bytes":{},"stolen_events":{},"stolen_profiles":{},)"
      R"("canaries":{},"mails":{},"mailed_s":{:.3f},"seen":{{"vendor":{},"epoch":{}}},)"
      R"("seen_s":{:.3f},"incident_opened":{},"incident_s":{:.3f},)",
      report.made_ms, report.people, report.events, report.profiles, report.processors,
      report.total_s, report.stolen_s, report.stolen_bytes, report.stolen_events,
      report.stolen_profiles, report.canaries, report.mails, report.mailed_s,
      JsonString(report.seen.vendor), report.seen.epoch, report.seen_s,
      JsonString(report.incident_opened), report.incident_s);
  json += fmt::format(R"("steps":{},"searches":{},"incident":{},"match":{},"duties":{},)",
                      Joined(report.steps, StepJson), Joined(report.searches, SearchJson),
                      IncidentJson(report.incident), DumpReportJson(report.match),
                      ObligationsJson(report.duties));
  json += fmt::format(
      R"("notices":{},"kill":{},"ledger_equal":{},"ledger_short":{},"counts":{},"files":{}}})",
      Joined(report.notices, NoticeJson), KillJson(report.kill), report.IsLedgerEqual(),
      report.IsLedgerShort(), Joined(report.counts, CountJson), Joined(report.files, JsonString));
  return json;
}

}  // namespace bulkhead
