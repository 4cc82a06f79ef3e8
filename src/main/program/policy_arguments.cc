#include "main/program/policy_arguments.h"

#include <memory>

#include "main/policy_commands.h"

namespace bulkhead {

void AddPolicyCommands(CLI::App& app, std::function<Result<void>()>* action) {
  CLI::App* policy = app.add_subcommand("policy", "the policy file: check, try, what is in force");
  policy->require_subcommand(1);
  const auto command = std::make_shared<PolicyCommand>();
  const auto add = [&](const char* name, const char* help, auto act) {
    CLI::App* sub = policy->add_subcommand(name, help);
    sub->callback([=] { *action = [=] { return act(*command); }; });
    return sub;
  };
  const auto with_directory = [&](const char* name, const char* help, auto act) {
    CLI::App* sub = add(name, help, act);
    sub->add_option("DIR", command->dir, "data directory")->required();
    return sub;
  };
  add("check", "whether a file is a policy", CommandPolicyCheck)
      ->add_option("FILE", command->file, "TOML")
      ->required();
  with_directory("status", "what is in force, and whether policy.toml is that",
                 CommandPolicyStatus);
  with_directory("history", "every change, from the audit log", CommandPolicyHistory);
  CLI::App* secret = with_directory("webhook-secret", "what an alert's receiver checks it with",
                                    CommandPolicyWebhookSecret);
  secret->add_option("NAME", command->secret, "as `secret` in the policy has it")->required();
  secret->add_option("--root-key", command->keys.root.file, "file of the root key");
  secret->add_option("--root-key-fd", command->keys.root.descriptor, "descriptor that gives it");
  CLI::App* attempt =
      with_directory("try", "what a policy would do with stored events", CommandPolicyTry);
  attempt->add_option("FILE", command->file, "TOML")->required();
  attempt->add_option("--project", command->project, "project number");
  attempt->add_option("--from", command->from, "2025-11-24; else six days before today");
  attempt->add_option("--to", command->to, "the last day; else today");
  attempt->add_option("--events", command->events, "at most")->check(CLI::Range(1, 100'000));
}

}  // namespace bulkhead
