// The core compartment: store, query faces, and the erasures that involve all others.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <thread>

#include "base/file_system.h"
#include "base/wiped_heap.h"
#include "channel/message_socket.h"
#include "channel/rpc_server.h"
#include "http/server.h"
#include "intake/failed_logins.h"
#include "main/audit_messages.h"
#include "main/board_health.h"
#include "main/compartment.h"
#include "main/core_projects.h"
#include "main/erase_call.h"
#include "main/follower_thread.h"
#include "main/holdings.h"
#include "main/person_erasure.h"
#include "main/project_lookup.h"
#include "main/recorders.h"
#include "main/residence.h"
#include "main/service_metrics.h"
#include "main/sieve_report.h"
#include "main/sign_in_recorder.h"
#include "main/vault_client.h"
#include "main/vendor_feed.h"
#include "query/stored_events.h"
#include "sieve/policy_follower.h"

namespace bulkhead {
namespace {

constexpr int kThreads = 2;
constexpr std::chrono::milliseconds kPoll{5};
constexpr size_t kMostBackfillEvents = 50'000;  // at once
constexpr std::chrono::milliseconds kReportEvery{500};
constexpr std::chrono::seconds kErasePatience{60};
constexpr std::chrono::seconds kEraseAgainPause{10};  // after a failure

// Takes the connections that intake relays.
class Door {
 public:
  Door(Descriptor line, HttpServer* server)
      : line_(std::move(line)), server_(server), thread_([this] { Run(); }) {}
  ~Door() {
    line_.ShutDown();
    thread_.join();
  }
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

 private:
  void Run() {
    for (;;) {
      Result<Message> message = line_.Receive();
      if (!message) {
        return;
      }
      for (Descriptor& connection : message->descriptors) {
        server_->Adopt(std::move(connection));
      }
    }
  }
  MessageSocket line_;
  HttpServer* server_;
  std::thread thread_;
};

class CoreCompartment final : public CompartmentRole {
 public:
  explicit CoreCompartment(CompartmentStart* start)
      : start_(start),
        dir_(start->data_dir),
        intake_(board(Compartment::kIntake)),
        policy_(&RealFileSystem(), dir_.PolicyVersions()) {}
  ~CoreCompartment() override;
  Result<void> Prepare() override;
  Result<void> Open() override;
  void Link(std::string_view peer, Descriptor line) override;

 private:
  [[nodiscard]] const StatusBoard* board(Compartment id) const {
    return start_->boards.at(IndexOf(id)).get();
  }
  Result<void> OpenStore();
  Result<void> OpenPersonRequests();
  Result<void> Listen();
  Services MakeServices();
  Result<std::vector<SubjectId>> Pseudonyms(const std::vector<std::string>& raw_ids);
  Result<std::string> Stats(ProjectId project) const;
  Result<std::string> Answer(const RpcCaller& caller, uint8_t kind, std::string_view body);
  Result<std::string> AnswerVendorFeed(std::string_view body);
  Result<std::string> AnswerResidence(std::string_view body);
  Result<std::string> AnswerHoldings(std::string_view body);
  Result<std::string> AnswerEgress(uint8_t kind, std::string_view body);
  Result<std::string> AnswerBackfill(std::string_view body);
  Result<std::vector<Event>> StoredEvents(ProjectId project, int64_t from_ms, int64_t to_ms) const;
  void JoinDevices(Batch* batch) const;
  PlacingIds PlacePeople(const Batch& batch) const;
  Result<std::string> Erase(const EraseCall& call);
  Result<void> ForgetLog();
  bool WaitFor(const std::function<bool()>& reached) const;
  bool HasFollowed(uint64_t end) const;
  bool WaitUntilFollowed() const;
  void FollowPolicy();
  void ReportLoop();
  void EraseAgain();

