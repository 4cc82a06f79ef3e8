#include "main/program/incident_arguments.h"

#include <memory>

#include "main/incident_commands.h"
#include "main/notice_commands.h"

namespace bulkhead {
namespace {

void AddScope(CLI::App* sub, IncidentCommand* command) {
  sub->add_option("--from", command->from, "first day of sending, 2025-11-01");
  sub->add_option("--to", command->to, "last day of sending");
  sub->add_option("--epoch", command->epoch, "what was sent in this epoch alone");
  sub->add_option("--title", command->title, "in a few words; no names of persons");
  sub->add_option("--organisation", command->organisation,
                  "the property that names a person's organisation");
}

void AddTimes(CLI::App* sub, FactChanges* facts) {
  sub->add_option("--set", facts->times,
                  "occurred, vendor_aware, told, received, public, corrected, or a clock of the "
                  "obligations = 2025-11-09T12:00:00Z or unknown")
      ->delimiter(',');
  sub->add_option("--done", facts->done, "OBLIGATION=TIME: a duty that was fulfilled")
      ->delimiter(',');
  sub->add_option("--answer", facts->answers, "QUESTION=yes, no or unknown: of the vendor")
      ->delimiter(',');
  sub->add_option("--source", facts->source, "where these times and answers are from");
  sub->add_option("--promised-hours", facts->promised_hours,
                  "in which the vendor must tell us, by contract");
}

void AddAssessment(CLI::App* sub, FactChanges* facts) {
  sub->add_option("--role", facts->roles, "controller, processor, ...: what we are");
  sub->add_option("--established", facts->established, "where we are: DE, US-CA, ...");
  sub->add_option("--risk", facts->risk, "for the persons: unlikely, risk or high");
  sub->add_option("--unintelligible", facts->unintelligible, "yes: encrypted, and the key is safe");
  sub->add_option("--class", facts->classes, "FIELD=CLASS: what a field holds");
}

void AddWords(CLI::App* sub, FactChanges* facts) {
  sub->add_option("--organisation-name", facts->organisation, "who tells");
  sub->add_option("--happening", facts->happening, "what happened, in one sentence");
  sub->add_option("--contact", facts->contact, "whom people can ask");
  sub->add_option("--check-page", facts->check_page, "where a notice can be checked");
  sub->add_option("--measure", facts->measures, "taken, or proposed and said to be so");
  sub->add_option("--not-exposed", facts->not_exposed, "what was looked for and not found");
  sub->add_option("--complete", facts->complete, "yes: nothing more is expected");
}

class Adder {
 public:
  Adder(CLI::App* parent, std::function<Result<void>()>* action)
      : parent_(parent), action_(action), command_(std::make_shared<IncidentCommand>()) {}

  template <typename Act>
  CLI::App* Add(const char* name, const char* help, Act act) {
    CLI::App* sub = parent_->add_subcommand(name, help);
    sub->add_option("DIR", command_->dir, "data directory")->required();
    sub->callback([act, action = action_, command = command_] {
      *action = [act, command] { return act(*command); };
    });
    return sub;
  }
  template <typename Act>
  CLI::App* AddWithId(const char* name, const char* help, Act act) {
    CLI::App* sub = Add(name, help, act);
    sub->add_option("ID", command_->id, "as `list` shows it")->required();
    return sub;
  }
  CLI::App* AsJson(CLI::App* sub) {
    sub->add_flag("--json", command_->json, "for programs");
    return sub;
  }
  [[nodiscard]] IncidentCommand* command() const { return command_.get(); }

