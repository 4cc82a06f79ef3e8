#include "main/notice_desk.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/base64.h"
#include "base/hex.h"
#include "incident/dkim.h"
#include "incident/incident_view.h"
#include "incident/notice_commitment.h"
#include "incident/phishing_risk.h"
#include "main/audit_messages.h"
#include "model/value.h"
#include "vault/email.h"

namespace bulkhead {
namespace {

constexpr std::string_view kPrefix = "notice-";
constexpr size_t kMostBrought = 4'000'000;
constexpr size_t kMostInEntry = 250'000;  // subjects
// Nobody has it: the example of a dry run goes nowhere.
constexpr std::string_view kExampleAddress = "recipient@example.invalid";
constexpr std::string_view kExampleCode = "0000-0000-0000-0000";

Error NotGood(std::string what) { return {ErrorCode::kInvalid, std::move(what)}; }

const Notice& UserDraft(const std::vector<Notice>& drafts) {
  const auto user = std::ranges::find(drafts, NoticeKind::kUser, &Notice::kind);
  Check(user != drafts.end(), "there is a draft for users");
  return *user;
}

AuditEntry EntryOf(const DeskCommand& command, std::string_view action, std::string scope) {
  AuditEntry entry;
  entry.actor = command.actor();
  entry.action = action;
  entry.scope = std::move(scope);
  entry.outcome = "allowed";
  return entry;
}

std::string ProgressJson(const RoundProgress& one) {
  return fmt::format(
      R"({{"sending":{},"version":{},"made_ms":{},"entry":{},"recipients":{},"waiting":{},)"
      R"("told":{},"refused":{},"erased":{},"without_address":{},"not_revealed":{}}})",
      one.number, one.version, one.made_ms, one.entry, one.recipients, one.waiting, one.told,
      one.refused, one.erased, one.without_address, one.not_revealed);
}

}  // namespace

bool IsNoticeCommand(std::string_view kind) { return kind.starts_with(kPrefix); }

Result<std::string> NoticeDesk::Answer(std::string_view body) {
  const Result<DeskCommand> command = DeskCommand::Parse(body);
  if (!command) {
    return command.error();
  }
  const std::lock_guard lock(mutex_);
  return Do(*command);
}

Result<void> NoticeDesk::Forget(std::span<const SubjectId> subjects) {
  const std::lock_guard lock(mutex_);
  for (const SubjectId& subject : subjects) brought_.erase(subject);
  return parts_.rounds->Forget(subjects);
}

Result<std::string> NoticeDesk::Do(const DeskCommand& command) {
  const std::string_view what = std::string_view(command.kind()).substr(kPrefix.size());
  if (what == "addresses") return TakeAddresses(command);
  if (what == "send") return Send(command);
  if (what == "progress") return Progress(command);
  if (what == "credential") return SetCredential(command);
  if (what == "records") return Records(command);
  if (what == "proof") return Proof(command);
  return NotGood("this server does not know that command");
}

Result<std::string> NoticeDesk::TakeAddresses(const DeskCommand& command) {
  std::optional<std::string> bytes = Base64DecodeStrict(command.Text("page"));
  const Result<std::vector<SubjectAddress>> page =
      bytes ? DecodeAddressPage(*bytes)
            : Result<std::vector<SubjectAddress>>(NotGood("no page of addresses"));
  if (bytes) Wipe(&*bytes);
  if (!page) {
    return page.error();
  }
  if (command.Flag("first") || brought_for_ != command.Text("id")) {
    brought_.clear();
    brought_for_ = command.Text("id");
  }
  if (brought_.size() + page->size() > kMostBrought) {
    return NotGood("more addresses than 4,000,000");
  }
  for (const SubjectAddress& one : *page) brought_.insert_or_assign(one.subject, one.address);
  return fmt::format(R"({{"addresses":{}}})", brought_.size());
}

Result<NoticeDesk::Basis> NoticeDesk::Prepare(const DeskCommand& command) {
  Result<NoticeSettings> settings = parts_.settings();
  if (!settings) {
    return settings.error();
  }
  if (const Result<bool> looked = parts_.policy.Look(); !looked) {
    return looked.error();
  }
  Result<std::vector<IncidentVersion>> versions = parts_.incidents.Versions(command.Text("id"));
  if (!versions) {
    return versions.error();
  }
  Basis basis;
  basis.version = std::move(versions->back());
  basis.settings = *std::move(settings);
  IncidentFacts& facts = basis.version.facts;
  if (facts.check_page.empty()) facts.check_page = basis.settings.check_page;
  Result<std::vector<Notice>> drafts = DraftNotices(basis.version);
  if (!drafts) {
    return drafts.error();
  }
  basis.drafts = *std::move(drafts);
  basis.covered = parts_.rounds->Covered(basis.version.id, !command.Flag("refused"));
  const ExposedClasses classes(facts.classes,
                               parts_.policy.policy().Of(ProjectId{basis.version.project}));
  IncidentVersion asked = basis.version;  // what is gathered anew is no part of this version
  const Result<std::unique_ptr<ExposureSource>> source =
      GatherExposure(parts_.gather, command.actor(), &asked);
  Result<SubjectsToTell> all =
      source ? FindSubjectsToTell({source->get(), &classes, {}}, basis.covered)
             : Result<SubjectsToTell>(source.error());
  if (!all) {
    return all.error();
  }
  basis.all = *std::move(all);
  return basis;
}

// The operator's first, since they cost nothing of the budget.
Result<RevealedAddresses> NoticeDesk::AddressesOf(const Basis& basis, bool dry_run) {
  RevealedAddresses known;
  if (brought_for_ == basis.version.id) {
    known.addresses = dry_run ? brought_ : std::exchange(brought_, {});
  }
  std::vector<SubjectId> unknown;
  for (const SubjectsToTell::Entry& one : basis.all.subjects) {
    if (!known.addresses.contains(one.subject)) unknown.push_back(one.subject);
  }
  if (dry_run) {
    known.not_revealed = unknown.size();
    return known;
  }
  Result<RevealedAddresses> told = parts_.reveal(basis.version, unknown);
  if (!told) {
    return told.error();
  }
  for (const auto& [subject, address] : told->addresses) {
    const std::optional<std::string> normal = NormaliseEmail(address);
    if (normal && IsMailAddress(*normal)) known.addresses.emplace(subject, *normal);
  }
  known.not_revealed = told->not_revealed;
  return known;
}

// Who is told, and then what they are told and that it is all of them, before anything leaves.
Result<uint64_t> NoticeDesk::Commit(const DeskCommand& command, const Basis& basis,
                                    const NoticeRound& round) {
  AuditEntry entry = EntryOf(command, kIncidentSendAction,
                             fmt::format("incident {}, version {}, sending {}", round.incident,
                                         round.version, round.number));
  entry.project = basis.version.project;
  const auto write = [&]() -> Result<void> {
    entry.count = entry.subjects.size();
    const Result<uint64_t> recorded = parts_.record(entry);
    entry.subjects.clear();
    return recorded ? Result<void>() : recorded.error();
  };
  NoticeCommitment commitment;
  std::vector<TreeHash> leaves;
  for (const NoticeRecipient& recipient : round.recipients) {
    leaves.push_back(recipient.leaf);
    entry.subjects.insert(entry.subjects.end(), recipient.subjects.begin(),
                          recipient.subjects.end());
    if (entry.subjects.size() < kMostInEntry) continue;
    if (const Result<void> written = write(); !written) {
      return written.error();
    }
  }
  if (!entry.subjects.empty()) {
    if (const Result<void> written = write(); !written) {
      return written.error();
    }
  }
  commitment.actor = command.actor();
  commitment.incident = round.incident;
  commitment.drafts = basis.drafts;
  const RecipientTree tree(std::move(leaves));
  commitment.recipients = tree.size();
  commitment.root = tree.root();
  return parts_.record(CommitmentEntry(commitment));
}

NoticeRound NoticeDesk::RoundFor(const Basis& basis) const {
  const IncidentVersion& version = basis.version;
  NoticeRound round;
  round.incident = version.id;
  round.number = parts_.rounds->NextNumber(version.id);
  round.version = version.number;
  round.made_ms = parts_.clock->NowMs();
  round.code_key = parts_.keys->notice_code_keys.newest().id;
  round.organisation = version.facts.organisation;
  round.vendor = PlaceText(version);
  round.happening = version.facts.happening;
  round.first_day = version.window.first_day;
  round.last_day = version.window.last_day;
  round.draft = UserDraft(basis.drafts);
  return round;
}

Result<std::string> NoticeDesk::Begin(const DeskCommand& command, const Basis& basis,
                                      NoticeRound round) {
  const Result<uint64_t> entry = Commit(command, basis, round);
  if (!entry) {
    return entry.error();
  }
  round.entry = *entry;
  std::string json = fmt::format(R"(,"sending":{},"entry":{})", round.number, *entry);
  if (const Result<void> added = parts_.rounds->Add(std::move(round)); !added) {
    return added.error();
  }
  parts_.sender->Wake();
  return json;
}

Result<std::string> NoticeDesk::Send(const DeskCommand& command) {
  const bool dry_run = command.Flag("dry_run");
  const Result<Basis> basis = Prepare(command);
  if (!basis) {
    return basis.error();
  }
  const Notice& draft = UserDraft(basis->drafts);
  if (!draft.unknown.empty() && !dry_run && !command.Flag("incomplete")) {
    return NotGood(fmt::format("the notice lacks: {}; add it (incident facts) or say --incomplete",
                               fmt::join(draft.unknown, ", ")));
  }
  const Result<std::string> example = MakeNoticeMail(
      {&basis->settings, parts_.keys, kExampleAddress, "example", parts_.clock->NowMs()},
      WithCode(draft, kExampleCode));
  const Result<RevealedAddresses> known =
      example ? AddressesOf(*basis, dry_run) : Result<RevealedAddresses>(example.error());
  if (!known) {
    return known.error();
  }
  NoticeRound round = RoundFor(*basis);
  const NoticeCodes codes(parts_.keys->notice_code_keys.newest().key);
  const RecipientCounts counts =
      AddRecipients(basis->all, known->addresses, codes, basis->covered, &round);
  round.not_revealed = known->not_revealed;
  round.without_address = counts.without_address - known->not_revealed;
  std::string json = fmt::format(
      R"({{"version":{},"subjects":{},"covered":{},"recipients":{},"without_address":{},)"
      R"("not_revealed":{},"bands":[{}],"lacks":[)",
      round.version, basis->all.subjects.size() + basis->all.covered,
      basis->all.covered + counts.covered, round.recipients.size(), round.without_address,
      round.not_revealed, fmt::join(basis->all.bands, ","));
  for (const std::string& fact : draft.unknown) {
    json += (json.back() == '[' ? "" : ",") + JsonString(fact);
  }
  json += fmt::format(R"(],"example":"{}")", Base64Encode(*example));
  if (dry_run || round.recipients.empty()) return json + "}";
  const Result<std::string> begun = Begin(command, *basis, std::move(round));
  return begun ? Result<std::string>(json + *begun + "}") : begun.error();
}

Result<std::string> NoticeDesk::Progress(const DeskCommand& command) {
  const std::string id = command.Text("id");
  if (const Result<std::vector<IncidentVersion>> versions = parts_.incidents.Versions(id);
      !versions) {
    return versions.error();
  }
  std::string json = R"({"sendings":[)";
  for (const RoundProgress& one : parts_.rounds->ProgressOf(id)) {
    json += (json.back() == '[' ? "" : ",") + ProgressJson(one);
  }
  json += "],\"trouble\":" + JsonString(parts_.sender->trouble());
  if (!command.Flag("undelivered")) return json + "}";
  const std::vector<std::pair<SubjectId, int>> refused = parts_.rounds->Refused(id);
  AuditEntry entry = EntryOf(command, kIncidentUndeliveredAction, "incident " + id);
  json += R"(,"undelivered":[)";
  for (const auto& [subject, code] : refused) {
    entry.subjects.push_back(subject);
    json += fmt::format(R"({}{{"subject":"{}","code":{}}})", json.back() == '[' ? "" : ",",
                        subject.ToHex(), code);
  }
  entry.count = entry.subjects.size();
  const Result<uint64_t> recorded = parts_.record(entry);
  return recorded ? Result<std::string>(json + "]}") : recorded.error();
}

Result<std::string> NoticeDesk::SetCredential(const DeskCommand& command) {
  std::string text = command.Text("credential");
  const SecretBytes password{std::string_view(text)};
  Wipe(&text);
  AuditEntry entry = EntryOf(command, "incident.relay-credential", "");
  const Result<uint64_t> recorded = parts_.record(entry);
  const Result<void> set = recorded ? parts_.credential->Set(password) : recorded.error();
  if (!set) {
    return set.error();
  }
  parts_.sender->Wake();
  return std::string(R"({"status":"ok"})");
}

Result<std::string> NoticeDesk::Records(const DeskCommand& command) const {
  const std::string domain = command.Text("domain");
  if (!IsDkimName(domain)) {
    return NotGood("domain: expected a name such as example.com");
  }
  // Selectors of the settings, where there are settings of that domain.
  const Result<NoticeSettings> settings = parts_.settings();
  const bool named = settings && settings->dkim_domain == domain;
  std::string json = "[";
  const auto add = [&](uint32_t key, const std::string& selector, const std::string& record) {
    json += fmt::format(R"({}{{"key":{},"name":"{}._domainkey.{}","record":{}}})",
                        json.back() == '[' ? "" : ",", key, selector, domain, JsonString(record));
  };
  const auto selector_of = [&](uint32_t key, const std::string& set, const char* kind) {
    const bool of_settings =
        named && (settings->dkim_key == 0 ? key == parts_.keys->dkim_rsa_keys.back().id
                                          : key == settings->dkim_key);
    return of_settings ? set : fmt::format("bulkhead-{}-{}", kind, key);
  };
  for (const KeyRing::Entry& entry : parts_.keys->dkim_rsa_keys) {
    const Result<RsaKey> key = RsaKey::FromPadded(entry.key);
    const Result<std::string> record = key ? DkimRecord(*key) : Result<std::string>(key.error());
    if (!record) {
      return record.error();
    }
    add(entry.id, selector_of(entry.id, named ? settings->rsa_selector : "", "rsa"), *record);
  }
  for (const KeyRing::Entry& entry : parts_.keys->dkim_ed25519_seeds.entries()) {
    add(entry.id, selector_of(entry.id, named ? settings->ed25519_selector : "", "ed25519"),
        DkimRecord(SigningKey(entry.key)));
  }
  return json + "]";
}

Result<std::string> NoticeDesk::Proof(const DeskCommand& command) {
  const std::string id = command.Text("id");
  const std::optional<std::string> address = NormaliseEmail(command.Text("address"));
  if (!address) {
    return NotGood("address: no address");
  }
  const std::optional<TreeHash> leaf = parts_.check->LeafOf(id, *address);
  const std::optional<FoundRecipient> found = leaf ? parts_.rounds->Find(id, *leaf) : std::nullopt;
  AuditEntry entry = EntryOf(command, kIncidentProofAction, "incident " + id);
  if (found) entry.subjects = found->subjects;
  entry.count = entry.subjects.size();
  if (const Result<uint64_t> recorded = parts_.record(entry); !recorded) {
    return recorded.error();
  }
  if (!found) {
    return Error{ErrorCode::kNotFound, "nobody with that address is among those who are told"};
  }
  const Result<RecipientProof> proof = parts_.rounds->Prove(id, *leaf);
  if (!proof) {
    return proof.error();
  }
  std::string json = fmt::format(
      R"({{"incident":"{}","version":{},"told_ms":{},"entry":{},"recipients":{},"root":"{}",)"
      R"("leaf":"{}","index":{},"path":[)",
      id, proof->version, found->told_ms, proof->entry, proof->recipients, HexEncode(proof->root),
      HexEncode(proof->leaf), proof->proof.index);
  for (const TreeHash& hash : proof->proof.path) {
    json += fmt::format(R"({}"{}")", json.back() == '[' ? "" : ",", HexEncode(hash));
  }
  return json + "]}";
}

}  // namespace bulkhead
