#include "main/policy_commands.h"

#include <fmt/format.h>

#include <utility>

#include "audit/audit_reader.h"
#include "base/file_system.h"
#include "crypto/crypto.h"
#include "crypto/keys.h"
#include "egress/alert_sender.h"
#include "egress/standard_webhook.h"
#include "main/audit_access.h"
#include "main/audit_commands.h"
#include "main/data_directory.h"
#include "main/exported_events.h"
#include "main/policy_record.h"
#include "main/reached_server.h"
#include "model/people_division.h"
#include "sieve/policy_holder.h"
#include "sieve/policy_trial.h"
#include "sieve/policy_versions.h"
#include "sieve/sieve.h"

namespace bulkhead {
namespace {

// One policy's parts in the words of its file.
std::string Summary(const Policy& policy) {
  std::string text;
  for (const auto& [project, part] : policy.projects) {
    text += fmt::format("  project {}: {} rules, {}, {} alerts\n", project.value, part.rules.size(),
                        part.allow_list ? "allow-list" : "default mode", part.alerts.size());
  }
  if (policy.everywhere) {
    text +=
        fmt::format("  everywhere else: {} rules, {}, {} alerts\n", policy.everywhere->rules.size(),
                    policy.everywhere->allow_list ? "allow-list" : "default mode",
                    policy.everywhere->alerts.size());
  }
  for (const std::string& line : DivisionInWords(policy.vendors)) {
    text += fmt::format("  {}\n", line);
  }
  return text;
}

// The current policy's and the candidate's way with the same events.
class Replay {
 public:
  Replay(const Sieve* sieve, CompiledPolicy now, std::shared_ptr<const CompiledPolicy> candidate,
         ProjectId project)
      : sieve_(sieve),
        now_(std::move(now)),
        trial_(sieve, std::move(candidate), 1),
        project_(project) {}

  void Take(std::vector<ParsedEvent> events) {
    for (ParsedEvent& event : events) {
      CleanOutcome outcome;
      PolicyTrial::Sample sample{project_, event.name, false, event.properties};
      sieve_->CleanEventProperties(&event.properties, &outcome, {&now_.Of(project_), event.name});
      trial_.Compare(std::move(sample), outcome.findings);
    }
  }
  [[nodiscard]] TrialResult result() const { return trial_.result(); }

 private:
  const Sieve* sieve_;
  CompiledPolicy now_;
  PolicyTrial trial_;
  ProjectId project_;
};

void Print(const TrialResult& result) {
  fmt::print("{} events, {} would change\n", result.seen, result.changed);
  for (const TrialDifference& one : result.differences) {
    fmt::print("{:>9}  {}: {} -> {}\n", one.events, one.path, ActionName(one.before),
               ActionName(one.after));
  }
  if (result.truncated) {
    fmt::print("there were more kinds of difference than are counted\n");
  }
}

}  // namespace

Result<void> CommandPolicyCheck(const PolicyCommand& command) {
  const Result<LoadedPolicy> loaded = LoadPolicyFile(RealFileSystem(), command.file, command.file);
  if (!loaded) {
    return loaded.error();
  }
  fmt::print("{} is a policy; version {}\n{}", command.file, loaded->hash, Summary(loaded->policy));
  return {};
}

Result<void> CommandPolicyStatus(const PolicyCommand& command) {
  FileSystem& fs = RealFileSystem();
  const DataDirectory dir(command.dir);
  const Result<std::optional<PolicyInForce>> in_force = ReadPolicyInForce(fs, dir.PolicyVersions());
  if (!in_force) {
    return in_force.error();
  }
  if (*in_force) {
    fmt::print("in force: version {} ({})\n{}", (*in_force)->version.number,
               (*in_force)->version.hash, Summary((*in_force)->policy));
  } else {
    fmt::print("in force: the defaults\n");
  }
  if (!fs.Exists(dir.PolicyFile())) {
    fmt::print("there is no {}\n", dir.PolicyFile());
    return {};
  }
  const Result<LoadedPolicy> loaded = LoadPolicyFile(fs, dir.PolicyFile(), "policy.toml");
  if (!loaded) {
    return Error{ErrorCode::kInvalid, "policy.toml is refused:\n" + loaded.error().message};
  }
  if (!*in_force || (*in_force)->version.hash != loaded->hash) {
    return Error{ErrorCode::kUnavailable,
                 "policy.toml has no mistakes and is not in force: a server that runs takes it "
                 "within a second once the audit log has it"};
  }
  fmt::print("policy.toml is what is in force\n");
  return {};
}

Result<void> CommandPolicyHistory(const PolicyCommand& command) {
  FileSystem& fs = RealFileSystem();
  const DataDirectory dir(command.dir);
  const Result<LogKeys> keys = LoadLogKeys(fs, dir.AuditPublicKey());
  if (!keys) {
    return keys.error();
  }
  Result<AuditReader> reader = AuditReader::Open(FetchFromDirectory(fs, dir.Audit()), *keys);
  if (!reader) {
    return reader.error();
  }
  const std::string prefix = fmt::format("{{\"action\":\"{}\",", kPolicyChangeAction);
  return reader->ForEachRecord(prefix, [](const AuditRecord& record) {
    fmt::print("{} {} {}\n", MomentText(record.ts_ms),
               record.entry.policy.empty() ? "refused" : record.entry.policy, record.entry.scope);
  });
}

Result<void> CommandPolicyWebhookSecret(const PolicyCommand& command) {
  const DataDirectory dir(command.dir);
  const Result<KeyMaterial> keys = LoadKeyMaterial(dir, command.keys);
  if (!keys) {
    return keys.error();
  }
  const Result<EgressKeys> egress = LoadEgressKeys(RealFileSystem(), dir.Keys(), keys->root);
  if (!egress) {
    return egress.error();
  }
  fmt::print("{}\n", WebhookSecretText(WebhookSecret(egress->webhook_key, command.secret)));
  return {};
}

Result<void> CommandPolicyTry(const PolicyCommand& command) {
  Result<LoadedPolicy> candidate = LoadPolicyFile(RealFileSystem(), command.file, command.file);
  if (!candidate) {
    return candidate.error();
  }
  const DataDirectory dir(command.dir);
  Result<ReachedServer> server = ReachedServer::Reach(dir);
  if (!server) {
    return server.error();
  }
  if (Result<void> ready = server->WaitUntilQueryable(); !ready) {
    return ready;
  }
  Result<std::optional<PolicyInForce>> in_force =
      ReadPolicyInForce(RealFileSystem(), dir.PolicyVersions());
  if (!in_force) {
    return in_force.error();
  }
  // Tokens are made and thrown away: any key will do.
  const KeyedHash token_key(RandomSecret(kKeyBytes));
  SieveOptions options;
  options.token_key = &token_key;
  const Result<std::unique_ptr<Sieve>> sieve = Sieve::Create(options);
  if (!sieve) {
    return sieve.error();
  }
  CompiledPolicy now;
  if (*in_force) {
    now = CompiledPolicy(std::move((*in_force)->policy), (*in_force)->version.number,
                         (*in_force)->version.hash);
  }
  Replay replay(sieve->get(), std::move(now),
                std::make_shared<const CompiledPolicy>(std::move(candidate->policy), 0,
                                                       std::move(candidate->hash)),
                ProjectId{command.project});
  const ExportedRange range{command.from, command.to, command.project, command.events};
  if (Result<void> taken = ForEachExported(
          *server, range,
          [&replay](std::vector<ParsedEvent> events) { replay.Take(std::move(events)); });
      !taken) {
    return taken;
  }
  Print(replay.result());
  return {};
}

}  // namespace bulkhead