  CompartmentStart* start_;
  DataDirectory dir_;
  const StatusBoard* intake_;
  CoreKeys keys_;
  RemoteAudit audit_;
  VaultClient vault_;
  AuditRecorder recorder_{&audit_};
  std::unique_ptr<Catalogue> catalogue_;
  std::unique_ptr<CatalogueLookup> project_lookup_;
  SignInRecorder sign_ins_{{[this](const AuditEntry& entry) { return audit_.NoteSignIn(entry); },
                            &SystemClock(), "queries", true}};
  std::unique_ptr<RecordedLookup> recorded_lookup_;
  FailedLogins failed_logins_{&SystemClock()};
  CoreProjects projects_;
  PolicyFollower policy_;
  std::string policy_trouble_;
  std::unique_ptr<FollowerThread> follower_;
  std::unique_ptr<VendorFeed> vendor_feed_;
  std::unique_ptr<HttpServer> relayed_;  // what intake hands on
  std::unique_ptr<HttpServer> console_;
  std::unique_ptr<PersonErasure> erasure_;
  std::unique_ptr<PersonRequests> person_requests_;
  std::atomic<bool> opened_{false};
  std::atomic<bool> stop_{false};
  std::thread reporter_;
  bool erased_again_ = false;
  std::chrono::steady_clock::time_point erase_again_at_;
  std::mutex door_mutex_;
  Descriptor early_door_;  // came before the server was there
  std::unique_ptr<Door> door_;
  std::unique_ptr<RpcServer> server_ = std::make_unique<RpcServer>(
      kThreads, [this](const RpcCaller& caller, uint8_t kind, std::string_view body) {
        return Answer(caller, kind, body);
      });
};

CoreCompartment::~CoreCompartment() {
  server_.reset();
  {
    const std::lock_guard lock(door_mutex_);
    door_.reset();
  }
  console_.reset();
  relayed_.reset();
  stop_ = true;
  person_requests_.reset();
  if (reporter_.joinable()) {
    reporter_.join();
  }
  follower_.reset();
  if (const Result<void> flushed = projects_.Flush(); !flushed) {
    spdlog::warn("left to the log: {}", flushed.error().message);
  }
  start_->own->Set(kFollowerDurable, projects_.durable_position() + 1);
}

Result<void> CoreCompartment::Prepare() {
  WipeFreedMemory();  // questions name persons by their raw ids
  return {};
}

Result<void> CoreCompartment::Open() {
  Result<CoreKeys> keys = ParseCoreKeys(start_->keys);
  if (!keys) {
    return keys.error();
  }
  keys_ = *std::move(keys);
  if (Result<void> opened = OpenStore(); !opened) {
    return opened;
  }
  if (Result<void> requests = OpenPersonRequests(); !requests) {
    return requests;
  }
  if (Result<void> listening = Listen(); !listening) {
    return listening;
  }
  reporter_ = std::thread([this] { ReportLoop(); });
  opened_.store(true, std::memory_order_release);
  return {};
}

Result<void> CoreCompartment::OpenStore() {
  Result<std::unique_ptr<Catalogue>> catalogue =
      OpenCatalogue(dir_, keys_.catalogue_keys, CatalogueMode::kReadWrite);
  if (!catalogue) {
    return catalogue.error();
  }
  catalogue_ = *std::move(catalogue);
  project_lookup_ = std::make_unique<CatalogueLookup>(catalogue_.get(), start_->operator_hash);
  recorded_lookup_ = std::make_unique<RecordedLookup>(project_lookup_.get(), &sign_ins_);
  sign_ins_.StartFlushing();
  if (Result<void> opened = projects_.Open(dir_, *catalogue_, keys_); !opened) {
    return opened;
  }
  FollowPolicy();
  vendor_feed_ = std::make_unique<VendorFeed>(VendorFeed::Parts{
      .fs = &RealFileSystem(),
      .log_dir = dir_.Log(),
      .policy_versions_dir = dir_.PolicyVersions(),
      .log_keys = &keys_.log_keys,
      .durable_end =
          [this] {
            const uint64_t applied = start_->own->Get(kFollowerApplied);
            return std::min(intake_->Get(kIntakeDurableEnd), applied == 0 ? 0 : applied - 1);
          },
      .join = [this](Batch* batch) { JoinDevices(batch); },
      .place = [this](const Batch& batch) { return PlacePeople(batch); },
      .stored = [this](ProjectId project, int64_t from_ms,
                       int64_t to_ms) { return StoredEvents(project, from_ms, to_ms); }});
  const auto publish = [this](uint64_t applied) {
    start_->own->Set(kFollowerApplied, applied + 1);
  };
  publish(projects_.applied_position());
  start_->own->Set(kFollowerDurable, projects_.durable_position() + 1);
  follower_ = std::make_unique<FollowerThread>(FollowerThread::Options{
      .name = "store",
      .fs = &RealFileSystem(),
      .log_dir = dir_.Log(),
      .keys = &keys_.log_keys,
      .log = LogEnd(intake_),
      .from_position = projects_.applied_position(),
      .apply =
          [this, publish](const LogRecord& record) {
            Result<void> applied =
                projects_.Apply(record.payload, record.position, record.next_position);
            if (applied) publish(record.next_position);
            return applied;
          },
      .idle = publish});
  return {};
}

Result<void> CoreCompartment::OpenPersonRequests() {
  erasure_ = std::make_unique<PersonErasure>(
      PersonErasure::Parts{.projects = &projects_,
                           .vault = &vault_,
                           .audit = &audit_,
                           .wait_until_followed = [this] { return WaitUntilFollowed(); },
                           .forget_log = [this] { return ForgetLog(); }});
  PersonRequestsOptions options;
  options.dir = dir_.PersonRequests();
  options.keys = &keys_.store_keys;
  options.eraser = erasure_.get();
  Result<std::unique_ptr<PersonRequests>> requests = PersonRequests::Open(options);
  if (!requests) {
    return requests.error();
  }
  person_requests_ = *std::move(requests);
  return {};
}

Result<void> CoreCompartment::Listen() {
  ServerOptions options;
  options.max_connections = start_->listener.max_connections;
  options.access_log = [](const AccessLine& line) {
    if (line.status >= 500) {
      spdlog::warn("{} {} {} {} us", line.method, line.route, line.status, line.duration_us);
    }
  };
  if (start_->listener_socket.valid()) {
    ServerOptions console = options;
    console.listen = start_->listener.listen;
    console.inherited_socket = start_->listener_socket.get();
    console.allow_plain_http = true;  // the supervisor has decided
    console.tls_certificate = start_->listener.tls_certificate;
    console.tls_key = start_->listener.tls_key;
    console.allow_tls_1_2 = start_->listener.allow_tls_1_2;
    console.trusted_proxies = start_->listener.trusted_proxies;
    Result<std::unique_ptr<HttpServer>> server = HttpServer::Start(console, MakeServices());
    if (!server) {
      return server.error();
    }
    console_ = *std::move(server);
  }
  options.adopt_only = true;
  Result<std::unique_ptr<HttpServer>> server = HttpServer::Start(options, MakeServices());
  if (!server) {
    return server.error();
  }
  const std::lock_guard lock(door_mutex_);
  relayed_ = *std::move(server);
  if (early_door_.valid()) {
    door_ = std::make_unique<Door>(std::move(early_door_), relayed_.get());
  }
  return {};
}

void CoreCompartment::Link(std::string_view peer, Descriptor line) {
  if (peer == CompartmentName(Compartment::kAudit)) {
    audit_.Attach(std::move(line));
  } else if (peer == CompartmentName(Compartment::kVault)) {
    vault_.Attach(std::move(line));
  } else if (peer == CompartmentName(Compartment::kIntake)) {
    const std::lock_guard lock(door_mutex_);
    if (relayed_ == nullptr) {
      early_door_ = std::move(line);
    } else {
      door_.reset();
      door_ = std::make_unique<Door>(std::move(line), relayed_.get());
    }
  } else {
    server_->Attach({std::string(peer)}, std::move(line));
  }
}

Services CoreCompartment::MakeServices() {
  Services services;
  services.serve_ingest = false;
  services.projects = recorded_lookup_.get();
  services.logins = &failed_logins_;
  services.engine = [this](ProjectId project) { return projects_.engine(project); };
  services.reads = &recorder_;
  services.pseudonyms = [this](const std::vector<std::string>& raw_ids) {
    return Pseudonyms(raw_ids);
  };
  services.funnels = [this](ProjectId project) { return projects_.funnels(project); };
  services.person_requests = person_requests_.get();
  services.access = erasure_.get();
  services.health = [this] { return HealthOf(start_->boards); };
  services.metrics = [this](std::string* out) { AppendBoardMetrics(start_->boards, out); };
  services.sieve = [this](ProjectId project) {
    return SieveReportOf(intake_->Text(kTextReport), project);
  };
  services.stats = [this](ProjectId project) { return Stats(project); };
  return services;
}

// Core has no key for it, so that code in core cannot try out guessed ids by itself.
Result<std::vector<SubjectId>> CoreCompartment::Pseudonyms(
    const std::vector<std::string>& raw_ids) {
  PseudonymCall call;
  call.asker.actor = "queries";
  call.raw_ids = raw_ids;
  Result<PseudonymAnswer> answer = vault_.Ask<PseudonymAnswer>(call);
  if (!answer) {
    return answer.error();
  }
  if (answer->subjects.size() != raw_ids.size()) {
    return Error{ErrorCode::kUnavailable, "the vault gave no pseudonym"};
  }
  return std::move(answer->subjects);
}

Result<std::string> CoreCompartment::Stats(ProjectId project) const {
  const Store* found = projects_.store(project);
  if (found == nullptr) {
    return Error{ErrorCode::kNotFound, "no such project"};
  }
  LogStats log;
  log.bytes = intake_->Get(kIntakeLogBytes);
  log.durable_end = intake_->Get(kIntakeDurableEnd);
  return StatsJson(found->stats(), log);
}

bool CoreCompartment::WaitFor(const std::function<bool()>& reached) const {
  const auto deadline = std::chrono::steady_clock::now() + kErasePatience;
  while (!reached()) {
    if (stop_ || std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

// Store and vault have applied the log up to there.
bool CoreCompartment::HasFollowed(uint64_t end) const {
  return follower_->position() >= end && board(Compartment::kVault)->Get(kFollowerApplied) > end;
}

// Everything that is durable now has reached store and vault.
bool CoreCompartment::WaitUntilFollowed() const {
  return WaitFor([this, end = intake_->Get(kIntakeDurableEnd)] { return HasFollowed(end); });
}

Result<std::string> CoreCompartment::Erase(const EraseCall& call) {
  if (call.subjects.size() != 1) {
    return Error{ErrorCode::kInvalid, "one person at a time is erased"};
  }
  Result<ErasedPersons> erased = erasure_->EraseAll(call);
  if (!erased) {
    return erased.error();
  }
  return fmt::format(R"({{"subject":"{}","devices":{},"values":{},"entry":{}}})",
                     call.subjects.front().ToHex(), erased->devices, erased->values,
                     erased->entries.back());
}

// Asks intake by core's board to begin the log anew, and waits until what was there is gone.
Result<void> CoreCompartment::ForgetLog() {
  const Error not_yet{ErrorCode::kUnavailable, "erased, but the log cannot be trimmed yet"};
  const uint64_t wanted =
      std::max(start_->own->Get(kCoreForget), intake_->Get(kIntakeForgotten)) + 1;
  const uint64_t begun = intake_->Get(kIntakeForgetFrom);
  start_->own->Set(kCoreForget, wanted);
  if (!WaitFor([&] { return intake_->Get(kIntakeForgetFrom) != begun; }) || !WaitUntilFollowed()) {
    return not_yet;
  }
  if (Result<void> flushed = projects_.Flush(); !flushed) {
    return flushed;
  }
  start_->own->Set(kFollowerDurable, projects_.durable_position() + 1);
  return WaitFor([&] { return intake_->Get(kIntakeForgotten) >= wanted; }) ? Result<void>()
                                                                           : not_yet;
}

// Gives the events of devices to the users that they are linked to, as reports do.
void CoreCompartment::JoinDevices(Batch* batch) const {
  const Store* store = projects_.store(batch->project);
  if (store == nullptr) {
    return;
  }
  const Snapshot snapshot = store->snapshot();
  for (Event& event : batch->events) {
    event.person = snapshot.Canonical(event.person);
  }
}

PlacingIds CoreCompartment::PlacePeople(const Batch& batch) const {
  PlacingIds ids;
  const Store* store = projects_.store(batch.project);
  if (store == nullptr) {
    return ids;
  }
  const Snapshot snapshot = store->snapshot();
  const auto place = [&](const SubjectId& person) {
    const std::optional<SubjectId> first = snapshot.FirstDevice(person);
    if (first) ids.emplace(person, *first);
  };
  for (const Event& event : batch.events) place(event.person);
  for (const ProfileUpdate& update : batch.profile_updates) place(update.subject);
  return ids;
}

Result<std::string> CoreCompartment::AnswerVendorFeed(std::string_view body) {
  const Result<uint64_t> position = DecodeFeedRequest(body);
  if (!position) {
    return position.error();
  }
  const Result<VendorFeedPage> page = vendor_feed_->Page(*position);
  return page ? Result<std::string>(EncodeFeedPage(*page)) : page.error();
}

Result<std::string> CoreCompartment::AnswerResidence(std::string_view body) {
  const Result<ResidenceRequest> request = DecodeResidenceRequest(body);
  if (!request) {
    return request.error();
  }
  const Store* store = projects_.store(request->project);
  if (store == nullptr) {
    return Error{ErrorCode::kNotFound, "no such project"};
  }
  if (const Result<uint64_t> recorded = audit_.Append(EntryOf(*request)); !recorded) {
    return recorded.error();
  }
  const Result<Residence> residence = CountResidence(store->snapshot(), *request, kThreads);
  return residence ? Result<std::string>(EncodeResidence(*residence)) : residence.error();
}

Result<std::string> CoreCompartment::AnswerHoldings(std::string_view body) {
  const Result<HoldingsRequest> request = DecodeHoldingsRequest(body);
  if (!request) {
    return request.error();
  }
  const Store* store = projects_.store(request->project);
  if (store == nullptr) {
    return Error{ErrorCode::kNotFound, "no such project"};
  }
  if (const Result<uint64_t> recorded = audit_.Append(EntryOf(*request)); !recorded) {
    return recorded.error();
  }
  const Result<HoldingsPage> page =
      ListHoldings(store->snapshot(), *request, kMaxHoldingsSubjects, kThreads);
  return page ? Result<std::string>(EncodeHoldingsPage(*page)) : page.error();
}

// Vendors' events, counts of subjects by country and organisation, and who has which properties;
// nothing else. All but the feed is written down here, so that whoever owns egress cannot ask
// unseen.
Result<std::string> CoreCompartment::AnswerEgress(uint8_t kind, std::string_view body) {
  if (kind == kCoreVendorFeed) {
    return AnswerVendorFeed(body);
  }
  if (kind == kCoreVendorBackfill) {
    return AnswerBackfill(body);
  }
  if (kind == kCoreHoldings) {
    return AnswerHoldings(body);
  }
  return kind == kCoreResidence ? AnswerResidence(body)
                                : Error{ErrorCode::kDenied, "that is not for egress"};
}

Result<std::string> CoreCompartment::AnswerBackfill(std::string_view body) {
  const Result<BackfillRequest> request = DecodeBackfillRequest(body);
  if (!request) {
    return request.error();
  }
  if (const Result<uint64_t> recorded = audit_.Append(EntryOf(*request)); !recorded) {
    return recorded.error();
  }
  const Result<VendorFeedPage> page = vendor_feed_->Backfill(*request);
  return page ? Result<std::string>(EncodeFeedPage(*page)) : page.error();
}

Result<std::vector<Event>> CoreCompartment::StoredEvents(ProjectId project, int64_t from_ms,
                                                         int64_t to_ms) const {
  const Store* store = projects_.store(project);
  if (store == nullptr) {
    return Error{ErrorCode::kNotFound, "no such project"};
  }
  return ReadStoredEvents(store->snapshot(), from_ms, to_ms, kMostBackfillEvents);
}

// Everything that is not egress's is the operator's.
Result<std::string> CoreCompartment::Answer(const RpcCaller& caller, uint8_t kind,
                                            std::string_view body) {
  if (!opened_.load(std::memory_order_acquire)) {
    return Error{ErrorCode::kUnavailable, "the store is being opened"};
  }
  if (caller.compartment == CompartmentName(Compartment::kEgress)) {
    return AnswerEgress(kind, body);
  }
  if (kind != kCoreErase) {
    return Error{ErrorCode::kInvalid, "core does not know that call"};
  }
  Result<VaultCall> call = DecodeVaultCall(body);
  if (!call) {
    return call.error();
  }
  const EraseCall* erase = std::get_if<EraseCall>(&*call);
  return erase == nullptr ? Error{ErrorCode::kInvalid, "no erasure"} : Erase(*erase);
}

// Once after each start, when everybody has got on with the log: an older copy of the directory may
// have been put back.
void CoreCompartment::EraseAgain() {
  const auto now = std::chrono::steady_clock::now();
  const bool intake_runs =
      start_->boards[kSupervisorBoard]->Get(kChildRunning + IndexOf(Compartment::kIntake)) != 0;
  if (erased_again_ || !intake_runs || now < erase_again_at_ ||
      !HasFollowed(intake_->Get(kIntakeDurableEnd))) {
    return;
  }
  const Result<void> again = erasure_->EraseAgain();
  erased_again_ = again.has_value();
  erase_again_at_ = now + kEraseAgainPause;
  if (!again) {
    spdlog::error("erasures of the audit log cannot be carried out again yet: {}",
                  again.error().message);
  }
}

void CoreCompartment::FollowPolicy() {
  const Result<bool> changed = policy_.Look();
  const std::string trouble = changed ? "" : changed.error().message;
  if (trouble != policy_trouble_ && !trouble.empty()) {
    spdlog::error("the policy in force cannot be read; the one before holds: {}", trouble);
  }
  policy_trouble_ = trouble;
  if (changed && *changed) {
    projects_.Follow(policy_.policy());
  }
}

void CoreCompartment::ReportLoop() {
  auto last = std::chrono::steady_clock::now() - kReportEvery;
  while (!stop_) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EraseAgain();
    if (std::chrono::steady_clock::now() - last < kReportEvery) {
      continue;
    }
    last = std::chrono::steady_clock::now();
    FollowPolicy();
    start_->own->Set(kFollowerDurable, projects_.durable_position() + 1);
    start_->own->Set(kBoardTrouble,
                     follower_->trouble().empty() && policy_trouble_.empty() ? 0 : 1);
    std::string metrics;
    projects_.AppendMetrics(&metrics);
    start_->own->SetText(kTextMetrics, metrics);
  }
}

}  // namespace

std::unique_ptr<CompartmentRole> MakeCoreCompartment(CompartmentStart* start) {
  return std::make_unique<CoreCompartment>(start);
}

}  // namespace bulkhead
