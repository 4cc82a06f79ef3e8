// IncidentDesk: what is read of incidents, and the lists and drafts made from them.
#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/base64.h"
#include "incident/incident_view.h"
#include "incident/notice_commitment.h"
#include "main/audit_messages.h"
#include "main/desk_answers.h"
#include "main/incident_desk.h"
#include "main/incident_pages.h"

namespace bulkhead {
namespace {

constexpr size_t kPageSubjects = 250'000;

}  // namespace

Result<std::string> IncidentDesk::List() const {
  const Result<std::vector<std::string>> ids = parts_.store.List();
  if (!ids) {
    return ids.error();
  }
  std::string json = "[";
  for (const std::string& id : *ids) {
    const Result<std::vector<IncidentVersion>> versions = parts_.store.Versions(id);
    if (!versions) {
      return versions.error();
    }
    json += (json.size() > 1 ? "," : "") + RecordJson(versions->back());
  }
  return json + "]";
}

Result<std::string> IncidentDesk::ReadOut(const DeskCommand& command) const {
  const Result<std::vector<IncidentVersion>> versions = parts_.store.Versions(command.Text("id"));
  if (!versions) {
    return versions.error();
  }
  if (!command.Flag("all")) {
    const uint64_t number = command.Number("version");
    if (number > versions->size()) {
      return Error{ErrorCode::kNotFound, "the incident has no such version"};
    }
    return RecordAnswer(number == 0 ? versions->back() : versions->at(number - 1));
  }
  std::string json = "[";
  for (const IncidentVersion& version : *versions) {
    json += (json.size() > 1 ? "," : "") + RecordJson(version);
  }
  return json + "]";
}

Result<std::string> IncidentDesk::Subjects(const DeskCommand& command) {
  Result<IncidentVersion> version = LastOf(command);
  if (!version) {
    return version.error();
  }
  std::optional<RiskPlace> after;
  if (const std::string text = command.Text("after"); !text.empty()) {
    const std::optional<SubjectId> subject = SubjectId::FromHex(text);
    if (!subject) {
      return NotGood("after: expected a subject");
    }
    after = RiskPlace{static_cast<int>(command.Number("score")), *subject};
  }
  const ExposedClasses classes = ClassesOf(*version);
  const Result<std::unique_ptr<ExposureSource>> source = SourceOf(DeedOf(command), &*version);
  if (!source) {
    return source.error();
  }
  const Result<RiskPage> page = ListByRisk({source->get(), &classes, {}}, after, kPageSubjects);
  if (!page) {
    return page.error();
  }
  AuditEntry entry;
  entry.actor = command.actor();
  entry.action = kIncidentSubjectsAction;
  entry.project = version->project;
  entry.scope = fmt::format("incident {}, version {}", version->id, version->number);
  entry.outcome = "allowed";
  for (const RiskPage::Entry& one : page->subjects) entry.subjects.push_back(one.subject);
  entry.count = entry.subjects.size();
  const Result<uint64_t> recorded = parts_.record(entry);
  return recorded ? Result<std::string>(
                        fmt::format(R"({{"page":"{}"}})", Base64Encode(EncodeRiskPage(*page))))
                  : recorded.error();
}

Result<std::string> IncidentDesk::Notices(const DeskCommand& command) {
  const Result<IncidentVersion> version = LastOf(command);
  if (!version) {
    return version.error();
  }
  NoticeCommitment commitment;
  commitment.actor = command.actor();
  commitment.incident = version->id;
  Result<std::vector<Notice>> drafts = DraftNotices(*version);
  if (!drafts) {
    return drafts.error();
  }
  commitment.drafts = *std::move(drafts);
  commitment.root = RecipientTree({}).root();
  const Result<uint64_t> recorded = parts_.record(CommitmentEntry(commitment));
  return recorded ? Result<std::string>(fmt::format(R"({{"record":{},"entry":{}}})",
                                                    RecordJson(*version), *recorded))
                  : recorded.error();
}

}  // namespace bulkhead
