#include "main/incident_commands.h"

#include <fmt/format.h>

#include <utility>

#include "base/clock.h"
#include "incident/incident_text.h"
#include "incident/incident_view.h"
#include "incident/obligations_data.h"
#include "incident/phishing_risk.h"
#include "incident/scorecard.h"
#include "main/audit_commands.h"
#include "main/incident_ask.h"
#include "main/incident_pages.h"
#include "main/notice_files.h"
#include "model/value.h"

namespace bulkhead {
namespace {

Result<ReachedServer> Reach(const IncidentCommand& command) {
  return ReachedServer::Reach(DataDirectory(command.dir));
}

Result<IncidentVersion> AskRecord(const IncidentCommand& command, const IncidentAsk& ask) {
  const Result<ReachedServer> server = Reach(command);
  return server ? AskRecord(*server, ask) : server.error();
}

Result<void> Show(const IncidentCommand& command, const Result<IncidentVersion>& version) {
  if (!version) {
    return version.error();
  }
  fmt::print("{}", command.json ? IncidentJson(*version) + "\n" : RenderIncident(*version));
  return {};
}

Result<Obligations> LoadObligations(const IncidentCommand& command) {
  if (command.obligations_file.empty()) {
    return Obligations::Load(ShippedObligations(), "obligations.toml");
  }
  const Result<std::string> text = RealFileSystem().ReadWhole(command.obligations_file);
  return text ? Obligations::Load(*text, command.obligations_file) : text.error();
}

IncidentAsk ScopeAsk(std::string_view kind, const IncidentCommand& command) {
  IncidentAsk ask;
  ask.kind = kind;
  ask.texts = {{"id", command.id},       {"vendor", command.vendor},
               {"from", command.from},   {"to", command.to},
               {"title", command.title}, {"organisation", command.organisation},
               {"why", command.why}};
  ask.numbers = {{"epoch", command.epoch}, {"project", command.project}};
  if (command.every_epoch) ask.flags.push_back("every_epoch");
  return ask;
}

// At whom, where it is no vendor.
void AddParty(const IncidentCommand& command, IncidentAsk* ask) {
  for (const auto& [kind, party] : {std::pair(IncidentKind::kMember, &command.member),
                                    std::pair(IncidentKind::kCredential, &command.credential),
                                    std::pair(IncidentKind::kExport, &command.export_id),
                                    std::pair(IncidentKind::kOurselves, &command.ourselves)}) {
    if (party->empty()) continue;
    ask->texts.emplace_back("kind", IncidentKindName(kind));
    ask->texts.emplace_back("party", *party);
  }
}

std::string SubjectLines(const RiskPage& page) {
  std::vector<std::string> fields;
  for (const SentField& field : page.fields) {
    std::string& json = fields.emplace_back("{\"name\":");
    AppendJsonString(field.name, &json);
    json += fmt::format(R"(,"form":"{}"}})", FieldFormName(field.form));
  }
  std::string lines;
  for (const RiskPage::Entry& one : page.subjects) {
    lines += fmt::format(R"({{"subject":"{}","score":{},"band":"{}","fields":[)",
                         one.subject.ToHex(), one.score, RiskBandName(BandOf(one.score)));
    for (const uint32_t field : one.fields) {
      lines += (lines.back() == '[' ? "" : ",") + fields[field];
    }
    lines += "]}\n";
  }
  return lines;
}

Result<RiskPage> NextPage(const ReachedServer& server, const std::string& id,
                          const RiskPage& before) {
  IncidentAsk ask{"subjects", {{"id", id}}, {}, {}};
  if (!before.subjects.empty()) {
    ask.texts.emplace_back("after", before.subjects.back().subject.ToHex());
    ask.numbers.emplace_back("score", before.subjects.back().score);
  }
  const Result<ServerAnswer> answer = AskIncident(server, ask);
  const Result<std::string> bytes =
      answer ? AnswerBytes(answer->root(), "page") : Result<std::string>(answer.error());
  return bytes ? DecodeRiskPage(*bytes) : bytes.error();
}

}  // namespace

Result<void> CommandIncidentOpen(const IncidentCommand& command) {
  IncidentAsk ask = ScopeAsk("open", command);
  AddParty(command, &ask);
  return Show(command, AskRecord(command, ask));
}

Result<void> CommandIncidentList(const IncidentCommand& command) {
  const Result<ReachedServer> server = Reach(command);
  const Result<ServerAnswer> answer =
      server ? AskIncident(*server, {"list", {}, {}, {}}) : Result<ServerAnswer>(server.error());
  const Result<std::vector<IncidentVersion>> incidents =
      answer ? AnswerRecords(answer->root()) : Result<std::vector<IncidentVersion>>(answer.error());
  if (!incidents) {
    return incidents.error();
  }
  for (const IncidentVersion& incident : *incidents) fmt::print("{}\n", IncidentLine(incident));
  return {};
}

Result<void> CommandIncidentShow(const IncidentCommand& command) {
  return Show(
      command,
      AskRecord(command, {"read", {{"id", command.id}}, {{"version", command.version}}, {}}));
}

Result<void> CommandIncidentFacts(const IncidentCommand& command) {
  const Result<Obligations> obligations = LoadObligations(command);
  if (!obligations) {
    return obligations.error();
  }
  const Result<ReachedServer> server = Reach(command);
  return server ? Show(command,
                       AskFacts(*server, {command.id, command.facts, command.why}, *obligations))
                : server.error();
}

Result<void> CommandIncidentCorrect(const IncidentCommand& command) {
  return Show(command, AskRecord(command, ScopeAsk("correct", command)));
}

Result<void> CommandIncidentDeadlines(const IncidentCommand& command) {
  const Result<Obligations> file = LoadObligations(command);
  const Result<int64_t> now =
      command.now.empty() ? Result<int64_t>(SystemClock().NowMs()) : ParseMoment(command.now);
  if (!file || !now) {
    return file ? now.error() : file.error();
  }
  const Result<IncidentVersion> version =
      AskRecord(command, {"read", {{"id", command.id}}, {}, {}});
  if (!version) {
    return version.error();
  }
  const Result<std::vector<Obligation>> obligations = file->Apply(SituationOf(*version, *now));
  if (!obligations) {
    return obligations.error();
  }
  if (command.json) {
    fmt::print("{}\n", ObligationsJson(*obligations));
    return {};
  }
  fmt::print("by the table of {}, which is no legal advice\n{}", FormatDate(file->file().version),
             RenderObligations(*obligations));
  return {};
}

Result<void> CommandIncidentNotices(const IncidentCommand& command) {
  const Result<ReachedServer> server = Reach(command);
  const Result<WrittenNotices> written = server ? WriteNotices(*server, command.id, command.out)
                                                : Result<WrittenNotices>(server.error());
  if (!written) {
    return written.error();
  }
  fmt::print("{} drafts of version {} in {}; audit log entry {}\n", written->drafts.size(),
             written->version, command.out, written->entry);
  for (const Notice& draft : written->drafts) {
    for (const std::string& fact : draft.unknown) {
      fmt::print("  {} lacks: {}\n", NoticeKindName(draft.kind), fact);
    }
  }
  return {};
}

Result<void> CommandIncidentSubjects(const IncidentCommand& command) {
  const Result<ReachedServer> server = Reach(command);
  Result<std::unique_ptr<AppendFile>> file =
      server ? MakeNewFile(command.out) : Result<std::unique_ptr<AppendFile>>(server.error());
  if (!file) {
    return file.error();
  }
  uint64_t subjects = 0;
  RiskPage page;
  do {
    Result<RiskPage> next = NextPage(*server, command.id, page);
    const Result<void> written =
        next ? (*file)->Append(SubjectLines(*next)) : Result<void>(next.error());
    if (!written) {
      return written;
    }
    page = *std::move(next);
    subjects += page.subjects.size();
  } while (page.more);
  if (Result<void> synced = (*file)->Sync(); !synced) {
    return synced;
  }
  fmt::print("{} subjects in {}\n", subjects, command.out);
  return {};
}

Result<void> CommandIncidentScorecard(const IncidentCommand& command) {
  const Result<ReachedServer> server = Reach(command);
  const Result<ServerAnswer> answer =
      server ? AskIncident(*server, {"read", {{"id", command.id}}, {}, {"all"}})
             : Result<ServerAnswer>(server.error());
  const Result<std::vector<IncidentVersion>> versions =
      answer ? AnswerRecords(answer->root()) : Result<std::vector<IncidentVersion>>(answer.error());
  const Result<DisclosureRecord> record =
      versions ? DisclosureOf(*versions) : Result<DisclosureRecord>(versions.error());
  if (!record) {
    return record.error();
  }
  fmt::print("{}", RenderScorecard(MakeScorecard(*record)));
  return {};
}

Result<void> CommandIncidentClose(const IncidentCommand& command) {
  const Result<IncidentVersion> closed =
      AskRecord(command, {"close", {{"id", command.id}, {"why", command.why}}, {}, {}});
  if (!closed) {
    return closed.error();
  }
  fmt::print("{}\n", IncidentLine(*closed));
  return {};
}

}  // namespace bulkhead
