// `bulkhead doctor`: what is in force, and what is not.
#include <fmt/format.h>
#include <simdjson.h>
#include <sys/stat.h>

#include "audit/audit_verify.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "main/audit_access.h"
#include "main/commands.h"
#include "main/compartment_rules.h"
#include "main/confinement.h"
#include "main/control_socket.h"
#include "main/key_commands.h"
#include "main/reached_server.h"

namespace bulkhead {
namespace {

struct HealthCheck {
  std::string what;
  bool good;
};

// Others may pass through the data directory, as the compartments' users must; not look into it.
HealthCheck CheckMode(const std::string& path, mode_t closed, const std::string& what) {
  struct stat info {};
  return {what, ::stat(path.c_str(), &info) == 0 && (info.st_mode & closed) == 0};
}

HealthCheck CheckConfinement(std::string_view compartment, bool degraded,
                             const std::string& missing) {
  return {degraded ? fmt::format("{} is confined, but for: {}", compartment, missing)
                   : fmt::format("{} is confined", compartment),
          !degraded};
}

// What the processes of the running server say of themselves.
Result<std::vector<HealthCheck>> CheckRunning(const std::string& answer) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::array reports;
  if (parser.parse(simdjson::padded_string(answer)).get(root) != simdjson::SUCCESS ||
      root["answer"].get(reports) != simdjson::SUCCESS) {
    return UnreadableAnswer();
  }
  std::vector<HealthCheck> checks;
  for (const simdjson::dom::element report : reports) {
    std::string_view name;
    bool degraded = true;
    simdjson::dom::array parts;
    if (report["compartment"].get(name) != simdjson::SUCCESS ||
        report["degraded"].get(degraded) != simdjson::SUCCESS ||
        report["parts"].get(parts) != simdjson::SUCCESS) {
      return UnreadableAnswer();
    }
    std::string missing;
    for (const simdjson::dom::element part : parts) {
      std::string_view part_name;
      std::string_view state;
      if (part["name"].get(part_name) == simdjson::SUCCESS &&
          part["state"].get(state) == simdjson::SUCCESS && state == "missing") {
        missing += (missing.empty() ? "" : ", ") + std::string(part_name);
      }
    }
    checks.push_back(CheckConfinement(name, degraded, missing));
  }
  if (checks.size() != kCompartmentCount) {
    checks.push_back({"all compartments are running", false});
  }
  return checks;
}

std::vector<HealthCheck> CheckPlanned(const DataDirectory& dir) {
  std::vector<HealthCheck> checks;
  for (const Compartment compartment : kCompartments) {
    const ConfinementReport report = PlannedConfinement(RulesFor(compartment, dir), ProbeKernel());
    std::string missing;
    for (const ConfinementPart part : report.Missing()) {
      missing += (missing.empty() ? "" : ", ") + std::string(PartName(part));
    }
    checks.push_back(CheckConfinement(CompartmentName(compartment), report.degraded(), missing));
    checks.back().what += " (as it would be: no server is running)";
  }
  return checks;
}

Result<std::vector<HealthCheck>> CheckCompartments(const DataDirectory& dir) {
  Result<std::string> answer = ControlSocket::Ask(dir.ControlSocket(), "confinement");
  if (answer) {
    return CheckRunning(*answer);
  }
  return answer.error().code == ErrorCode::kNotFound
             ? Result<std::vector<HealthCheck>>(CheckPlanned(dir))
             : answer.error();
}

std::vector<HealthCheck> CheckKeys(const DataDirectory& dir) {
  Result<KeyMaterial> keys = LoadKeyMaterial(dir, {});
  if (!keys) {
    return {{"the root key: " + keys.error().message, false}};
  }
  std::vector<HealthCheck> checks;
  for (const KeyFinding& finding : ExamineKeys(dir, *keys)) {
    checks.push_back({finding.text, finding.good});
  }
  return checks;
}

}  // namespace

Result<void> CommandDoctor(const DataDirectory& dir) {
  FileSystem& fs = RealFileSystem();
  std::vector<HealthCheck> checks;
  checks.push_back(CheckMode(dir.path(), 066, "nobody else can list or change the data directory"));
  checks.push_back(CheckMode(dir.Keys(), 077, "the keys are closed to other users"));
  for (HealthCheck& check : CheckKeys(dir)) {
    checks.push_back(std::move(check));
  }
  Result<std::vector<HealthCheck>> compartments = CheckCompartments(dir);
  if (!compartments) {
    return compartments.error();
  }
  checks.insert(checks.end(), compartments->begin(), compartments->end());
  const Result<LogKeys> log_keys = LoadLogKeys(fs, dir.AuditPublicKey());
  checks.push_back({"the audit log verifies",
                    log_keys && VerifyAuditLog(fs, dir.Audit(), *log_keys).has_value()});
  const Result<uint64_t> free_bytes = fs.FreeBytes(dir.path());
  checks.push_back({"the disk has room (intake stops accepting below 256 MB)",
                    free_bytes && *free_bytes > 2 * limits::kMinFreeDiskBytes});
  bool all_good = true;
  for (const HealthCheck& check : checks) {
    fmt::print("{}  {}\n", check.good ? "ok     " : "NOT OK ", check.what);
    all_good = all_good && check.good;
  }
  fmt::print("note     where only --listen is given, one port serves SDKs and queries\n");
  return all_good ? Result<void>() : Error{ErrorCode::kUnavailable, "not everything is in order"};
}

}  // namespace bulkhead
