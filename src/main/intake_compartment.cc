// The intake compartment: the only one that faces SDKs, and the only writer of the log.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "access/catalogue.h"
#include "base/file_system.h"
#include "base/wiped_heap.h"
#include "channel/message_socket.h"
#include "crypto/keys.h"
#include "http/server.h"
#include "intake/failed_logins.h"
#include "intake/intake.h"
#include "log/log_writer.h"
#include "main/alert_feed.h"
#include "main/answer_pace.h"
#include "main/audit_messages.h"
#include "main/board_health.h"
#include "main/compartment.h"
#include "main/data_directory.h"
#include "main/notice_check.h"
#include "main/project_lookup.h"
#include "main/service_metrics.h"
#include "main/sieve_report.h"
#include "main/sign_in_recorder.h"
#include "model/batch_codec.h"
#include "sieve/policy_holder.h"
#include "sieve/policy_trial.h"
#include "sieve/sieve.h"
#include "sieve/sieve_counters.h"

namespace bulkhead {
namespace {

constexpr std::chrono::milliseconds kTrimEvery{2000};
constexpr std::chrono::milliseconds kReportEvery{500};
constexpr int64_t kLookAtPolicyEveryMs = 1000;
// No log gets there; code in core or in the vault could otherwise use positions up at once.
constexpr uint64_t kMaxPosition = uint64_t{1} << 56;
constexpr std::chrono::seconds kNoticePatience{10};
constexpr int kRelayThreads = 32;  // each waits for one answer of core
constexpr const char* kUserAgentRules = "/usr/share/uap-core/regexes.yaml";

class IntakeCompartment final : public CompartmentRole {
 public:
  explicit IntakeCompartment(CompartmentStart* start)
      : start_(start),
        dir_(start->data_dir),
        core_(board(Compartment::kCore)),
        vault_(board(Compartment::kVault)),
        egress_(board(Compartment::kEgress)) {}
  ~IntakeCompartment() override;
  Result<void> Prepare() override;
  Result<void> Open() override;
  void Link(std::string_view peer, Descriptor line) override;

 private:
  [[nodiscard]] const StatusBoard* board(Compartment id) const {
    return start_->boards.at(IndexOf(id)).get();
  }
  Result<void> OpenSieve();
  Result<void> OpenPolicy();
  Result<void> OpenLog();
  Result<void> Listen();
  Services MakeServices();
  Result<Descriptor> ConnectCore();
  void WatchCore();
  void Housekeep();
  Result<void> TrimLog();
  Result<void> BeginLogAnew();
  void Report();

