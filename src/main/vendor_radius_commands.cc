#include "main/vendor_radius_commands.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/limits.h"
#include "incident/blast_radius.h"
#include "incident/policy_radius.h"
#include "incident/sent_class.h"
#include "main/data_directory.h"
#include "main/http_client.h"
#include "main/reached_server.h"
#include "main/server_answer.h"
#include "main/vendor_measurement.h"
#include "model/value.h"
#include "sieve/policy_holder.h"
#include "sieve/policy_versions.h"

namespace bulkhead {
namespace {

constexpr int kIntakeDays = 30;

struct RadiusPlace {
  std::string kind;  // vendor, vendor's policy, credential, own part
  std::string whose;
  std::string note;
  BlastRadius radius;
};

using People = std::map<uint32_t, uint64_t>;  // by project

std::string DaysAgo(int days) {
  return fmt::format("{:%Y-%m-%d}",
                     std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()) -
                         std::chrono::days(days));
}

// Distinct people with any event from that day on.
Result<uint64_t> CountPeople(const ReachedServer& server, uint32_t project,
                             const std::string& from) {
  const Result<std::string> account = server.AccountWith(Compartment::kCore);
  Result<std::unique_ptr<HttpClient>> client =
      account ? HttpClient::Connect(server.query_url())
              : Result<std::unique_ptr<HttpClient>>(account.error());
  if (!client) {
    return client.error();
  }
  const std::string report =
      fmt::format(R"({{"report":"insights","project_id":{},"from":"{}","to":"{}","unit":"month",)"
                  R"("metrics":[{{"math":"unique"}}]}})",
                  project, from, DaysAgo(-1));
  Result<HttpReply> reply =
      (*client)->Call({.target = "/api/v1/query", .basic = *account, .body = report});
  if (!reply) {
    return reply.error();
  }
  if (reply->status != 200) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("the server answered {}: {}", reply->status, reply->body)};
  }
  const Result<ServerAnswer> answer = ServerAnswer::Of(std::move(reply->body));
  if (!answer) {
    return answer.error();
  }
  for (const simdjson::dom::element series : ListMember(answer->root(), "series")) {
    return static_cast<uint64_t>(NumberMember(series, "overall"));
  }
  return uint64_t{0};
}

Result<People> CountEach(const ReachedServer& server, const std::set<uint32_t>& projects,
                         const std::string& from) {
  People people;
  for (const uint32_t project : projects) {
    const Result<uint64_t> count = CountPeople(server, project, from);
    if (!count) {
      return count.error();
    }
    people[project] = *count;
  }
  return people;
}

uint64_t Sum(const People& people) {
  uint64_t sum = 0;
  for (const auto& [project, count] : people) sum += count;
  return sum;
}

// Projects that have a part of their own or vendors, and the first.
std::set<uint32_t> ProjectsOf(const Policy& policy) {
  std::set<uint32_t> projects = {1};
  for (const auto& [project, part] : policy.projects) projects.insert(project.value);
  for (const auto& [name, vendor] : policy.vendors) projects.insert(vendor.project.value);
  return projects;
}

RadiusPlace SentTo(const VendorMeasurement& measured, const Policy& policy) {
  const auto found = policy.vendors.find(measured.vendor);
  const ProjectPolicy& rules =
      policy.Of(found == policy.vendors.end() ? ProjectId{1} : found->second.project);
  std::vector<ExposedCombination> combinations;
  for (const VendorMeasurement::Combination& one : measured.combinations) {
    ExposedCombination& exposed = combinations.emplace_back();
    exposed.subjects = one.subjects;
    for (const SentField& field : one.fields) {
      std::string field_class = ClassOfSent(field.name, field.form, rules);
      if (!field_class.empty()) exposed.classes.insert(std::move(field_class));
    }
  }
  return {"vendor", measured.vendor,
          measured.all_epochs_known
              ? "what it was sent"
              : "what it was sent in epochs whose keys are there, each epoch for itself",
          RadiusOf(combinations)};
}

std::set<std::string> Both(std::set<std::string> classes, const std::set<std::string>& more) {
  classes.insert(more.begin(), more.end());
  return classes;
}

void AddOwnParts(const Policy& policy, const People& people, const People& of_month,
                 std::vector<RadiusPlace>* places) {
  std::vector<ExposedCombination> core;
  std::vector<ExposedCombination> month;
  std::set<std::string> worst;
  for (const auto& [project, count] : people) {
    const std::set<std::string> stored = ClassesOfStore(policy.Of(ProjectId{project}));
    places->push_back({"credential", fmt::format("service accounts of project {}", project),
                       "reads the project's pseudonymous events", RadiusOf({{count, stored}})});
    core.push_back({count, stored});
    month.push_back({of_month.at(project), Both(stored, ClassesOfVault())});
    worst.insert(stored.begin(), stored.end());
  }
  const std::set<std::string> all = Both(worst, ClassesOfVault());
  const uint64_t everybody = Sum(people);
  places->push_back(
      {"credential", "the operator's account", "identities at the budget of a day",
       RadiusOf({{std::min(everybody, limits::kSubjectsRevealedPerActorAndDay), all}})});
  places->push_back({"own part", "core", "all pseudonymous events; no identity", RadiusOf(core)});
  places->push_back({"own part", "core, asking the vault",
                     "identities at the budget of a day of all accounts together",
                     RadiusOf({{std::min(everybody, limits::kSubjectsRevealedPerDay), all}})});
  places->push_back({"own part", "vault", "every identity, and what the log holds",
                     RadiusOf({{everybody, all}})});
  places->push_back(
      {"own part", "intake",
       fmt::format("raw requests of the next {} days, if as many people come as in the last",
                   kIntakeDays),
       RadiusOf(month)});
}