 private:
  CLI::App* parent_;
  std::function<Result<void>()>* action_;
  std::shared_ptr<IncidentCommand> command_;
};

void AddVersions(Adder* adder) {
  IncidentCommand* command = adder->command();
  CLI::App* open = adder->AsJson(
      adder->Add("open", "whose data was exposed in a window, and to whom", CommandIncidentOpen));
  CLI::Option_group* party = open->add_option_group("party", "at whom, one of these");
  party->add_option("--vendor", command->vendor, "what it was sent; as the policy names it");
  party->add_option("--member", command->member,
                    "what an actor of the audit log was shown: an account, an operator");
  party->add_option("--credential", command->credential,
                    "what its thief could read: account:NAME or vendor:NAME");
  party->add_option("--export", command->export_id,
                    "what one gave: a bulk export's id, or an export's entry in the audit log");
  party->add_option("--ourselves", command->ourselves, "core, vault, intake or everything")
      ->expected(0, 1)
      ->default_str("everything");
  party->require_option(1);
  AddScope(open, command);
  open->add_option("--project", command->project,
                   "whose countries and, of ourselves, data; else the vendor's, or the first");
  adder->Add("list", "all incidents", CommandIncidentList);
  adder->AsJson(adder->AddWithId("show", "a version", CommandIncidentShow))
      ->add_option("--version", command->version, "else the last one");
  CLI::App* facts =
      adder->AsJson(adder->AddWithId("facts", "add what people know", CommandIncidentFacts));
  AddTimes(facts, &command->facts);
  AddAssessment(facts, &command->facts);
  AddWords(facts, &command->facts);
  facts->add_option("--why", command->why, "this version");
  facts->add_option("--obligations", command->obligations_file, "a newer table");
  CLI::App* correct = adder->AsJson(
      adder->AddWithId("correct", "another window, as a new version", CommandIncidentCorrect));
  AddScope(correct, command);
  correct->add_flag("--every-epoch", command->every_epoch, "no longer one epoch alone");
  correct->add_option("--why", command->why, "what turned out to be otherwise")->required();
  adder->AddWithId("close", "nothing more is to be done", CommandIncidentClose)
      ->add_option("--why", command->why)
      ->required();
}

void AddAnswers(Adder* adder) {
  IncidentCommand* command = adder->command();
  CLI::App* deadlines = adder->AsJson(
      adder->AddWithId("deadlines", "who must be told until when", CommandIncidentDeadlines));
  deadlines->add_option("--obligations", command->obligations_file, "a newer table");
  deadlines->add_option("--now", command->now, "as at that moment");
  adder->AddWithId("notices", "drafts of what people are told", CommandIncidentNotices)
      ->add_option("--out", command->out, "directory for them")
      ->required();
  adder->AddWithId("subjects", "who is concerned, riskiest first", CommandIncidentSubjects)
      ->add_option("--out", command->out, "new file, a JSON object a line")
      ->required();
  adder->AddWithId("scorecard", "how the vendor disclosed it", CommandIncidentScorecard);
  CLI::App* match =
      adder->AsJson(adder->Add("match", "where a leaked file is from", CommandIncidentMatch));
  match->add_option("FILE", command->leaked_file, "CSV, or JSON a line")->required();
  match->add_option("--vendor", command->vendor, "look for this one's ids alone");
  match->add_option("--out", command->out, "new file for the pseudonyms that are in it");
  match->add_flag("--open", command->open, "an incident for the vendor and epoch that it is from");
  match->add_option("--title", command->title, "of that incident");
}

// The commands about sending, with arguments of their own.
class NoticeAdder {
 public:
  NoticeAdder(CLI::App* parent, std::function<Result<void>()>* action)
      : parent_(parent), action_(action), command_(std::make_shared<NoticeCommand>()) {}

  CLI::App* Add(const char* name, const char* help, Result<void> (*act)(const NoticeCommand&)) {
    CLI::App* sub = parent_->add_subcommand(name, help);
    sub->add_option("DIR", command_->dir, "data directory")->required();
    sub->callback([act, action = action_, command = command_] {
      *action = [act, command] { return act(*command); };
    });
    return sub;
  }
  CLI::App* AddWithId(const char* name, const char* help,
                      Result<void> (*act)(const NoticeCommand&)) {
    CLI::App* sub = Add(name, help, act);
    sub->add_option("ID", command_->id, "as `list` shows it")->required();
    return sub;
  }
  [[nodiscard]] NoticeCommand* command() const { return command_.get(); }

 private:
  CLI::App* parent_;
  std::function<Result<void>()>* action_;
  std::shared_ptr<NoticeCommand> command_;
};

void AddSending(NoticeAdder* adder) {
  NoticeCommand* command = adder->command();
  CLI::App* send =
      adder->AddWithId("send", "mail the notices, riskiest first", CommandIncidentSend);
  send->add_flag("--dry-run", command->dry_run, "tell what would be done");
  send->add_option("--addresses", command->addresses_file,
                   "what `vault export collect` wrote, beyond what the vault reveals in a day");
  send->add_option("--example", command->example_file, "file for one mail, to nobody");
  send->add_flag("--incomplete", command->incomplete, "although the notice lacks facts");
  send->add_flag("--refused", command->refused, "once more to those whose mails were refused");
  send->add_flag("--json", command->json, "for programs");
  CLI::App* sending =
      adder->AddWithId("sending", "how far the notices have come", CommandIncidentSending);
  sending->add_flag("--undelivered", command->undelivered, "with pseudonyms: a read of persons");
  sending->add_flag("--json", command->json, "for programs");
  CLI::App* proof =
      adder->AddWithId("proof", "that one recipient was told, for others", CommandIncidentProof);
  proof->add_option("--address", command->address_file, "file with the address, or -")->required();
  proof->add_option("--out", command->out, "file for the audit log's receipt");
  adder->Add("dkim", "what the DNS must have", CommandIncidentDkim)
      ->add_option("--domain", command->domain, "of the sender")
      ->required();
  adder->Add("relay-credential", "the mail relay's password, from standard input",
             CommandIncidentRelayCredential);
}

}  // namespace

void AddIncidentCommands(CLI::App& app, std::function<Result<void>()>* action) {
  CLI::App* incident = app.add_subcommand("incident", "what leaked, whom it concerns, who is told");
  incident->require_subcommand(1);
  Adder adder(incident, action);
  AddVersions(&adder);
  AddAnswers(&adder);
  NoticeAdder notices(incident, action);
  AddSending(&notices);
}

}  // namespace bulkhead
