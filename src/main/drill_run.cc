#include "main/drill_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/file_system.h"
#include "incident/calendar.h"
#include "incident/drill_page.h"
#include "incident/incident_view.h"
#include "incident/obligations_data.h"
#include "main/drill_count.h"
#include "main/drill_mail.h"
#include "main/incident_ask.h"
#include "main/incident_match.h"
#include "main/notice_files.h"

namespace bulkhead {
namespace {

constexpr double kWatchS = 2;
constexpr double kIncidentS = 10;
constexpr size_t kOffered = 300;  // events, about
constexpr uint64_t kSeedOfMore = 8;

int64_t SteadyNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

uint64_t AllowedIn(const std::vector<DemoItem>& traffic) {
  return static_cast<uint64_t>(std::ranges::count_if(traffic, DrillPolicyAllows));
}

Result<Obligations> TableOfDuties() {
  return Obligations::Load(ShippedObligations(), "obligations.toml");
}

// What the drill's platform would say of itself.
FactChanges FactsOfTheDrill(int64_t aware_ms) {
  FactChanges changes;
  changes.times = {fmt::format("aware={}", aware_ms)};
  changes.source = "mail to a canary, told by the sink";
  changes.roles = {"controller"};
  changes.established = {"IE"};
  changes.risk = "risk";
  changes.organisation = "The platform";
  changes.happening =
      "Somebody exported the data that our analytics vendor had been sent, and wrote to addresses "
      "in it.";
  changes.measures = {"The feed to the vendor was stopped for good."};
  return changes;
}

}  // namespace

DrillRun::DrillRun(std::string out, std::FILE* told)
    : out_(std::move(out)), told_(told), began_ns_(SteadyNs()) {
  report_.made_ms = SystemClock().NowMs();
  report_.processors = static_cast<int>(std::thread::hardware_concurrency());
}

double DrillRun::Now() const { return static_cast<double>(SteadyNs() - began_ns_) / 1e9; }

Result<void> DrillRun::Act(const char* what, const char* mark,
                           const std::function<Result<std::string>()>& act) {
  if (Result<void> go_on = CheckNotStopped(); !go_on) {
    return go_on;
  }
  const double began_s = Now();
  Result<std::string> came = act();
  if (!came) {
    return came.error();
  }
  report_.steps.push_back({what, *came, mark, began_s, Now()});
  const DrillStep& step = report_.steps.back();
  fmt::print(told_, "{:7.1f} s  {} ({}): {}\n", step.ended_s, what,
             DurationText(step.ended_s - step.began_s), *came);
  std::fflush(told_);
  return {};
}

Result<void> DrillRun::Play(size_t events, size_t people) {
  events_ = events;
  people_ = people;
  struct One {
    const char* what;
    const char* mark;
    Result<std::string> (DrillRun::*act)();
  };
  const One acts[] = {
      {"server, vendor and mail sink start", "", &DrillRun::SetStage},
      {"a month of traffic is imported", "", &DrillRun::ImportMonth},
      {"the policy's part of it goes to the vendor", "", &DrillRun::FeedVendor},
      {"the thief exports everything from the vendor", "all data stolen", &DrillRun::Steal},
      {"the thief searches the file", "", &DrillRun::Search},
      {"the thief writes to the addresses in it", "mail to canaries", &DrillRun::WriteToCanaries},
      {"the server names the vendor", "alarm: vendor and epoch named", &DrillRun::SeeCanary},
      {"an incident is opened", "incident open", &DrillRun::AwaitIncident},
      {"the vendor is killed", "feed stopped", &DrillRun::KillVendor},
      {"more traffic is imported", "", &DrillRun::OfferMore},
      {"the exposure is read", "exposure known", &DrillRun::ReadExposure},
      {"the stolen file is matched", "stolen file attributed", &DrillRun::MatchFile},
      {"duties and their times are computed", "deadlines counted", &DrillRun::CountDuties},
      {"notices are drafted", "drafts written", &DrillRun::WriteDrafts},
      {"the ledger is checked against the vendor's data", "", &DrillRun::CheckLedger},
      {"the vendor is looked at once more", "", &DrillRun::WatchVendor},
      {"the stolen epoch's key is destroyed", "", &DrillRun::ForgetEpoch},
  };
  for (const One& one : acts) {
    if (Result<void> done = Act(one.what, one.mark, [&] { return (this->*one.act)(); }); !done) {
      return done;
    }
  }
  return {};
}

Result<std::string> DrillRun::SetStage() {
  Result<std::unique_ptr<DrillStage>> stage = DrillStage::Set();
  if (!stage) {
    return stage.error();
  }
  stage_ = *std::move(stage);
  report_.policy = stage_->policy();
  const Result<void> written =
      RealFileSystem().WriteFileAtomically(out_ + "/policy.toml", report_.policy);
  report_.files.emplace_back("policy.toml");
  return written ? Result<std::string>("three processes, one of them with five compartments")
                 : written.error();
}

Result<std::string> DrillRun::ImportMonth() {
  DemoTraffic traffic({.end_ms = SystemClock().NowMs(),
                       .events = events_,
                       .people = people_,
                       .token = stage_->token()});
  traffic_ = traffic.PlayAll();
  report_.people = traffic.people();
  report_.profiles = static_cast<uint64_t>(std::ranges::count_if(traffic_, &DemoItem::is_profile));
  report_.events = traffic_.size() - report_.profiles;
  if (Result<void> imported = stage_->Import(traffic_); !imported) {
    return imported.error();
  }
  return fmt::format("{} events, {} profiles", GroupedNumber(report_.events),
                     GroupedNumber(report_.profiles));
}

Result<std::string> DrillRun::FeedVendor() {
  if (Result<void> sent = stage_->AwaitSent(AllowedIn(traffic_)); !sent) {
    return sent.error();
  }
  const Result<DrillVendorState> state = stage_->VendorState();
  Result<std::set<std::string>> canaries =
      state ? stage_->Canaries() : Result<std::set<std::string>>(state.error());
  if (!canaries) {
    return canaries.error();
  }
  canaries_ = *std::move(canaries);
  report_.canaries = canaries_.size();
  return fmt::format("{} messages, some of them of {} canaries", GroupedNumber(state->sent),
                     canaries_.size());
}

Result<std::string> DrillRun::Steal() {
  stolen_path_ = out_ + "/stolen.ndjson";
  const Result<StolenSet> stolen =
      StealExport(stage_->vendor_url(), stage_->vendor_account(), stolen_path_);
  if (!stolen) {
    return stolen.error();
  }
  report_.files.emplace_back("stolen.ndjson");
  report_.stolen_bytes = stolen->bytes;
  report_.stolen_events = stolen->events;
  report_.stolen_profiles = stolen->profiles;
  report_.stolen_s = Now();
  return fmt::format("{} events, {} profiles", GroupedNumber(stolen->events),
                     GroupedNumber(stolen->profiles));
}

Result<std::string> DrillRun::Search() {
  const Result<std::string> stolen = RealFileSystem().ReadWhole(stolen_path_);
  if (!stolen) {
    return stolen.error();
  }
  Giveaways::Findings findings = Giveaways(traffic_).SearchIn(*stolen, kDrillCanaryDomain);
  report_.searches = std::move(findings.searches);
  addresses_ = std::move(findings.addresses);
  traffic_.clear();
  uint64_t real = 0;
  for (const DrillSearch& search : report_.searches) real += search.in_stolen;
  return fmt::format("{} names, addresses and ids of people; {} addresses in all",
                     GroupedNumber(real), GroupedNumber(addresses_.size()));
}

Result<std::string> DrillRun::WriteToCanaries() {
  if (addresses_.empty()) {
    return Error{ErrorCode::kUnavailable,
                 "no canary was sent with a profile; more --events make more of them"};
  }
  report_.mailed_s = Now();
  for (const std::string& address : addresses_) {
    if (Result<void> sent = SendPhishingMail(stage_->mail_port(), address); !sent) {
      return sent.error();
    }
    ++report_.mails;
  }
  return fmt::format("{} mails", report_.mails);
}

Result<std::string> DrillRun::SeeCanary() {
  const Result<ServerAnswer> sight = ServerAnswer::Of(stage_->NextSight());
  if (!sight) {
    return sight.error();
  }
  for (const simdjson::dom::element canary : ListMember(sight->root(), "canaries")) {
    report_.seen = {TextMember(canary, "vendor"),
                    static_cast<uint32_t>(NumberMember(canary, "epoch"))};
  }
  if (report_.seen.vendor.empty()) {
    return Error{ErrorCode::kBug, "mail to a canary named no vendor"};
  }
  report_.seen_s = Now();
  report_.aware_ms = SystemClock().NowMs();
  return fmt::format("{}, epoch {}", report_.seen.vendor, report_.seen.epoch);
}

// The server does it by itself; here it is only waited for.
Result<std::string> DrillRun::AwaitIncident() {
  for (const double until_s = Now() + kIncidentS; Now() < until_s;) {
    const Result<ServerAnswer> answer = AskIncident(stage_->server(), {"list", {}, {}, {}});
    const Result<std::vector<IncidentVersion>> incidents =
        answer ? AnswerRecords(answer->root())
               : Result<std::vector<IncidentVersion>>(answer.error());
    if (!incidents) {
      return incidents.error();
    }
    for (const IncidentVersion& one : *incidents) {
      if (one.window.vendor != report_.seen.vendor || one.window.epoch != report_.seen.epoch) {
        continue;
      }
      incident_id_ = one.id;
      report_.incident_opened = one.actor;
      report_.incident_s = Now();
      return one.id + " by " + one.actor;
    }
    if (Result<void> go_on = CheckNotStopped(); !go_on) {
      return go_on.error();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return Error{ErrorCode::kBug, "no incident was opened at a canary's sight"};
}

// The vendor is not asked to delete: what it has is counted below.
Result<std::string> DrillRun::KillVendor() {
  const double before_s = Now();
  const Result<std::string> killed = stage_->server().Command(
      fmt::format(R"({{"command":"vendor-kill","vendor":"{}","keep_data":true}})", kDrillVendor));
  if (!killed) {
    return killed.error();
  }
  killed_s_ = Now();
  report_.kill.took_s = killed_s_ - before_s;
  return std::string("credential destroyed, a new epoch begun; its data left as evidence");
}

Result<std::string> DrillRun::OfferMore() {
  DemoTraffic traffic({.seed = kSeedOfMore,
                       .end_ms = SystemClock().NowMs(),
                       .events = kOffered,
                       .token = stage_->token()});
  std::vector<DemoItem> more = traffic.PlayAll();
  std::erase_if(more, [](const DemoItem& item) { return item.is_profile; });
  report_.kill.offered_after = AllowedIn(more);
  const Result<void> imported = stage_->Import(more);
  return imported ? Result<std::string>(fmt::format("{} events that the policy would let through",
                                                    report_.kill.offered_after))
                  : imported.error();
}

Result<std::string> DrillRun::ReadExposure() {
  Result<IncidentVersion> version =
      AskRecord(stage_->server(), {"read", {{"id", incident_id_}}, {}, {}});
  if (!version) {
    return version.error();
  }
  report_.incident = *std::move(version);
  const IncidentExposure& exposure = report_.incident.exposure;
  return fmt::format("{} subjects, {} messages, {} fields", GroupedNumber(exposure.subjects),
                     GroupedNumber(exposure.sends), exposure.fields.size());
}

Result<std::string> DrillRun::MatchFile() {
  Result<LeakedFileMatch> match = MatchLeakedFile(stage_->server(), {stolen_path_, "", false});
  if (!match) {
    return match.error();
  }
  report_.match = std::move(match->report);
  for (const SourceMatches& source : report_.match.sources) {
    report_.kill.ids_known_before += source.MatchedSubjects();
  }
  return report_.match.attributed
             ? fmt::format("{}, epoch {}; {:.2f} % genuine", report_.match.attributed->vendor,
                           report_.match.attributed->epoch, 100 * report_.match.GenuineShare())
             : "not attributed";
}

Result<std::string> DrillRun::CountDuties() {
  const Result<Obligations> table = TableOfDuties();
  if (!table) {
    return table.error();
  }
  Result<IncidentVersion> version = AskFacts(
      stage_->server(),
      {incident_id_, FactsOfTheDrill(report_.aware_ms), "what the platform knows"}, *table);
  Result<std::vector<Obligation>> duties =
      version ? table->Apply(SituationOf(*version, SystemClock().NowMs()))
              : Result<std::vector<Obligation>>(version.error());
  if (!duties) {
    return duties.error();
  }
  report_.incident = *std::move(version);
  report_.duties = *std::move(duties);
  const auto due = std::ranges::count(report_.duties, ObligationState::kDue, &Obligation::state);
  return fmt::format("{} rules, {} due", report_.duties.size(), due);
}

Result<std::string> DrillRun::WriteDrafts() {
  Result<WrittenNotices> written = WriteNotices(stage_->server(), incident_id_, out_ + "/notices");
  if (!written) {
    return written.error();
  }
  report_.notices = std::move(written->drafts);
  report_.files.emplace_back("notices");
  return fmt::format("{} drafts, after their hashes: entry {} of the audit log",
                     report_.notices.size(), written->entry);
}

Result<std::string> DrillRun::CheckLedger() {
  const Result<std::string> stolen = RealFileSystem().ReadWhole(stolen_path_);
  Result<std::vector<DrillCount>> counts =
      stolen ? CountAgainstLedger(*stolen, canaries_, report_.incident.exposure)
             : Result<std::vector<DrillCount>>(stolen.error());
  if (!counts) {
    return counts.error();
  }
  report_.counts = *std::move(counts);
  return std::string(report_.IsLedgerShort()   ? "THE LEDGER IS SHORT"
                     : report_.IsLedgerEqual() ? "equal in every field"
                                               : "the ledger tells of more");
}

Result<std::string> DrillRun::WatchVendor() {
  while (Now() < killed_s_ + kWatchS) {
    if (Result<void> go_on = CheckNotStopped(); !go_on) {
      return go_on.error();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  const Result<StolenSet> again =
      StealExport(stage_->vendor_url(), stage_->vendor_account(), stage_->Path("again.ndjson"));
  if (!again) {
    return again.error();
  }
  report_.kill.watched_s = Now() - killed_s_;
  report_.kill.received_after =
      again->events + again->profiles - report_.stolen_events - report_.stolen_profiles;
  return fmt::format("{} messages came after the kill", report_.kill.received_after);
}

Result<std::string> DrillRun::ForgetEpoch() {
  const Result<std::string> forgotten = stage_->server().Command(
      fmt::format(R"({{"command":"vendor-forget-epoch","vendor":"{}","epoch":{}}})", kDrillVendor,
                  report_.seen.epoch));
  if (!forgotten) {
    return forgotten.error();
  }
  const Result<LeakedFileMatch> match =
      MatchLeakedFile(stage_->server(), {stolen_path_, "", false});
  if (!match && match.error().code != ErrorCode::kNotFound) {
    return match.error();
  }
  for (const SourceMatches& source : match ? match->report.sources : std::vector<SourceMatches>()) {
    report_.kill.ids_known_after += source.MatchedSubjects();
  }
  return fmt::format("{} of {} ids can still be matched", report_.kill.ids_known_after,
                     GroupedNumber(report_.kill.ids_known_before));
}

}  // namespace bulkhead
