#include "main/vendor_trial_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "egress/vendor_trial.h"
#include "main/data_directory.h"
#include "main/reached_server.h"
#include "model/people_division.h"
#include "sieve/policy_holder.h"
#include "sieve/policy_versions.h"

namespace bulkhead {
namespace {

constexpr size_t kShownShapes = 5;
constexpr size_t kShownNames = 50;

// A vendor as it is, if it is, and as it would be.
struct Attempt {
  std::optional<VendorTrial> now;
  VendorTrial then;
};

Event EventOf(ParsedEvent parsed) {
  Event event;
  event.name = std::move(parsed.name);
  event.time_ms = parsed.time_ms;
  event.person = SubjectId::FromHex(parsed.distinct_id.value_or("")).value_or(SubjectId());
  event.properties = std::move(parsed.properties);
  return event;
}

void PrintNames(const char* head, const std::map<std::string, uint64_t>& names) {
  size_t shown = 0;
  for (const auto& [name, count] : names) {
    if (++shown > kShownNames) break;
    fmt::print("  {} {:>9}  {}\n", head, count, name);
  }
  if (names.size() > kShownNames) {
    fmt::print("  {} and {} other events\n", head, names.size() - kShownNames);
  }
}

VendorTrial::Field FieldIn(const VendorTrial& trial, const SentField& field) {
  const auto found = trial.fields().find(field);
  return found == trial.fields().end() ? VendorTrial::Field() : found->second;
}

std::string Change(uint64_t now, uint64_t then) {
  return now == then ? std::string("as now") : fmt::format("now {}", now);
}

void PrintFields(const VendorTrial& now, const VendorTrial& then) {
  std::set<SentField> fields;
  for (const auto* trial : {&now, &then}) {
    for (const auto& [field, counted] : trial->fields()) fields.insert(field);
  }
  for (const SentField& field : fields) {
    const VendorTrial::Field before = FieldIn(now, field);
    const VendorTrial::Field after = FieldIn(then, field);
    fmt::print("  field {} ({}): {} messages ({}), {} subjects ({})\n", field.name,
               FieldFormName(field.form), after.sends, Change(before.sends, after.sends),
               after.subjects.size(), Change(before.subjects.size(), after.subjects.size()));
  }
}

void Print(const std::string& name, const Attempt& attempt) {
  const VendorTrial none{VendorPolicy()};
  const VendorTrial& now = attempt.now ? *attempt.now : none;
  const VendorTrial& then = attempt.then;
  fmt::print("{}: {} messages ({}), {} subjects ({})\n", name, then.sent(),
             Change(now.sent(), then.sent()), then.subjects(),
             Change(now.subjects(), then.subjects()));
  PrintNames("goes", then.going());
  PrintNames("stays", then.staying());
  PrintFields(now, then);
  std::vector<std::pair<uint64_t, std::string>> shapes;
  for (const auto& [shape, count] : then.shapes()) shapes.emplace_back(count, shape);
  std::ranges::stable_sort(shapes, std::greater<>(), &std::pair<uint64_t, std::string>::first);
  for (size_t i = 0; i < std::min(shapes.size(), kShownShapes); ++i) {
    fmt::print("  like {:>9}  {}\n", shapes[i].first, shapes[i].second);
  }
}

Result<std::map<std::string, Attempt>> AttemptsOf(const VendorTrialCommand& command,
                                                  const VendorPolicies& candidate,
                                                  const VendorPolicies& in_force) {
  std::map<std::string, Attempt> attempts;
  for (const auto& [name, vendor] : candidate) {
    if (!command.vendor.empty() && name != command.vendor) continue;
    const auto found = in_force.find(name);
    const bool same_events = found != in_force.end() && found->second.project == vendor.project;
    attempts.emplace(name,
                     Attempt{same_events ? std::optional<VendorTrial>(found->second) : std::nullopt,
                             VendorTrial(vendor)});
  }
  if (attempts.empty()) {
    return Error{ErrorCode::kNotFound, "the file names no such vendor"};
  }
  return attempts;
}

// Each project's events once.
Result<void> Replay(const ReachedServer& server, const VendorTrialCommand& command,
                    const VendorPolicies& candidate, std::map<std::string, Attempt>* attempts) {
  std::map<ProjectId, std::vector<Attempt*>> by_project;
  for (auto& [name, attempt] : *attempts) {
    by_project[candidate.at(name).project].push_back(&attempt);
  }
  for (const auto& [project, those] : by_project) {
    ExportedRange range = command.range;
    range.project = project.value;
    const Result<void> read =
        ForEachExported(server, range, [&those = those](std::vector<ParsedEvent> events) {
          for (ParsedEvent& parsed : events) {
            const Event event = EventOf(std::move(parsed));
            for (Attempt* attempt : those) {
              if (attempt->now) attempt->now->Take(event);
              attempt->then.Take(event);
            }
          }
        });
    if (!read) {
      return read;
    }
  }
  return {};
}

}  // namespace

Result<void> CommandVendorTry(const VendorTrialCommand& command) {
  const Result<LoadedPolicy> candidate =
      LoadPolicyFile(RealFileSystem(), command.file, command.file);
  if (!candidate) {
    return candidate.error();
  }
  const DataDirectory dir(command.dir);
  const Result<ReachedServer> server = ReachedServer::Reach(dir);
  if (!server) {
    return server.error();
  }
  if (Result<void> ready = server->WaitUntilQueryable(); !ready) {
    return ready;
  }
  const Result<std::optional<PolicyInForce>> in_force =
      ReadPolicyInForce(RealFileSystem(), dir.PolicyVersions());
  if (!in_force) {
    return in_force.error();
  }
  const VendorPolicies& wanted = candidate->policy.vendors;
  Result<std::map<std::string, Attempt>> attempts =
      AttemptsOf(command, wanted, *in_force ? (*in_force)->policy.vendors : VendorPolicies());
  if (!attempts) {
    return attempts.error();
  }
  if (Result<void> read = Replay(*server, command, wanted, &*attempts); !read) {
    return read;
  }
  for (const auto& [name, attempt] : *attempts) {
    Print(name, attempt);
  }
  for (const std::string& line : DivisionInWords(wanted)) {
    fmt::print("{}\n", line);
  }
  return {};
}

}  // namespace bulkhead
