// The `bulkhead` command: reads arguments, calls one of main/commands.h, prints what went wrong.
#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <functional>

#include "crypto/crypto.h"
#include "main/commands.h"
#include "main/compartment.h"
#include "main/demo.h"
#include "main/descriptor_limit.h"
#include "main/drill.h"
#include "main/drill_vendor.h"
#include "main/key_commands.h"
#include "main/program/audit_arguments.h"
#include "main/program/export_arguments.h"
#include "main/program/incident_arguments.h"
#include "main/program/policy_arguments.h"
#include "main/program/vendor_arguments.h"
#include "main/signals.h"

namespace {

using bulkhead::DataDirectory;
using Action = std::function<bulkhead::Result<void>()>;

struct Arguments {
  std::string dir;
  bool json = false;
  bool quiet = false;
  std::string import_format = "mixpanel";
  std::vector<std::string> files;
  std::string path;
  bulkhead::InitOptions init;
  bulkhead::SupervisorOptions server;
  bulkhead::QueryCommand query;
  bulkhead::VaultCommand vault;
  bulkhead::DemoOptions demo;
  bulkhead::DrillOptions drill;
  bulkhead::KeyCommand keys;
};

CLI::App* WithDirectory(CLI::App& parent, const char* name, const char* help,
                        Arguments* arguments) {
  CLI::App* command = parent.add_subcommand(name, help);
  command->add_option("DIR", arguments->dir, "data directory")->required();
  return command;
}

// Where the root key and the vault's shares come from.
void AddKeyInput(CLI::App* command, bulkhead::KeyInput* input) {
  command->add_option("--root-key", input->root.file, "file of the root key");
  command->add_option("--root-key-fd", input->root.descriptor, "descriptor that gives it");
  command->add_option("--vault-share", input->share_files, "file of a share; twice");
  command->add_option("--vault-share-fd", input->share_descriptors,
                      "descriptor that gives a share; twice");
}

void AddServerCommands(CLI::App& app, Arguments* a, Action* action) {
  CLI::App* init = WithDirectory(
      app, "init", "make a data directory with keys, a project and a service account", a);
  init->add_option("--project", a->init.project_name, "name of the first project");
  init->add_option("--timezone", a->init.timezone, "IANA name, such as Europe/Berlin");
  init->add_option("--root-key", a->init.root_key.file,
                   "file for the root key, on another medium; one that is there is taken");
  init->add_option("--root-key-fd", a->init.root_key.descriptor,
                   "descriptor that gives the root key; none is written");
  init->add_flag("--json", a->json, "print what was made as JSON");
  init->callback([=] {
    *action = [=] { return bulkhead::CommandInit(DataDirectory(a->dir), a->init, a->json); };
  });

  CLI::App* serve = WithDirectory(app, "serve", "run the server until SIGTERM", a);
  serve->add_option("--listen", a->server.listen,
                    "ADDR:PORT for SDKs (and queries, without --console)");
  serve->add_option("--console", a->server.console, "a second ADDR:PORT, for queries");
  serve->add_option("--tls-cert", a->server.tls_certificate_path, "certificate chain, PEM");
  serve->add_option("--tls-key", a->server.tls_key_path, "its private key, PEM");
  serve->add_flag("--allow-tls-1-2", a->server.allow_tls_1_2,
                  "also TLS 1.2, for SDKs on old platforms");
  serve->add_flag("--allow-plain-http", a->server.allow_plain_http,
                  "without TLS on other than loopback addresses");
  serve->add_option("--allow-weaker-confinement", a->server.weaker_confinement,
                    "parts of the confinement to do without where the system lacks them, or all");
  serve->add_option("--egress-port", a->server.egress_ports,
                    "TCP ports that alerts may be sent to; 443 by default");
  serve->add_option("--witness", a->server.witness_urls,
                    "http(s)://host:port of a witness of the audit log");
  serve->add_option("--witness-key", a->server.witness_keys, "its public key, in the same order");
  AddKeyInput(serve, &a->server.keys);
  serve->add_option("--trusted-proxy", a->server.trusted_proxies,
                    "address whose X-Forwarded-For is believed");
  serve->callback(
      [=] { *action = [=] { return bulkhead::CommandServe(DataDirectory(a->dir), a->server); }; });

  CLI::App* compartment = app.add_subcommand("compartment", "");
  compartment->group("");  // what the supervisor starts; not for people
  compartment->add_option("NAME", a->path)->required();
  compartment->callback([=] { *action = [=] { return bulkhead::RunCompartment(a->path); }; });

  CLI::App* demo =
      app.add_subcommand("demo", "a throwaway server with a month of an API platform's events");
  demo->add_option("--port", a->demo.port, "port on 127.0.0.1");
  demo->add_option("--events", a->demo.events, "about how many");
  demo->add_flag("--once", a->demo.once, "end after the reports");
  demo->callback([=] { *action = [=] { return bulkhead::RunDemo(a->demo); }; });
}

void AddDrill(CLI::App& app, Arguments* a, Action* action) {
  CLI::App* drill = app.add_subcommand(
      "drill", "the theft of November 2025 on made-up data, with a stopwatch and a report");
  drill->add_option("--out", a->drill.out,
                    "directory of the report, new or empty; else ./drill-report-YYYY-MM-DD");
  drill->add_option("--events", a->drill.events, "about how many");
  drill->add_option("--people", a->drill.people, "at most how many; else as these events take");
  drill->add_flag("--json", a->drill.json, "the numbers on standard output");
  drill->callback([=] { *action = [=] { return bulkhead::RunDrill(a->drill); }; });

  CLI::App* vendor = app.add_subcommand("drill-vendor", "");
  vendor->group("");  // what a drill starts; not for people
  vendor->callback([=] { *action = [] { return bulkhead::RunDrillVendor(); }; });
}

void AddDataCommands(CLI::App& app, Arguments* a, Action* action) {
  CLI::App* import =
      WithDirectory(app, "import", "import NDJSON files, .gz too; goes on where it stopped", a);
  import->add_option("FILE", a->files, "files")->required();
  import->add_option("--format", a->import_format, "mixpanel")->check(CLI::IsMember({"mixpanel"}));
  import->add_flag("--quiet", a->quiet, "no progress bar");
  import->callback([=] {
    *action = [=] { return bulkhead::CommandImport(DataDirectory(a->dir), a->files, a->quiet); };
  });

  CLI::App* query = app.add_subcommand("query", "answer a report");
  query->add_option("DIR|URL", a->query.target, "data directory or server")->required();
  query->add_option("REPORT", a->query.report_path, "report as JSON, - for standard input")
      ->required();
  query->add_option("--format", a->query.format)->check(CLI::IsMember({"table", "json", "csv"}));
  query->add_option("--account", a->query.account,
                    "user:secret; else BULKHEAD_ACCOUNT, else the operator's own");
  query->callback([=] { *action = [=] { return bulkhead::CommandQuery(a->query); }; });

  CLI::App* dump = app.add_subcommand("dump", "show what is on disk");
  dump->require_subcommand(1);
  CLI::App* log = dump->add_subcommand("log", "records of a log directory");
  log->add_option("PATH", a->path)->required();
  log->callback([=] { *action = [=] { return bulkhead::CommandDumpLog(a->path); }; });
  CLI::App* segment = dump->add_subcommand("segment", "columns and blocks of a segment file");
  segment->add_option("PATH", a->path)->required();
  segment->callback([=] { *action = [=] { return bulkhead::CommandDumpSegment(a->path); }; });
}

void AddGuardCommands(CLI::App& app, Arguments* a, Action* action) {
  CLI::App* vault = app.add_subcommand("vault", "identities: reveal, erase, find");
  vault->require_subcommand(1);
  const auto person = [&](const char* name, const char* help) {
    CLI::App* command = WithDirectory(*vault, name, help, a);
    CLI::Option* subject =
        command->add_option("--subject", a->vault.subject, "pseudonym, 32 hexadecimal digits");
    command->add_option("--id", a->vault.raw_id, "the id that the SDK sent")->excludes(subject);
    command
        ->add_option("--purpose", a->vault.purpose,
                     "why, one of docs/vault.md; kept in the audit log")
        ->required();
    command->add_option("--project", a->vault.project, "project number");
    command->add_option("--reference", a->vault.reference, "a ticket's number or the like");
    return command;
  };
  CLI::App* reveal = person("reveal", "show what the vault knows of a person");
  reveal->add_flag("--history", a->vault.history, "former values too");
  reveal->callback(
      [=] { *action = [=] { return bulkhead::CommandReveal(DataDirectory(a->dir), a->vault); }; });
  person("erase", "destroy a person's key and take their events out")->callback([=] {
    *action = [=] { return bulkhead::CommandErase(DataDirectory(a->dir), a->vault); };
  });
  CLI::App* find = WithDirectory(*vault, "find", "the pseudonyms of an e-mail address", a);
  find->add_option("--email", a->vault.email)->required();
  find->add_option("--purpose", a->vault.purpose,
                   "why, one of docs/vault.md; kept in the audit log")
      ->required();
  find->callback(
      [=] { *action = [=] { return bulkhead::CommandFind(DataDirectory(a->dir), a->vault); }; });

  bulkhead::AddExportCommands(*vault, action);

  WithDirectory(app, "doctor", "what is in force, and what is not", a)->callback([=] {
    *action = [=] { return bulkhead::CommandDoctor(DataDirectory(a->dir)); };
  });
}

void AddKeyCommands(CLI::App& app, Arguments* a, Action* action) {
  CLI::App* keys = app.add_subcommand("keys", "the keys: what there is, changing them, shares");
  keys->require_subcommand(1);
  using Command = bulkhead::Result<void> (*)(const DataDirectory&, const bulkhead::KeyCommand&);
  const auto add = [&](const char* name, const char* help, Command run) {
    CLI::App* command = WithDirectory(*keys, name, help, a);
    AddKeyInput(command, &a->keys.input);
    command->callback([=] { *action = [=] { return run(DataDirectory(a->dir), a->keys); }; });
    return command;
  };
  add("status", "which keys there are, and how old", bulkhead::CommandKeysStatus);
  add("upgrade", "bring keys of an older program up to date", bulkhead::CommandKeysUpgrade);
  CLI::App* rotate = add("rotate", "make a new key; the old one stays for what is there",
                         bulkhead::CommandKeysRotate);
  rotate->add_option("KEY", a->keys.what, "root, store, log, ...")->required();
  rotate->add_flag("--yes", a->keys.yes, "a change that loses something is meant");
  rotate->add_option("--new-root-key", a->keys.new_root.file, "of root: where the new one goes");
  rotate->add_option("--new-root-key-fd", a->keys.new_root.descriptor, "of root: what gives it");
  CLI::App* retire =
      add("retire", "destroy old keys that no data needs", bulkhead::CommandKeysRetire);
  retire->add_option("KEY", a->keys.what, "root, store, log, ...")->required();
  retire->add_flag("--force", a->keys.force, "where nobody can tell whether data needs them");
  CLI::App* split =
      add("split", "put the vault's keys behind two of three shares", bulkhead::CommandKeysSplit);
  split->add_option("--shares", a->keys.shares, "3");
  split->add_option("--need", a->keys.need, "2");
  add("join", "let the root key alone open the vault's keys", bulkhead::CommandKeysJoin);
}

}  // namespace

int main(int argc, char** argv) {
  bulkhead::BlockStopSignals();
  bulkhead::InitCrypto();
  spdlog::set_default_logger(spdlog::stderr_color_mt("bulkhead"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  bulkhead::RaiseDescriptorLimit();
  CLI::App app("Product analytics you can be breached on.", "bulkhead");
  app.require_subcommand(1);
  Arguments arguments;
  Action action;
  AddServerCommands(app, &arguments, &action);
  AddDrill(app, &arguments, &action);
  AddDataCommands(app, &arguments, &action);
  AddGuardCommands(app, &arguments, &action);
  AddKeyCommands(app, &arguments, &action);
  bulkhead::AddAuditCommands(app, &action);
  bulkhead::AddPolicyCommands(app, &action);
  bulkhead::AddVendorCommands(app, &action);
  bulkhead::AddIncidentCommands(app, &action);
  CLI11_PARSE(app, argc, argv);
  const bulkhead::Result<void> done = action();
  if (!done) {
    fmt::print(stderr, "bulkhead: {}\n", done.error().message);
    return 1;
  }
  return 0;
}
