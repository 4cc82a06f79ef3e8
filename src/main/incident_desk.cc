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
#include "main/audit_messages.h"
#include "main/desk_answers.h"

namespace bulkhead {
namespace {

constexpr std::string_view kPrefix = "incident-";
constexpr uint32_t kFirstProject = 1;

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
  if (version->window.vendor.empty()) version->window.epoch.reset();  // vendors have epochs
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
  if (what == "canaries") return Canaries(command);
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

Result<std::unique_ptr<ExposureSource>> IncidentDesk::SourceOf(const Deed& deed,
                                                               IncidentVersion* version) const {
  return GatherExposure(parts_.gather, deed.actor, version);
}

Result<void> IncidentDesk::Survey(const Deed& deed, IncidentVersion* version) const {
  const Result<std::unique_ptr<ExposureSource>> source = SourceOf(deed, version);
  return source ? Survey(**source, version) : source.error();
}

Result<void> IncidentDesk::Survey(const ExposureSource& source, IncidentVersion* version) const {
  const ExposedClasses classes = ClassesOf(*version);
  Result<IncidentExposure> exposure =
      SurveyExposure({&source, &classes, [&](const std::vector<SubjectId>& subjects) {
                        return parts_.residence({ProjectId{version->project},
                                                 version->organisation_property, subjects});
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
  entry.scope = fmt::format("incident {}, version {}, {}{}, SHA-256 {}", version.id, version.number,
                            version.origin.kind == IncidentKind::kVendor ? "vendor " : "",
                            PartyText(version), HexEncode(Sha256(EncodeIncidentVersion(version))));
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
  if (const Result<void> taken = TakeParty(command, &version); !taken) {
    return taken.error();
  }
  const auto today = static_cast<int32_t>(parts_.clock->NowMs() / kDayMs);
  const auto project = static_cast<uint32_t>(command.Number("project"));
  version.project = project != 0 ? project : ProjectOf(version.window.vendor);
  const bool has_window = !command.Text("from").empty() && !command.Text("to").empty();
  const bool of_file = !version.origin.leaked.empty();
  if (!has_window && !of_file && version.origin.kind != IncidentKind::kExport) {
    return NotGood("from and to: expected days, YYYY-MM-DD");
  }
  version.window.first_day = version.window.last_day = today;
  if (of_file) {
    version.window.first_day =
        parts_.gather.ledger
            ->FirstDay(version.window.vendor, static_cast<uint32_t>(command.Number("epoch")))
            .value_or(today);
  }
  if (const Result<void> taken = TakeScope(command, &version); !taken) {
    return taken.error();
  }
  Result<std::string> id = parts_.store.NextId(today);
  if (!id) {
    return id.error();
  }
  version.id = *std::move(id);
  const Result<void> surveyed = Survey(DeedOf(command), &version);
  return surveyed ? RecordAnswer(Keep(DeedOf(command), nullptr, std::move(version)))
                  : surveyed.error();
}

Result<std::string> IncidentDesk::Correct(const DeskCommand& command) {
  Result<IncidentVersion> before = LastOf(command);
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
  const Deed deed = DeedOf(command);
  const Result<std::unique_ptr<ExposureSource>> after = SourceOf(deed, &version);
  const Result<void> surveyed = after ? Survey(**after, &version) : Result<void>(after.error());
  if (!surveyed) {
    return surveyed.error();
  }
  IncidentVersion former = *before;
  const Result<std::unique_ptr<ExposureSource>> old = SourceOf(deed, &former);
  const Result<WindowDifference> difference =
      old ? CompareSources(**old, **after) : Result<WindowDifference>(old.error());
  if (!difference) {
    return difference.error();
  }
  version.changes.push_back(
      fmt::format("{} subjects are in the new window alone, {} in the old one alone",
                  difference->added, difference->removed));
  return RecordAnswer(Keep(deed, &*before, std::move(version)));
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
    if (const Result<void> surveyed = Survey(DeedOf(command), &version); !surveyed) {
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

}  // namespace bulkhead
