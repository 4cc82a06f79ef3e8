#include "main/program/export_arguments.h"

#include <memory>

#include "main/export_commands.h"

namespace bulkhead {

void AddExportCommands(CLI::App& vault, std::function<Result<void>()>* action) {
  CLI::App* exports =
      vault.add_subcommand("export", "identities in bulk: asked for, given after a time lock");
  exports->require_subcommand(1);
  const auto command = std::make_shared<BulkExportCommand>();
  const auto add = [=](const char* name, const char* help,
                       Result<void> (*act)(const BulkExportCommand&)) {
    CLI::App* sub = exports->add_subcommand(name, help);
    sub->callback([=] { *action = [=] { return act(*command); }; });
    return sub;
  };
  const auto with_directory = [=](const char* name, const char* help, auto act) {
    CLI::App* sub = add(name, help, act);
    sub->add_option("DIR", command->dir, "data directory")->required();
    sub->add_option("--project", command->project, "project number");
    return sub;
  };
  const auto with_purpose = [=](CLI::App* sub) {
    sub->add_option("--purpose", command->purpose,
                    "why, one of docs/vault.md; kept in the audit log")
        ->required();
  };
  const auto with_id = [=](CLI::App* sub) {
    sub->add_option("--export", command->export_id, "its id, as `list` shows it")->required();
  };
  CLI::App* new_key = add("new-key", "a key pair for who is to read the export", CommandExportKey);
  new_key->add_option("FILE", command->key_file, "where it is kept")->required();
  CLI::App* ask = with_directory("ask", "ask for everybody's identities", CommandExportAsk);
  ask->add_option("--recipient", command->recipient, "public key that new-key has printed")
      ->required();
  ask->add_option("--field", command->fields, "only this field; may be given again");
  ask->add_option("--reference", command->reference, "a ticket's number or the like");
  ask->add_flag("--history", command->history, "former values too");
  with_purpose(ask);
  with_directory("list", "those of the last 90 days", CommandExportList);
  with_id(with_directory("veto", "refuse one for good", CommandExportVeto));
  CLI::App* collect =
      with_directory("collect", "take one whose time has come", CommandExportCollect);
  with_id(collect);
  with_purpose(collect);
  collect->add_option("--key", command->key_file, "file that new-key has made")->required();
  collect->add_option("--out", command->out_file, "file for the JSON lines")->required();
}

}  // namespace bulkhead
