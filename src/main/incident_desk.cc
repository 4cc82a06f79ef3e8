#include "main/incident_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/base64.h"
#include "base/hex.h"
#include "crypto/crypto.h"
#include "incident/calendar.h"
#include "incident/incident_view.h"
#include "incident/notice_commitment.h"
#include "main/audit_messages.h"
#include "main/incident_pages.h"
#include "model/value.h"

namespace bulkhead {
namespace {

constexpr size_t kPageSubjects = 250'000;
constexpr size_t kPageIds = 200'000;
constexpr std::string_view kPrefix = "incident-";
constexpr uint32_t kFirstProject = 1;

std::string RecordJson(const IncidentVersion& version) {
  return fmt::format(R"("{}")", Base64Encode(EncodeIncidentVersion(version)));
}

Result<std::string> RecordAnswer(const Result<IncidentVersion>& version) {
  return version ? fmt::format(R"({{"record":{}}})", RecordJson(*version))
                 : Result<std::string>(version.error());
}

Error NotGood(const char* what) { return {ErrorCode::kInvalid, what}; }

// What a command names of the window and of how it is looked at, over what was there before.
Result<void> TakeScope(const DeskCommand& command, IncidentVersion* version) {
  for (const auto& [name, day] : {std::pair("from", &version->window.first_day),
                                  std::pair("to", &version->window.last_day)}) {
    const std::string text = command.Text(name);
    if (text.empty()) continue;
    const std::optional<int32_t> parsed = ReadDay(text);
    if (!parsed) {
      return NotGood("from and to: expected days, YYYY-MM-DD");
    }
    *day = *parsed;
  }
  if (const uint64_t epoch = command.Number("epoch"); epoch != 0) {
    version->window.epoch = static_cast<uint32_t>(epoch);
  }
  if (command.Flag("every_epoch")) version->window.epoch.reset();
  for (const auto& [name, text] : {std::pair("title", &version->title),
                                   std::pair("organisation", &version->organisation_property)}) {
    if (std::string value = command.Text(name); !value.empty()) *text = std::move(value);
  }
  version->why = command.Text("why");
  if (version->window.first_day > version->window.last_day) {
    return NotGood("the window ends before it begins");
  }
  return std::max({version->title.size(), version->organisation_property.size(),
                   version->why.size()}) <= kMaxIncidentTextBytes
             ? Result<void>()
             : NotGood("a text of an incident has at most 2000 bytes");
}

}  // namespace

bool IsIncidentCommand(std::string_view kind) { return kind.starts_with(kPrefix); }

Result<std::string> IncidentDesk::Answer(std::string_view body) {
  const Result<DeskCommand> command = DeskCommand::Parse(body);
  if (!command) {
    return command.error();
  }
  const std::lock_guard lock(mutex_);
  if (const Result<bool> looked = parts_.policy.Look(); !looked) {
    return looked.error();
  }
  return Do(*command);
}

Result<std::string> IncidentDesk::Do(const DeskCommand& command) {
  const std::string_view what = std::string_view(command.kind()).substr(kPrefix.size());
  if (what == "open") return Open(command);
  if (what == "list") return List();
  if (what == "read") return ReadOut(command);
  if (what == "correct") return Correct(command);
  if (what == "facts") return TakeFacts(command);
  if (what == "close") return Close(command);
  if (what == "subjects") return Subjects(command);
  if (what == "notices") return Notices(command);
  if (what == "sources") return Sources();
  if (what == "ids") return VendorIds(command);
  return NotGood("this server does not know that command");
}

uint32_t IncidentDesk::ProjectOf(const std::string& vendor) const {
  const VendorPolicies policies = parts_.gateway->policies();
  const auto policy = policies.find(vendor);
  return policy == policies.end() ? kFirstProject : policy->second.project.value;
}

ExposedClasses IncidentDesk::ClassesOf(const IncidentVersion& version) const {
  return {version.facts.classes, parts_.policy.policy().Of(ProjectId{version.project})};
}

Result<void> IncidentDesk::Survey(IncidentVersion* version) {
  const ExposedClasses classes = ClassesOf(*version);
  Result<IncidentExposure> exposure = SurveyExposure(
      {parts_.ledger, version->window, &classes, [&](const std::vector<SubjectId>& subjects) {
         return parts_.residence(
             {ProjectId{version->project}, version->organisation_property, subjects});
       }});
  if (!exposure) {
    return exposure.error();
  }
  version->exposure = *std::move(exposure);
  return {};
}

IncidentDesk::Deed IncidentDesk::DeedOf(const DeskCommand& command) {
  return {command.actor(), command.kind().substr(kPrefix.size())};
}

Result<uint64_t> IncidentDesk::Record(const Deed& deed, const IncidentVersion& version,
                                      std::string_view outcome) {
  AuditEntry entry;
  entry.actor = deed.actor;
  entry.action = fmt::format("{}{}", kIncidentAction, deed.action);
  entry.project = version.project;
  entry.scope =
      fmt::format("incident {}, version {}, vendor {}, SHA-256 {}", version.id, version.number,
                  version.window.vendor, HexEncode(Sha256(EncodeIncidentVersion(version))));
  entry.count = version.exposure.subjects;
  entry.outcome = outcome;
  return parts_.record(entry);
}

Result<IncidentVersion> IncidentDesk::Keep(const Deed& deed, const IncidentVersion* before,
                                           IncidentVersion version) {
  version.number = before == nullptr ? 1 : before->number + 1;
  version.made_ms = parts_.clock->NowMs();
  version.actor = deed.actor;
  if (before != nullptr) {
    // A disclosure's versions follow one another, whatever the clock was set to.
    version.made_ms = std::max(version.made_ms, before->made_ms);
    for (std::string& line : DifferencesOf(*before, version)) {
      version.changes.push_back(std::move(line));
    }
  }
  if (const Result<uint64_t> recorded = Record(deed, version, "allowed"); !recorded) {
    return recorded.error();
  }
  if (const Result<void> added = parts_.store.Add(version); !added) {
    // What was allowed did not happen; that this cannot be said either changes nothing.
    static_cast<void>(Record(deed, version, "failed").has_value());
    return added.error();
  }
  return version;
}

Result<IncidentVersion> IncidentDesk::LastOf(const DeskCommand& command) const {
  Result<std::vector<IncidentVersion>> versions = parts_.store.Versions(command.Text("id"));
  return versions ? Result<IncidentVersion>(std::move(versions->back())) : versions.error();
}

Result<std::string> IncidentDesk::Open(const DeskCommand& command) {
  IncidentVersion version;
  version.window.vendor = command.Text("vendor");
  const bool named = parts_.gateway->policies().contains(version.window.vendor);
  const bool told_of = std::ranges::any_of(parts_.ledger->Epochs(), [&](const auto& epoch) {
    return epoch.first == version.window.vendor;
  });
  if (!named && !told_of) {
    return Error{ErrorCode::kNotFound, "neither the policy nor the ledger has such a vendor"};
  }
  const auto project = static_cast<uint32_t>(command.Number("project"));
  version.project = project != 0 ? project : ProjectOf(version.window.vendor);
  if (command.Text("from").empty() || command.Text("to").empty()) {
    return NotGood("from and to: expected days, YYYY-MM-DD");
  }
  if (const Result<void> taken = TakeScope(command, &version); !taken) {
    return taken.error();
  }
  const auto today = static_cast<int32_t>(parts_.clock->NowMs() / kDayMs);
  Result<std::string> id = parts_.store.NextId(today);
  if (!id) {
    return id.error();
  }
  version.id = *std::move(id);
  const Result<void> surveyed = Survey(&version);
  return surveyed ? RecordAnswer(Keep(DeedOf(command), nullptr, std::move(version)))
                  : surveyed.error();
}

Result<std::string> IncidentDesk::Correct(const DeskCommand& command) {
  const Result<IncidentVersion> before = LastOf(command);
  if (!before) {
    return before.error();
  }
  IncidentVersion version = *before;
  version.closed = false;
  version.changes.clear();
  if (const Result<void> taken = TakeScope(command, &version); !taken) {
    return taken.error();
  }
  if (version.why.empty()) {
    return NotGood("why: a correction says why");
  }
  const Result<void> surveyed = Survey(&version);
  if (!surveyed) {
    return surveyed.error();
  }
  const Result<WindowDifference> difference =
      CompareWindows(*parts_.ledger, before->window, version.window);
  if (!difference) {
    return difference.error();
  }
  version.changes.push_back(
      fmt::format("{} subjects are in the new window alone, {} in the old one alone",
                  difference->added, difference->removed));
  return RecordAnswer(Keep(DeedOf(command), &*before, std::move(version)));
}

Result<std::string> IncidentDesk::TakeFacts(const DeskCommand& command) {
  const Result<IncidentVersion> before = LastOf(command);
  if (!before) {
    return before.error();
  }
  const std::optional<std::string> bytes = Base64DecodeStrict(command.Text("facts"));
  Result<IncidentFacts> facts =
      bytes ? DecodeIncidentFacts(*bytes) : Result<IncidentFacts>(NotGood("no facts"));
  if (!facts) {
    return facts.error();
  }
  if (const std::optional<std::string> fault = FaultOfFacts(*facts)) {
    return Error{ErrorCode::kInvalid, *fault};
  }
  if (command.Number("base") != before->number) {
    return NotGood("another version was made meanwhile; look at it and say it again");
  }
  IncidentVersion version = *before;
  version.closed = false;
  version.changes.clear();
  version.why = command.Text("why");
  version.facts = *std::move(facts);
  if (version.facts.classes != before->facts.classes) {
    if (const Result<void> surveyed = Survey(&version); !surveyed) {
      return surveyed.error();
    }
  }
  return RecordAnswer(Keep(DeedOf(command), &*before, std::move(version)));
}

Result<std::string> IncidentDesk::Close(const DeskCommand& command) {
  const Result<IncidentVersion> before = LastOf(command);
  if (!before) {
    return before.error();
  }
  IncidentVersion version = *before;
  version.closed = true;
  version.changes.clear();
  version.why = command.Text("why");
  return version.why.empty() ? NotGood("why: closing says why")
                             : RecordAnswer(Keep(DeedOf(command), &*before, std::move(version)));
}

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
  const Result<IncidentVersion> version = LastOf(command);
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
  const Result<RiskPage> page =
      ListByRisk({parts_.ledger, version->window, &classes, {}}, after, kPageSubjects);
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

Result<std::string> IncidentDesk::Sources() const {
  std::string json = "[";
  for (const auto& [vendor, epoch] : parts_.ledger->Epochs()) {
    const std::shared_ptr<VendorSender> sender = parts_.gateway->Find(vendor);
    bool has_key = false;
    if (sender != nullptr) {
      for (const auto& [number, ids] : sender->KnownEpochs()) has_key |= number == epoch;
    }
    json += json.size() > 1 ? ",{\"vendor\":" : "{\"vendor\":";
    AppendJsonString(vendor, &json);
    json += fmt::format(R"(,"epoch":{},"key":{}}})", epoch, has_key);
  }
  return json + "]";
}

Result<std::string> IncidentDesk::VendorIds(const DeskCommand& command) {
  const std::string vendor = command.Text("vendor");
  const auto epoch = static_cast<uint32_t>(command.Number("epoch"));
  const std::shared_ptr<VendorSender> sender = parts_.gateway->Find(vendor);
  std::optional<EpochIds> ids;
  if (sender != nullptr) {
    for (auto& [number, of_epoch] : sender->KnownEpochs()) {
      if (number == epoch) ids.emplace(std::move(of_epoch));
    }
  }
  if (!ids) {
    return Error{ErrorCode::kNotFound, "there is no key of that vendor's epoch"};
  }
  const bool with_subjects = command.Flag("subjects");
  const std::optional<SubjectId> after = SubjectId::FromHex(command.Text("after"));
  bool begun = !after.has_value();
  VendorIdPage page;
  AuditEntry entry;
  const auto take = [&](const SubjectId& subject, const SentFields&) {
    const SubjectId vendor_id = ids->Of(subject);
    if (begun && page.ids.size() == kPageIds) {
      page.more = true;
      return false;
    }
    if (begun) {
      page.ids.push_back({vendor_id, with_subjects ? subject : SubjectId{}});
      if (with_subjects) entry.subjects.push_back(subject);
    }
    begun = begun || vendor_id == *after;
    return true;
  };
  const Result<void> read = parts_.ledger->ForEachSubject({vendor, epoch, 0, INT32_MAX}, take);
  if (!read) {
    return read.error();
  }
  if (!begun) {
    return NotGood("somebody was erased meanwhile; begin again");
  }
  entry.actor = command.actor();
  entry.action = kIncidentMatchAction;
  const VendorPolicies policies = parts_.gateway->policies();
  if (const auto policy = policies.find(vendor); policy != policies.end()) {
    entry.project = policy->second.project.value;
  }
  entry.scope = fmt::format("vendor {}, epoch {}", vendor, epoch);
  entry.count = page.ids.size();
  entry.outcome = "allowed";
  const Result<uint64_t> recorded = parts_.record(entry);
  return recorded ? Result<std::string>(
                        fmt::format(R"({{"page":"{}"}})", Base64Encode(EncodeVendorIdPage(page))))
                  : recorded.error();
}

}  // namespace bulkhead