Result<std::vector<RadiusPlace>> PlacesOf(const ReachedServer& server, const Policy& policy) {
  const Result<std::vector<VendorMeasurement>> measured = MeasureVendors(server);
  if (!measured) {
    return measured.error();
  }
  const std::set<uint32_t> projects = ProjectsOf(policy);
  const Result<People> people = CountEach(server, projects, "2010-01-01");
  const Result<People> of_month =
      people ? CountEach(server, projects, DaysAgo(kIntakeDays - 1)) : people;
  if (!of_month) {
    return of_month.error();
  }
  std::vector<RadiusPlace> places;
  for (const VendorMeasurement& vendor : *measured) {
    places.push_back(SentTo(vendor, policy));
  }
  for (const auto& [name, vendor] : policy.vendors) {
    const uint64_t share = people->at(vendor.project.value) / vendor.share.parts();
    places.push_back({"vendor's policy", name, "what it could let through of all people",
                      RadiusOf({{share, ClassesOf(vendor, policy.Of(vendor.project))}})});
  }
  AddOwnParts(policy, *people, *of_month, &places);
  return places;
}

void Print(const std::vector<RadiusPlace>& places) {
  for (const RadiusPlace& place : places) {
    fmt::print("{} {}: {} points, {} people ({})\n", place.kind, place.whose, place.radius.points,
               place.radius.subjects, place.note);
    for (const BlastRadius::Line& line : place.radius.lines) {
      fmt::print("  {} people x {} [{}] = {}\n", line.subjects, line.risk.score,
                 line.risk.arithmetic, line.points());
    }
  }
  fmt::print("Points order places; they are judgement, not calibrated on real harm.\n");
}

std::string JsonOf(const std::vector<RadiusPlace>& places) {
  std::string json = "[";
  for (const RadiusPlace& place : places) {
    json += fmt::format(R"({}{{"kind":{},"whose":{},"note":{},"points":{},"people":{},"lines":[)",
                        json.size() > 1 ? "," : "", ToJson(Value(place.kind)),
                        ToJson(Value(place.whose)), ToJson(Value(place.note)), place.radius.points,
                        place.radius.subjects);
    for (const BlastRadius::Line& line : place.radius.lines) {
      json += fmt::format(R"({}{{"people":{},"score":{},"arithmetic":{},"points":{},"classes":[)",
                          json.back() == '[' ? "" : ",", line.subjects, line.risk.score,
                          ToJson(Value(line.risk.arithmetic)), line.points());
      for (const std::string& field_class : line.classes) {
        json += (json.back() == '[' ? "" : ",") + ToJson(Value(field_class));
      }
      json += "]}";
    }
    json += "]}";
  }
  return json + "]";
}

Result<std::optional<uint32_t>> PercentOf(std::string_view text) {
  if (text.empty()) {
    return std::optional<uint32_t>();
  }
  if (text.ends_with('%')) text.remove_suffix(1);
  uint32_t percent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Error{ErrorCode::kInvalid, "--max-rise: a number of per cent expected, such as 10%"};
  }
  return std::optional<uint32_t>(percent);
}

Result<PolicyReach> ReadReach(const std::string& file) {
  if (file.empty()) {
    return PolicyReach();
  }
  const Result<LoadedPolicy> loaded = LoadPolicyFile(RealFileSystem(), file, file);
  return loaded ? Result<PolicyReach>(ReachOf(loaded->policy)) : loaded.error();
}

void Print(const PolicyReach& reach, const ReachComparison& comparison, bool compared) {
  for (const auto& [name, vendor] : reach) {
    fmt::print("{}: {} points", name, vendor.points());
    if (vendor.people_parts != 1) fmt::print(", of one in {} people", vendor.people_parts);
    fmt::print("\n");
    for (const auto& [term, points] : vendor.terms) {
      fmt::print("  {:>4}  {}\n", points, term);
    }
  }
  fmt::print("all vendors: {} points", comparison.after);
  if (compared) fmt::print(", before: {}", comparison.before);
  fmt::print("\n");
  for (const ReachRise& rise : comparison.rises) {
    if (compared) {
      fmt::print("more: {}: {}, {} -> {}\n", rise.vendor, rise.term, rise.before, rise.after);
    }
  }
}

}  // namespace

Result<void> CommandVendorRadius(const VendorRadiusCommand& command) {
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
  const Result<std::vector<RadiusPlace>> places =
      in_force ? PlacesOf(*server, *in_force ? (*in_force)->policy : Policy())
               : Result<std::vector<RadiusPlace>>(in_force.error());
  if (!places) {
    return places.error();
  }
  if (command.json) {
    fmt::print("{}\n", JsonOf(*places));
  } else {
    Print(*places);
  }
  return {};
}

Result<void> CommandPolicyRadius(const VendorRadiusCommand& command) {
  const Result<PolicyReach> after = ReadReach(command.policy);
  const Result<PolicyReach> before = after ? ReadReach(command.against) : after;
  if (!before) {
    return before.error();
  }
  const Result<std::optional<uint32_t>> rise = PercentOf(command.max_rise);
  if (!rise) {
    return rise.error();
  }
  if (*rise && command.against.empty()) {
    return Error{ErrorCode::kInvalid, "--max-rise needs --against"};
  }
  const ReachComparison comparison = CompareReach(*before, *after, {*rise, command.most});
  Print(*after, comparison, !command.against.empty());
  if (comparison.excesses.empty()) {
    return {};
  }
  return Error{ErrorCode::kDenied, fmt::format("{}", fmt::join(comparison.excesses, "\n"))};
}

}  // namespace bulkhead
