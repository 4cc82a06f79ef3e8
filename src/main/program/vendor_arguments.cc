#include "main/program/vendor_arguments.h"

#include <memory>

#include "main/vendor_commands.h"
#include "main/vendor_radius_commands.h"
#include "main/vendor_register_commands.h"
#include "main/vendor_trial_command.h"

namespace bulkhead {

namespace {

void AddRegister(CLI::App* vendor, std::function<Result<void>()>* action) {
  CLI::App* shown = vendor->add_subcommand(
      "register", "what is known and promised of vendors, beside what was measured");
  const auto command = std::make_shared<VendorRegisterCommand>();
  CLI::App* check = shown->add_subcommand("check", "whether a file is a register");
  check->add_option("FILE", command->file, "TOML")->required();
  check->callback([=] { *action = [=] { return CommandVendorRegisterCheck(*command); }; });
  shown->add_option("DIR", command->dir, "data directory");
  shown->add_option("NAME", command->vendor, "this vendor alone");
  shown->add_flag("--json", command->json, "for programs");
  shown->callback([=] {
    if (!check->parsed()) {
      if (command->dir.empty()) throw CLI::RequiredError("DIR");
      *action = [=] { return CommandVendorRegister(*command); };
    }
  });
}

void AddRadius(CLI::App* vendor, std::function<Result<void>()>* action) {
  CLI::App* radius = vendor->add_subcommand("radius", "how much harm what lies where could do");
  const auto command = std::make_shared<VendorRadiusCommand>();
  CLI::Option* dir = radius->add_option("DIR", command->dir, "data directory");
  radius->add_flag("--json", command->json, "for programs");
  radius->add_option("--policy", command->policy, "a policy file, without a server")->excludes(dir);
  radius->add_option("--against", command->against, "the policy file that it is held against")
      ->needs("--policy");
  radius->add_option("--max-rise", command->max_rise, "fails beyond, such as 10%")
      ->needs("--policy");
  radius->add_option("--max", command->most, "fails beyond so many points")->needs("--policy");
  radius->callback([=] {
    if (command->dir.empty() && command->policy.empty()) throw CLI::RequiredError("DIR");
    *action = [=] {
      return command->dir.empty() ? CommandPolicyRadius(*command) : CommandVendorRadius(*command);
    };
  });
}

void AddTrial(CLI::App* vendor, std::function<Result<void>()>* action) {
  CLI::App* trial = vendor->add_subcommand("try", "what a policy would send of stored events");
  const auto command = std::make_shared<VendorTrialCommand>();
  trial->add_option("DIR", command->dir, "data directory")->required();
  trial->add_option("FILE", command->file, "TOML")->required();
  trial->add_option("--vendor", command->vendor, "this one alone");
  trial->add_option("--from", command->range.from, "2025-11-24; else six days before today");
  trial->add_option("--to", command->range.to, "the last day; else today");
  trial->add_option("--events", command->range.events, "at most")->check(CLI::Range(1, 100'000));
  trial->callback([=] { *action = [=] { return CommandVendorTry(*command); }; });
}

}  // namespace

void AddVendorCommands(CLI::App& app, std::function<Result<void>()>* action) {
  CLI::App* vendor = app.add_subcommand("vendor", "vendors that events are sent to");
  vendor->require_subcommand(1);
  const auto command = std::make_shared<VendorCommand>();
  const auto add = [&](const char* name, const char* help, auto act) {
    CLI::App* sub = vendor->add_subcommand(name, help);
    sub->add_option("DIR", command->dir, "data directory")->required();
    sub->callback([=] { *action = [=] { return act(*command); }; });
    return sub;
  };
  const auto with_name = [&](const char* name, const char* help, auto act) {
    CLI::App* sub = add(name, help, act);
    sub->add_option("NAME", command->vendor, "as the policy names it")->required();
    return sub;
  };
  const auto as_json = [&](CLI::App* sub) {
    sub->add_flag("--json", command->json, "for programs");
    return sub;
  };
  as_json(add("list", "each vendor's state", CommandVendorList));
  with_name("credential", "reads what the vendor is spoken to with from standard input",
            CommandVendorCredential);
  with_name("kill",
            "stops the feed at once, for good unless two people undo it, and has the vendor delete",
            CommandVendorKill)
      ->add_flag("--keep-data", command->keep_data, "what it has is left there, as evidence");
  CLI::App* revive = with_name("revive", "undoes a kill", CommandVendorRevive);
  revive->add_option("--code", command->code1, "one of the two codes")->required();
  revive->add_option("--other-code", command->code2, "the other")->required();
  with_name("new-epoch", "gives every subject another id from now on", CommandVendorNewEpoch);
  with_name("forget-epoch", "makes an ended epoch's ids unjoinable for good",
            CommandVendorForgetEpoch)
      ->add_option("EPOCH", command->epoch, "its number")
      ->required();
  as_json(with_name("dead", "what the vendor will never take, and why", CommandVendorDead));
  with_name("by-hand", "its ids that it cannot be asked to delete what it has of",
            CommandVendorByHand)
      ->add_flag("--done", command->done, "it has been seen to");
  with_name("resend", "puts the dead letters back into the queue", CommandVendorResend);
  CLI::App* backfill =
      with_name("backfill", "sends stored events of some days", CommandVendorBackfill);
  backfill->add_option("--from", command->from, "2025-11-09")->required();
  backfill->add_option("--to", command->to, "the last day")->required();
  as_json(with_name("canaries", "the invented subjects of this epoch, for a trial of the alarm",
                    CommandVendorCanaries));
  const auto sink = std::make_shared<VendorSinkCommand>();
  CLI::App* sinking =
      vendor->add_subcommand("sink", "takes mail and sign-ins for canaries, and tells the server");
  sinking->add_option("DIR", sink->dir, "data directory of the running server")->required();
  sinking->add_option("--domain", sink->domains, "a canary_domain of the policy")->required();
  sinking->add_option("--smtp", sink->smtp, "ADDR:PORT for mail");
  sinking->add_option("--http", sink->http, "ADDR:PORT for a page for signing in");
  sinking->callback([=] { *action = [=] { return CommandVendorSink(*sink); }; });
  CLI::App* exposure = as_json(with_name(
      "exposure", "whose data was sent, which fields, in which form", CommandVendorExposure));
  exposure->add_option("--from", command->from, "2025-11-09; else 89 days before today");
  exposure->add_option("--to", command->to, "the last day; else today");
  exposure->add_option("--epoch", command->epoch, "of this epoch alone");
  AddRegister(vendor, action);
  AddRadius(vendor, action);
  AddTrial(vendor, action);
}

}  // namespace bulkhead
