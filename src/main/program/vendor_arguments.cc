#include "main/program/vendor_arguments.h"

#include <memory>

#include "main/vendor_commands.h"

namespace bulkhead {

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
  with_name("kill", "stops the feed at once, for good unless two people undo it",
            CommandVendorKill);
  CLI::App* revive = with_name("revive", "undoes a kill", CommandVendorRevive);
  revive->add_option("--code", command->code1, "one of the two codes")->required();
  revive->add_option("--other-code", command->code2, "the other")->required();
  with_name("new-epoch", "gives every subject another id from now on", CommandVendorNewEpoch);
  with_name("forget-epoch", "makes an ended epoch's ids unjoinable for good",
            CommandVendorForgetEpoch)
      ->add_option("EPOCH", command->epoch, "its number")
      ->required();
  as_json(with_name("dead", "what the vendor will never take, and why", CommandVendorDead));
  as_json(with_name("canaries", "the invented subjects of this epoch, for a trial of the alarm",
                    CommandVendorCanaries));
  with_name("resend", "puts the dead letters back into the queue", CommandVendorResend);
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
}

}  // namespace bulkhead
