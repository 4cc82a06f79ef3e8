// The egress compartment: the only one that may speak to the outside by itself.
#include <spdlog/spdlog.h>

#include <atomic>
#include <thread>

#include "base/file_system.h"
#include "base/wiped_heap.h"
#include "channel/rpc_server.h"
#include "crypto/keys.h"
#include "egress/alert_codec.h"
#include "egress/alert_sender.h"
#include "egress/ledger.h"
#include "egress/vendor_gateway.h"
#include "egress/web_address.h"
#include "main/audit_messages.h"
#include "main/board_health.h"
#include "main/canary_watch.h"
#include "main/compartment.h"
#include "main/compartment_rules.h"
#include "main/data_directory.h"
#include "main/incident_desk.h"
#include "main/notice_office.h"
#include "main/residence.h"
#include "main/service_metrics.h"
#include "main/vault_client.h"
#include "main/vendor_desk.h"
#include "main/vendor_feed.h"
#include "main/witness_feed.h"
#include "vault/vault_service.h"

namespace bulkhead {
namespace {

constexpr int kThreads = 2;
constexpr std::chrono::milliseconds kSendEvery{1000};
constexpr std::chrono::milliseconds kReportEvery{500};
constexpr std::chrono::seconds kForgetAgainPause{5};  // after a failure
constexpr std::chrono::milliseconds kSubmitEvery{10'000};
constexpr std::chrono::milliseconds kVaultPatience{10'000};

class EgressCompartment final : public CompartmentRole {
 public:
  explicit EgressCompartment(CompartmentStart* start) : start_(start) {}
  ~EgressCompartment() override;
  Result<void> Prepare() override;
  Result<void> Open() override;
  void Link(std::string_view peer, Descriptor line) override;

 private:
  Result<std::string> Answer(const RpcCaller& caller, uint8_t kind, std::string_view body);
  Result<void> OpenVendors();
  Result<void> OpenIncidents();
  Result<void> OpenDesk();
  Result<void> OpenNotices();
  Result<Residence> AskResidence(const ResidenceRequest& request);
  Result<HoldingsPage> AskHoldings(const HoldingsRequest& request);
  GatherParts Gather();
  Result<VendorFeedPage> Pull(uint64_t position);
  Result<VendorFeedPage> Stored(const BackfillRequest& request);
  Result<std::vector<SubjectIdentities>> Reveal(const std::string& vendor,
                                                const VendorPolicy& policy,
                                                const std::vector<SubjectId>& subjects);
  Result<RevealedAddresses> RevealAddresses(const IncidentVersion& incident,
                                            std::span<const SubjectId> subjects);
  Result<void> AwaitVault() const;
  Result<void> Forget(const std::vector<SubjectId>& subjects);
  void ForgetErased();
  void ReportLoop();
  void StartWitnesses();
  Result<WitnessReply> PostToWitness(const std::string& url, const std::string& body) const;

  CompartmentStart* start_;
  RemoteAudit audit_;
  EgressKeys keys_;
  std::unique_ptr<AlertSender> alerts_;
  RpcClient core_;
  VaultClient vault_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<VendorGateway> vendors_;
  std::unique_ptr<IncidentDesk> incidents_;
  std::unique_ptr<CanaryWatch> canaries_;
  std::unique_ptr<VendorDesk> desk_;
  std::unique_ptr<NoticeOffice> notices_;
  std::unique_ptr<WitnessFeed> witnesses_;
  std::optional<uint64_t> erasures_seen_;  // core's kCoreForget when they were last carried out
  std::chrono::steady_clock::time_point forget_again_at_;
  std::atomic<bool> opened_{false};
  std::atomic<bool> stop_{false};
  std::thread reporter_;
  std::unique_ptr<RpcServer> server_ = std::make_unique<RpcServer>(
      kThreads, [this](const RpcCaller& caller, uint8_t kind, std::string_view body) {
        return Answer(caller, kind, body);
      });
};

EgressCompartment::~EgressCompartment() {
  server_.reset();
  stop_ = true;
  if (reporter_.joinable()) {
    reporter_.join();
  }
  witnesses_.reset();
  canaries_.reset();
  notices_.reset();
  vendors_.reset();
}

Result<void> EgressCompartment::Prepare() {
  WipeFreedMemory();  // identifiers that a vendor's policy names pass through
  return {};
}

Result<void> EgressCompartment::Open() {
  Result<EgressKeys> keys = ParseEgressKeys(start_->keys);
  if (!keys) {
    return keys.error();
  }
  keys_ = *std::move(keys);
  const DataDirectory dir(start_->data_dir);
  Result<std::unique_ptr<AlertSender>> alerts =
      AlertSender::Open({.fs = &RealFileSystem(),
                         .clock = &SystemClock(),
                         .dir = OwnDirectory(Compartment::kEgress, dir),
                         .policy_versions_dir = dir.PolicyVersions(),
                         .webhook_key = &keys_.webhook_key,
                         .post = Post,
                         .log = [](const std::string& text) { spdlog::warn("{}", text); }});
  if (!alerts) {
    return alerts.error();
  }
  alerts_ = *std::move(alerts);
  if (Result<void> opened = OpenVendors(); !opened) {
    return opened;
  }
  if (Result<void> opened = OpenIncidents(); !opened) {
    return opened;
  }
  if (Result<void> opened = OpenDesk(); !opened) {
    return opened;
  }
  if (Result<void> opened = OpenNotices(); !opened) {
    return opened;
  }
  alerts_->StartSending(kSendEvery);
  StartWitnesses();
  reporter_ = std::thread([this] { ReportLoop(); });
  opened_.store(true, std::memory_order_release);
  return {};
}

Result<void> EgressCompartment::OpenVendors() {
  const DataDirectory dir(start_->data_dir);
  const std::string own = OwnDirectory(Compartment::kEgress, dir);
  Result<std::unique_ptr<Ledger>> ledger =
      Ledger::Open(RealFileSystem(), own + "/ledger", keys_.vendor_keys, {});
  if (!ledger) {
    return ledger.error();
  }
  ledger_ = *std::move(ledger);
  if (Result<void> rewrapped = ledger_->UseKeys(keys_.vendor_keys); !rewrapped) {
    return rewrapped;
  }
  Result<std::unique_ptr<VendorGateway>> vendors = VendorGateway::Open(
      {.fs = &RealFileSystem(),
       .clock = &SystemClock(),
       .dir = own,
       .policy_versions_dir = dir.PolicyVersions(),
       .keys = &keys_.vendor_keys,
       .ledger = ledger_.get(),
       .post = Post,
       .reveal =
           [this](const std::string& vendor, const VendorPolicy& policy,
                  const std::vector<SubjectId>& subjects) {
             return Reveal(vendor, policy, subjects);
           },
       .log = [](const std::string& text) { spdlog::warn("{}", text); },
       .pull = [this](uint64_t position) { return Pull(position); },
       .fed_to =
           [this](std::optional<uint64_t> position) {
             start_->own->Set(kFollowerDurable, position ? *position + 1 : UINT64_MAX);
           }});
  if (!vendors) {
    return vendors.error();
  }
  vendors_ = *std::move(vendors);
  vendors_->Start();
  return {};
}

GatherParts EgressCompartment::Gather() {
  return {.ledger = ledger_.get(),
          .shown = [this](const ShownRequest& request) { return audit_.Shown(request); },
          .core = [this](const HoldingsRequest& request) { return AskHoldings(request); },
          .vault = [this](const HoldingsCall& call) -> Result<HoldingsAnswer> {
            const Result<void> current = AwaitVault();
            return current ? vault_.Ask<HoldingsAnswer>(call) : current.error();
          }};
}

Result<void> EgressCompartment::OpenIncidents() {
  const DataDirectory dir(start_->data_dir);
  Result<IncidentStore> store = IncidentStore::Open(
      RealFileSystem(), OwnDirectory(Compartment::kEgress, dir) + "/incidents", keys_.vendor_keys);
  if (!store) {
    return store.error();
  }
  incidents_ = std::make_unique<IncidentDesk>(IncidentDesk::Parts{
      .store = *std::move(store),
      .policy = PolicyFollower(&RealFileSystem(), dir.PolicyVersions()),
      .gateway = vendors_.get(),
      .gather = Gather(),
      .clock = &SystemClock(),
      .record = [this](const AuditEntry& entry) { return audit_.NoteIncident(entry); },
      .residence = [this](const ResidenceRequest& request) { return AskResidence(request); }});
  return {};
}

Result<void> EgressCompartment::OpenDesk() {
  Result<CanarySightsFile> sights = CanarySightsFile::Open(
      RealFileSystem(), OwnDirectory(Compartment::kEgress, DataDirectory(start_->data_dir)),
      keys_.vendor_keys);
  if (!sights) {
    return sights.error();
  }
  canaries_ = std::make_unique<CanaryWatch>(CanaryWatch::Parts{
      .file = *std::move(sights),
      .clock = &SystemClock(),
      .record = [this](const AuditEntry& entry) { return audit_.NoteVendor(entry); },
      .incident = [this](const CanarySights& seen) { return incidents_->OpenForCanary(seen); },
      .log = [](const std::string& text) { spdlog::error("{}", text); }});
  desk_ = std::make_unique<VendorDesk>(VendorDesk::Parts{
      .gateway = vendors_.get(),
      .ledger = ledger_.get(),
      .canaries = canaries_.get(),
      .clock = &SystemClock(),
      .record = [this](const AuditEntry& entry) { return audit_.NoteVendor(entry); },
      .stored =
          [this](const std::string& vendor, int64_t from_ms, int64_t to_ms) {
            return Stored({vendor, from_ms, to_ms});
          }});
  canaries_->Start();
  return {};
}

Result<void> EgressCompartment::OpenNotices() {
  const DataDirectory dir(start_->data_dir);
  Result<std::unique_ptr<NoticeOffice>> notices = NoticeOffice::Open(
      {.fs = &RealFileSystem(),
       .clock = &SystemClock(),
       .dir = OwnDirectory(Compartment::kEgress, dir),
       .policy_dir = dir.Policy(),
       .policy_versions_dir = dir.PolicyVersions(),
       .keys = &keys_,
       .gather = Gather(),
       .record = [this](const AuditEntry& entry) { return audit_.NoteIncident(entry); },
       .reveal =
           [this](const IncidentVersion& incident, std::span<const SubjectId> subjects) {
             return RevealAddresses(incident, subjects);
           },
       .log = [](const std::string& text) { spdlog::warn("{}", text); }});
  if (!notices) {
    return notices.error();
  }
  notices_ = *std::move(notices);
  return {};
}

// What came in a moment ago counts for an incident, too.
Result<void> EgressCompartment::AwaitVault() const {
  return WaitForVault(start_->boards, kVaultPatience)
             ? Result<void>()
             : Error{ErrorCode::kUnavailable, "the vault is behind the log: say it again"};
}

// As for vendors: the budget's end leaves out those beyond it alone.
Result<RevealedAddresses> EgressCompartment::RevealAddresses(const IncidentVersion& incident,
                                                             std::span<const SubjectId> subjects) {
  if (const Result<void> current = AwaitVault(); !current) {
    return current.error();
  }
  RevealedAddresses told;
  for (size_t i = 0; i < subjects.size(); ++i) {
    RevealCall call;
    call.asker.project = ProjectId{incident.project};
    call.asker.actor = std::string(kIncidentActor) + incident.id;
    call.asker.purpose = "security incident";
    call.subjects = {subjects[i]};
    call.fields = {std::string(kNoticeField)};
    const Result<RevealAnswer> answer = vault_.Ask<RevealAnswer>(call);
    if (!answer && answer.error().code == ErrorCode::kLimit) {
      told.not_revealed = subjects.size() - i;
      break;
    }
    if (!answer) {
      return answer.error();
    }
    const RevealedField* best = nullptr;  // the profile's present one, else the last one seen
    for (const RevealedSubject& revealed : answer->subjects) {
      for (const RevealedField& field : revealed.fields) {
        const bool former = field.from_profile && !field.current;
        const auto rank = [](const RevealedField& one) {
          return std::pair(one.current, one.last_seen_ms);
        };
        if (!former && (best == nullptr || rank(field) > rank(*best))) best = &field;
      }
    }
    if (best != nullptr) told.addresses.emplace(subjects[i], std::string(best->value.view()));
  }
  return told;
}

Result<Residence> EgressCompartment::AskResidence(const ResidenceRequest& request) {
  const Result<std::string> answer = core_.Call(kCoreResidence, EncodeResidenceRequest(request));
  return answer ? DecodeResidence(*answer) : answer.error();
}

Result<HoldingsPage> EgressCompartment::AskHoldings(const HoldingsRequest& request) {
  const Result<std::string> answer = core_.Call(kCoreHoldings, EncodeHoldingsRequest(request));
  return answer ? DecodeHoldingsPage(*answer) : answer.error();
}

// One subject at a time, so that the budget's end leaves out those beyond it alone.
Result<std::vector<SubjectIdentities>> EgressCompartment::Reveal(
    const std::string& vendor, const VendorPolicy& policy, const std::vector<SubjectId>& subjects) {
  std::vector<SubjectIdentities> told;
  for (const SubjectId& subject : subjects) {
    RevealCall call;
    call.asker.project = policy.project;
    call.asker.actor = std::string(kVendorActor) + vendor;
    call.asker.purpose = policy.identity_purpose;
    call.subjects = {subject};
    call.fields = policy.identities;
    const Result<RevealAnswer> answer = vault_.Ask<RevealAnswer>(call);
    if (!answer && answer.error().code == ErrorCode::kLimit) {
      break;
    }
    if (!answer) {
      return answer.error();
    }
    for (const RevealedSubject& revealed : answer->subjects) {
      SubjectIdentities& one = told.emplace_back(SubjectIdentities{revealed.subject, {}});
      for (const RevealedField& field : revealed.fields) {
        if (field.current) {
          one.fields.push_back({field.field, Value(field.value.view()), FieldForm::kIdentity});
        }
      }
    }
  }
  return told;
}

Result<VendorFeedPage> EgressCompartment::Stored(const BackfillRequest& request) {
  const Result<std::string> page = core_.Call(kCoreVendorBackfill, EncodeBackfillRequest(request));
  return page ? DecodeFeedPage(*page) : page.error();
}

Result<VendorFeedPage> EgressCompartment::Pull(uint64_t position) {
  const Result<std::string> page = core_.Call(kCoreVendorFeed, EncodeFeedRequest(position));
  return page ? DecodeFeedPage(*page) : page.error();
}

void EgressCompartment::StartWitnesses() {
  std::vector<WitnessAddress> witnesses;
  for (const std::string& url : start_->witness_urls) {
    witnesses.push_back({url});
  }
  witnesses_ = std::make_unique<WitnessFeed>(
      std::move(witnesses),
      WitnessFeed::Parts{
          .clock = &SystemClock(),
          .prove = [this](uint64_t old_size) { return audit_.Prove(old_size); },
          .keep = [this](const std::string& cosigned) { return audit_.KeepCosigned(cosigned); },
          .post = [this](const std::string& url,
                         const std::string& body) { return PostToWitness(url, body); },
          .log = [](const std::string& text) { spdlog::error("{}", text); }});
  witnesses_->Start(kSubmitEvery);
}

// The operator has named the witness: it may lie inside, where its address is what is named.
Result<WitnessReply> EgressCompartment::PostToWitness(const std::string& url,
                                                      const std::string& body) const {
  const Result<WebAddress> address = ParseWebAddress(url);
  if (!address) {
    return address.error();
  }
  OutboundRequest request;
  request.url = url;
  request.content_type = "application/octet-stream";
  request.body = body;
  request.allowed_internal = {address->host};
  Result<OutboundReply> reply = Post(request);
  return reply ? Result<WitnessReply>(WitnessReply{reply->status, std::move(reply->body)})
               : reply.error();
}

void EgressCompartment::Link(std::string_view peer, Descriptor line) {
  if (peer == CompartmentName(Compartment::kAudit)) {
    audit_.Attach(std::move(line));
  } else if (peer == CompartmentName(Compartment::kCore)) {
    core_.Attach(std::move(line));
  } else if (peer == CompartmentName(Compartment::kVault)) {
    vault_.Attach(std::move(line));
  } else if (peer == CompartmentName(Compartment::kIntake) || peer == kSupervisorPeer) {
    server_->Attach({std::string(peer)}, std::move(line));
  }
}

Result<std::string> EgressCompartment::Answer(const RpcCaller& caller, uint8_t kind,
                                              std::string_view body) {
  if (!opened_.load(std::memory_order_acquire)) {
    return Error{ErrorCode::kUnavailable, "egress is being opened"};
  }
  if (kind == kEgressVendorCommand && caller.compartment == kSupervisorPeer) {
    return desk_->Answer(body);
  }
  if (kind == kEgressIncidentCommand && caller.compartment == kSupervisorPeer) {
    return incidents_->Answer(body);
  }
  if (kind == kEgressNoticeCommand && caller.compartment == kSupervisorPeer) {
    return notices_->AnswerCommand(body);
  }
  const bool from_intake = caller.compartment == CompartmentName(Compartment::kIntake);
  if (kind == kEgressNoticeCheck && from_intake) {
    return notices_->AnswerQuestion(body);
  }
  if (kind == kEgressNoticeKeys && from_intake) {
    return notices_->PublicKeys();
  }
  if (kind != kEgressFirstHits || !from_intake) {
    return Error{ErrorCode::kInvalid, "egress does not know that call"};
  }
  const Result<std::vector<FirstHit>> hits = DecodeFirstHits(body);
  if (!hits) {
    return hits.error();
  }
  alerts_->Add(*hits);
  return std::string();
}

Result<void> EgressCompartment::Forget(const std::vector<SubjectId>& subjects) {
  Result<void> done = vendors_->Forget(subjects);
  return done ? notices_->Forget(subjects) : done;
}

// At the start, and when core says that somebody was erased.
void EgressCompartment::ForgetErased() {
  const auto now = std::chrono::steady_clock::now();
  const uint64_t said = start_->boards.at(IndexOf(Compartment::kCore))->Get(kCoreForget);
  if (erasures_seen_ == said || now < forget_again_at_) {
    return;
  }
  const Result<std::vector<LoggedErasure>> erased = audit_.Erased();
  const Result<uint64_t> known = vendors_->Forgotten();
  Result<void> done = erased ? Result<void>() : Result<void>(erased.error());
  if (done && !known) {
    done = known.error();
  }
  if (done) {
    // An audit log that is shorter is another one, put back: all of it again.
    const uint64_t from = *known <= erased->size() ? *known : 0;
    std::vector<SubjectId> subjects;
    for (size_t i = from; i < erased->size(); ++i) {
      subjects.push_back((*erased)[i].tombstone.subject);
    }
    done = subjects.empty() ? Result<void>() : Forget(subjects);
  }
  if (done && *known != erased->size()) {
    done = vendors_->SetForgotten(erased->size());
  }
  if (!done) {
    spdlog::error("vendors, the ledger and notices have not forgotten whom was erased: {}",
                  done.error().message);
    forget_again_at_ = now + kForgetAgainPause;
    return;
  }
  erasures_seen_ = said;
}

void EgressCompartment::ReportLoop() {
  bool notices_begun = false;
  while (!stop_) {
    ForgetErased();
    if (erasures_seen_ && !notices_begun) {  // not before those who were erased are known
      notices_->Start();
      notices_begun = true;
    }
    std::string metrics;
    AppendAlertMetrics(alerts_->stats(), &metrics);
    std::vector<VendorStatus> vendors = vendors_->List();
    canaries_->AddTo(&vendors);
    AppendVendorMetrics(vendors, &metrics);
    AppendNoticeMetrics(notices_->has_trouble(), &metrics);
    if (!start_->witness_urls.empty()) {
      AppendWitnessMetrics(witnesses_->stats(), &metrics);
    }
    start_->own->Set(kBoardTrouble, vendors_->trouble().empty() ? 0 : 1);
    start_->own->SetText(kTextMetrics, metrics);
    std::this_thread::sleep_for(kReportEvery);
  }
}

}  // namespace

std::unique_ptr<CompartmentRole> MakeEgressCompartment(CompartmentStart* start) {
  return std::make_unique<EgressCompartment>(start);
}

}  // namespace bulkhead