  CompartmentStart* start_;
  DataDirectory dir_;
  const StatusBoard* core_;
  const StatusBoard* vault_;
  const StatusBoard* egress_;
  IntakeKeys keys_;
  std::unique_ptr<KeyedHash> token_hash_;
  RemoteAudit audit_;
  std::unique_ptr<Catalogue> catalogue_;
  std::unique_ptr<CatalogueLookup> project_lookup_;
  SignInRecorder sign_ins_{{[this](const AuditEntry& entry) { return audit_.NoteSignIn(entry); },
                            &SystemClock(), "import", false}};
  std::unique_ptr<RecordedLookup> recorded_lookup_;
  FailedLogins failed_logins_{&SystemClock()};
  std::unique_ptr<Sieve> sieve_;
  RpcClient egress_line_;
  AlertFeed alerts_{&egress_line_};
  SieveCounters counters_{[this](const FirstHit& hit) { alerts_.Add(hit); }};
  std::unique_ptr<PolicyHolder> policy_;
  std::unique_ptr<AnswerPace> pace_;
  std::unique_ptr<LogWriter> log_;
  std::unique_ptr<Intake> intake_;
  std::unique_ptr<HttpServer> server_;
  std::atomic<bool> stop_{false};
  std::thread watcher_;
  std::thread housekeeper_;
  std::mutex core_line_mutex_;
  std::unique_ptr<MessageSocket> core_line_;
};

IntakeCompartment::~IntakeCompartment() {
  server_.reset();
  stop_ = true;
  for (std::thread* thread : {&watcher_, &housekeeper_}) {
    if (thread->joinable()) {
      thread->join();
    }
  }
  intake_.reset();
  policy_.reset();
  log_.reset();
  pace_.reset();
}

// The sieve's files lie where the program does, which the compartment cannot reach later.
Result<void> IntakeCompartment::Prepare() {
  WipeFreedMemory();  // raw values pass through
  Result<IntakeKeys> keys = ParseIntakeKeys(start_->keys);
  if (!keys) {
    return keys.error();
  }
  keys_ = *std::move(keys);
  return OpenSieve();
}

Result<void> IntakeCompartment::Open() {
  Result<std::unique_ptr<Catalogue>> catalogue = Catalogue::Open(
      RealFileSystem(), dir_.CatalogueFile(), keys_.catalogue_keys, CatalogueMode::kReadOnly);
  if (!catalogue) {
    return catalogue.error();
  }
  catalogue_ = *std::move(catalogue);
  project_lookup_ = std::make_unique<CatalogueLookup>(catalogue_.get(), start_->operator_hash);
  recorded_lookup_ = std::make_unique<RecordedLookup>(project_lookup_.get(), &sign_ins_);
  sign_ins_.StartFlushing();
  for (const auto step :
       {&IntakeCompartment::OpenPolicy, &IntakeCompartment::OpenLog, &IntakeCompartment::Listen}) {
    if (Result<void> opened = (this->*step)(); !opened) {
      return opened;
    }
  }
  return {};
}

Result<void> IntakeCompartment::OpenSieve() {
  token_hash_ = std::make_unique<KeyedHash>(keys_.token_key);
  SieveOptions options;
  options.place_database_path = start_->place_database;
  options.user_agent_rules_path = kUserAgentRules;
  options.token_key = token_hash_.get();
  Result<std::unique_ptr<Sieve>> sieve = Sieve::Create(options);
  if (!sieve) {
    return sieve.error();
  }
  sieve_ = *std::move(sieve);
  if (!sieve_->has_place_database()) {
    spdlog::warn("no place database: events get no city, region or country");
  }
  if (!sieve_->has_user_agent_rules()) {
    spdlog::warn("no user agent rules: events whose client sends no $browser get none");
  }
  return {};
}

Result<void> IntakeCompartment::OpenPolicy() {
  PolicyHolderOptions options;
  options.fs = &RealFileSystem();
  options.dir = dir_.Policy();
  options.sieve = sieve_.get();
  options.record = [this](const PolicyChange& change) {
    return audit_.ChangePolicy(change.new_hash);
  };
  Result<std::unique_ptr<PolicyHolder>> policy = PolicyHolder::Open(std::move(options));
  if (!policy) {
    return policy.error();
  }
  policy_ = *std::move(policy);
  policy_->StartWatching(kLookAtPolicyEveryMs);
  alerts_.Start();
  return {};
}

Result<void> IntakeCompartment::OpenLog() {
  const auto applied = [](const StatusBoard* follower) {
    const uint64_t said = follower->Get(kFollowerApplied);
    return said > 0 ? said - 1 : 0;
  };
  LogWriterOptions options;
  options.at_least_position = std::min(
      std::max({applied(core_), applied(vault_), vault_->Get(kVaultHorizon)}), kMaxPosition);
  pace_ = std::make_unique<AnswerPace>(applied(core_));
  options.pace = [this](uint64_t durable_end, std::function<void()> acknowledge) {
    start_->own->Set(kIntakeDurableEnd, durable_end);
    pace_->Answer(durable_end, std::move(acknowledge));
  };
  Result<std::unique_ptr<LogWriter>> log =
      LogWriter::Open(GroupReadableFileSystem(), dir_.Log(), keys_.log_recipients, options);
  if (!log) {
    return log.error();
  }
  log_ = *std::move(log);
  start_->own->Set(kIntakeDurableEnd, log_->durable_end());
  if (log_->recovery().truncated_bytes > 0) {
    spdlog::warn("the log ended in {} bytes of an unfinished group, which were cut off",
                 log_->recovery().truncated_bytes);
  }
  IntakeOptions intake{log_.get(),     sieve_.get(),           &counters_,      &keys_,
                       &SystemClock(), recorded_lookup_.get(), &failed_logins_, policy_.get()};
  Result<std::unique_ptr<Intake>> opened = Intake::Create(intake);
  if (!opened) {
    return opened.error();
  }
  intake_ = *std::move(opened);
  watcher_ = std::thread([this] { WatchCore(); });
  housekeeper_ = std::thread([this] { Housekeep(); });
  return {};
}

Result<void> IntakeCompartment::Listen() {
  ServerOptions options;
  options.listen = start_->listener.listen;
  options.inherited_socket = start_->listener_socket.get();
  options.allow_plain_http = true;  // the supervisor has decided
  options.tls_certificate = start_->listener.tls_certificate;
  options.tls_key = start_->listener.tls_key;
  options.allow_tls_1_2 = start_->listener.allow_tls_1_2;
  options.trusted_proxies = start_->listener.trusted_proxies;
  options.max_connections = start_->listener.max_connections;
  options.query_threads = start_->relay ? kRelayThreads : 1;
  options.access_log = [](const AccessLine& line) {
    if (line.status >= 500) {
      spdlog::warn("{} {} {} {} us", line.method, line.route, line.status, line.duration_us);
    }
  };
  Result<std::unique_ptr<HttpServer>> server = HttpServer::Start(options, MakeServices());
  if (!server) {
    return server.error();
  }
  server_ = *std::move(server);
  return {};
}

Services IntakeCompartment::MakeServices() {
  Services services;
  services.serve_queries = false;
  services.intake = intake_.get();
  services.projects = recorded_lookup_.get();
  services.logins = &failed_logins_;
  services.health = [this] { return HealthOf(start_->boards); };
  services.metrics = [this](std::string* out) { AppendBoardMetrics(start_->boards, out); };
  services.notice_check = [this](const NoticeQuestion& question) -> Result<NoticeAnswer> {
    const Result<std::string> answer =
        egress_line_.Call(kEgressNoticeCheck, EncodeNoticeQuestion(question), kNoticePatience);
    return answer ? DecodeNoticeAnswer(*answer) : answer.error();
  };
  services.notice_keys = [this] {
    return egress_line_.Call(kEgressNoticeKeys, "", kNoticePatience);
  };
  if (start_->relay) {
    services.relay = [this] { return ConnectCore(); };
  }
  return services;
}

void IntakeCompartment::Link(std::string_view peer, Descriptor line) {
  if (peer == CompartmentName(Compartment::kAudit)) {
    audit_.Attach(std::move(line));
  } else if (peer == CompartmentName(Compartment::kEgress)) {
    egress_line_.Attach(std::move(line));  // calls over the line before fail from here on
    alerts_.BeginAnew();
  } else if (peer == CompartmentName(Compartment::kCore)) {
    const std::lock_guard lock(core_line_mutex_);
    core_line_ = std::make_unique<MessageSocket>(std::move(line));
  }
}

Result<Descriptor> IntakeCompartment::ConnectCore() {
  Result<std::pair<Descriptor, Descriptor>> ends = MakeStreamPair();
  if (!ends) {
    return ends.error();
  }
  const std::lock_guard lock(core_line_mutex_);
  if (core_line_ == nullptr) {
    return Error{ErrorCode::kUnavailable, "core is not running"};
  }
  if (Result<void> sent = core_line_->Send(kMessageLink, "", {ends->second.get()}); !sent) {
    return sent.error();
  }
  return std::move(ends->first);
}

// Lets answers out as the store gets on.
void IntakeCompartment::WatchCore() {
  while (!stop_) {
    const uint32_t seen = core_->changes();
    const uint64_t said = core_->Get(kFollowerApplied);
    if (said > 0) {
      pace_->Applied(said - 1);
    }
    core_->WaitForChange(seen, std::chrono::milliseconds(100));
  }
}

void IntakeCompartment::Housekeep() {
  auto trimmed_at = std::chrono::steady_clock::now();
  auto reported_at = trimmed_at - kReportEvery;
  uint64_t begun = start_->own->Get(kIntakeForgotten);
  while (!stop_) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const auto now = std::chrono::steady_clock::now();
    if (now - reported_at >= kReportEvery) {
      reported_at = now;
      Report();
    }
    const uint64_t wanted = core_->Get(kCoreForget);
    if (wanted > begun) {
      if (Result<void> anew = BeginLogAnew(); !anew) {
        spdlog::error("cannot begin the log anew: {}", anew.error().message);
        continue;
      }
      begun = wanted;
    }
    const bool forgetting = start_->own->Get(kIntakeForgotten) < begun;
    if (!forgetting && now - trimmed_at < kTrimEvery) {
      continue;
    }
    trimmed_at = now;
    if (Result<void> trimmed = TrimLog(); !trimmed) {
      spdlog::error("cannot trim the log: {}", trimmed.error().message);
    } else if (forgetting && log_->stats().first_position >= start_->own->Get(kIntakeForgetFrom)) {
      start_->own->Set(kIntakeForgotten, begun);
    }
  }
}

// Takes out of the log what store and vault have on disk and vendors' queues have taken.
Result<void> IntakeCompartment::TrimLog() {
  const uint64_t said = std::min({core_->Get(kFollowerDurable), vault_->Get(kFollowerDurable),
                                  egress_->Get(kFollowerDurable)});
  return said > 0 ? log_->TrimBefore(said - 1) : Result<void>();
}

// After an erasure: a new file, which an empty batch for every project begins, so that no
// follower's cursor stays in the old one.
Result<void> IntakeCompartment::BeginLogAnew() {
  const auto wait_for = [](const auto& begin) {
    std::promise<Result<uint64_t>> promise;
    begin([&promise](Result<uint64_t> position) { promise.set_value(std::move(position)); });
    return promise.get_future().get();
  };
  const Result<uint64_t> from =
      wait_for([&](LogWriter::Done then) { log_->Roll(std::move(then)); });
  if (!from) {
    return from.error();
  }
  for (const Project& project : catalogue_->ListProjects()) {
    Batch empty;
    empty.project = project.id;
    empty.arrival_ms = SystemClock().NowMs();
    std::string bytes;
    EncodeBatch(empty, &bytes);
    const Result<uint64_t> done =
        wait_for([&](LogWriter::Done then) { log_->Append(bytes, std::move(then)); });
    if (!done) {
      return done.error();
    }
  }
  start_->own->Set(kIntakeForgetFrom, *from);
  return {};
}

void IntakeCompartment::Report() {
  const LogStats log = log_->stats();
  std::string metrics;
  AppendLogMetrics(log, &metrics);
  AppendSieveMetrics(counters_, &metrics);
  const PolicyStatus policy = policy_->status();
  AppendPolicyMetrics(policy, &metrics);
  start_->own->Set(kIntakePolicyTrouble, policy.trouble.empty() ? 0 : 1);
  start_->own->SetText(kTextMetrics, metrics);
  start_->own->SetText(kTextReport,
                       SieveReports(counters_, policy_->Trial().get(), kBoardTextBytes));
  start_->own->Set(kIntakeLogBytes, log.bytes);
}

}  // namespace

std::unique_ptr<CompartmentRole> MakeIntakeCompartment(CompartmentStart* start) {
  return std::make_unique<IntakeCompartment>(start);
}

}  // namespace bulkhead
