#include "main/program/audit_arguments.h"

#include <memory>
#include <utility>

#include "main/audit_commands.h"

namespace bulkhead {
namespace {

using Action = std::function<Result<void>()>;

void AddWitness(CLI::App& app, Action* action) {
  const auto command = std::make_shared<WitnessCommand>();
  CLI::App* witness = app.add_subcommand(
      "witness", "sign the checkpoints of audit logs that continue what was signed before");
  witness->add_option("STATE", command->state_dir, "directory of its key and of what it signed")
      ->required();
  witness->add_option("--log-key", command->log_key_files, "file with a log's public keys")
      ->required();
  witness->add_option("--name", command->name, "of its key, such as witness.example/w1");
  CLI::Option* listen =
      witness->add_option("--listen", command->listen, "ADDR:PORT for POST /add-checkpoint");
  CLI::Option* log = witness->add_option("--log", command->log, "a log to fetch: URL or directory");
  log->excludes(listen);
  log->needs(witness->add_flag("--once", command->once, "with --log: fetch, sign, end"));
  witness->add_option("--out", command->out_file, "file for the signed checkpoint")->needs(log);
  witness->callback([=] { *action = [=] { return CommandWitness(*command); }; });
}

}  // namespace

void AddAuditCommands(CLI::App& app, Action* action) {
  CLI::App* audit = app.add_subcommand("audit", "the audit log");
  audit->require_subcommand(1);
  const auto command = std::make_shared<AuditCommand>();
  const auto add = [&](const char* name, const char* help, auto act) {
    CLI::App* sub = audit->add_subcommand(name, help);
    sub->callback([=] { *action = [=] { return act(*command); }; });
    return sub;
  };
  const auto with_log = [&](const char* name, const char* help, auto act) {
    CLI::App* sub = add(name, help, act);
    sub->add_option("DIR", command->dir, "data directory, or a copy of the log")->required();
    sub->add_option("--key", command->key_file, "file with the log's public keys, noted elsewhere");
    return sub;
  };
  CLI::App* verify =
      with_log("verify", "check every byte against the signed checkpoint", CommandAuditVerify);
  CLI::Option* cosigned = verify->add_option("--cosigned", command->cosigned_file,
                                             "file with a checkpoint noted elsewhere");
  verify->add_option("--witness-key", command->witness_key, "whose signature it must have")
      ->needs(cosigned);
  CLI::App* seen = with_log("seen", "which subjects an account was shown", CommandAuditSeen);
  seen->add_option("--actor", command->actor)->required();
  seen->add_option("--from", command->from, "2025-11-24 or 2025-11-24T16:00:00Z")->required();
  seen->add_option("--to", command->to, "the first moment that is not asked for")->required();
  CLI::App* receipt = with_log("receipt", "a proof for a third party that an entry is in the log",
                               CommandAuditReceipt);
  receipt->add_option("--index", command->index, "the entry's number")->required();
  receipt->add_option("--out", command->out_file);
  CLI::App* check = add("check-receipt", "check such a proof", CommandAuditCheckReceipt);
  check->add_option("FILE", command->receipt_file)->required();
  check->add_option("--key", command->key_file, "file with the log's public keys")->required();
  with_log("erased", "every erased subject: project, entry, time", CommandAuditErased);
  CLI::App* cosign = with_log("cosign", "have a witness sign the checkpoint", CommandAuditCosign);
  cosign->add_option("--witness", command->witness_url, "http://host:port")->required();
  cosign->add_option("--witness-key", command->witness_key, "its public key")->required();
  cosign->add_option("--out", command->out_file, "file for the signed checkpoint");
  AddWitness(app, action);
}

}  // namespace bulkhead
