#include "main/key_commands.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <utility>

#include "base/file_system.h"
#include "base/hex.h"
#include "crypto/key_rotation.h"
#include "crypto/secret_input.h"
#include "crypto/secret_memory.h"
#include "main/audit_access.h"
#include "main/control_socket.h"
#include "main/key_use.h"

namespace bulkhead {
namespace {

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string DayAndTime(int64_t ms) {
  const std::chrono::sys_seconds seconds{std::chrono::seconds(ms / 1000)};
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", seconds);
}

KeyAccess AccessTo(const DataDirectory& dir, const KeyMaterial& keys) {
  return {&RealFileSystem(), dir.Keys(), &keys.root, keys.shares, NowMs()};
}

// What a command that changes the key file holds.
struct Session {
  std::unique_ptr<KeysLock> lock;
  KeyMaterial keys;
};

// Into the audit log, without a server.
Result<void> RecordChange(const DataDirectory& dir, std::string_view what,
                          const SecretBytes& root) {
  FileSystem& fs = RealFileSystem();
  const Result<std::unique_ptr<DirectoryLock>> lock = DirectoryLock::Take(dir);
  if (!lock) {
    return lock.error();
  }
  Result<AuditKeys> keys = LoadAuditKeys(fs, dir.Keys(), root);
  const Result<std::unique_ptr<AuditLog>> log =
      keys ? OpenAuditLog(fs, dir, *std::move(keys))
           : Result<std::unique_ptr<AuditLog>>(keys.error());
  if (!log) {
    return log.error();
  }
  const Result<AuditReceipt> receipt =
      (*log)->Append(KeysChangeEntry(what, SystemUserName(::getuid()), "allowed"));
  return receipt ? Result<void>() : receipt.error();
}

// Before a change is made it stands in the audit log, by the running server or by this process.
Result<void> NoteChange(const DataDirectory& dir, const std::string& what,
                        const SecretBytes& root) {
  const Result<std::string> answer = ControlSocket::Ask(dir.ControlSocket(), "note-keys " + what);
  if (answer && *answer == "ok") {
    return {};
  }
  const bool not_running = !answer && answer.error().code == ErrorCode::kNotFound;
  const Result<void> recorded =
      not_running ? RecordChange(dir, what, root)
                  : Error{ErrorCode::kUnavailable, answer ? *answer : answer.error().message};
  return recorded ? recorded
                  : Error{ErrorCode::kUnavailable,
                          "the change cannot be written into the audit "
                          "log, and is not made: " +
                              recorded.error().message};
}

// Nobody else changes keys meanwhile.
Result<Session> OpenSession(const DataDirectory& dir, const KeyCommand& command) {
  Result<std::unique_ptr<KeysLock>> lock = KeysLock::Take(dir);
  if (!lock) {
    return lock.error();
  }
  Result<KeyMaterial> keys = LoadKeyMaterial(dir, command.input);
  if (!keys) {
    return keys.error();
  }
  return Session{*std::move(lock), *std::move(keys)};
}

// And what is changed is on record.
Result<Session> BeginChange(const DataDirectory& dir, const KeyCommand& command,
                            const std::string& what) {
  Result<Session> session = OpenSession(dir, command);
  if (!session) {
    return session;
  }
  const Result<void> noted = NoteChange(dir, what, session->keys.root);
  return noted ? std::move(session) : noted.error();
}

Result<const KeyChange*> ChangeNamed(const std::string& name) {
  if (const KeyChange* change = FindKeyChange(name)) {
    return change;
  }
  std::string names = "root";
  for (const KeyChange& change : KeyChanges()) {
    names += fmt::format(", {}", change.name);
  }
  return Error{ErrorCode::kInvalid,
               fmt::format("there is no key \"{}\"; there are: {}", name, names)};
}

// A running server goes on with the keys that it has until it has taken the new ones.
void TellServer(const DataDirectory& dir, const std::string& what) {
  const Result<std::string> answer = ControlSocket::Ask(dir.ControlSocket(), "reload-keys " + what);
  if (answer && answer->starts_with("ok")) {
    fmt::print("The running server has the new keys.\n");
  } else if (answer || answer.error().code != ErrorCode::kNotFound) {
    fmt::print(
        "The running server did not take the new keys ({}): it goes on with the old ones until it "
        "is restarted.\n",
        answer ? *answer : answer.error().message);
  }
}

// Whether data needs it: what the files tell, and a running server's word, which knows more.
Result<bool> StillNeeded(const DataDirectory& dir, const KeyFact& key, bool force) {
  const Result<std::optional<bool>> files = DataNeedsKey(RealFileSystem(), dir, key);
  if (!files) {
    return files.error();
  }
  if (*files && **files) {
    return true;
  }
  const Result<std::string> answer = ControlSocket::Ask(
      dir.ControlSocket(), fmt::format("keys-needed {} {} {}", KeyPurposeName(key.purpose), key.id,
                                       HexEncode(key.public_key)));
  if (answer && *answer == "ok yes") {
    return true;
  }
  const bool not_running = !answer && answer.error().code == ErrorCode::kNotFound;
  const bool told = (answer && *answer == "ok no") || (not_running && *files);
  if (!told && !force) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("nobody can tell whether data still needs key {} of {}{}; what is "
                             "encrypted under it is lost with it. --force destroys it all the same",
                             key.id, KeyPurposeName(key.purpose),
                             not_running ? " while no server runs" : "")};
  }
  return false;
}

Result<void> RotateRoot(const DataDirectory& dir, const KeyCommand& command,
                        const Session& session) {
  FileSystem& fs = RealFileSystem();
  const KeyAccess access = AccessTo(dir, session.keys);
  const RootKeySource& source = session.keys.source;
  const bool elsewhere = !command.new_root.file.empty() || command.new_root.descriptor >= 0;
  const bool in_file =
      source.kind == RootKeySource::Kind::kBesideData || source.kind == RootKeySource::Kind::kFile;
  if (!elsewhere && !in_file) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("the root key comes from {}, which this command cannot change: say "
                             "where the new one goes (--new-root-key FILE) or comes from "
                             "(--new-root-key-fd N)",
                             DescribeRootKeySource(source))};
  }
  if (!elsewhere) {
    if (Result<void> done = RotateRootInFile(access, source.path); !done) {
      return done;
    }
    fmt::print(
        "{} holds a new root key. The old one opens nothing that is written from now on; copies of "
        "{} from before still open with it: destroy those, and it.\n",
        source.path, dir.Keys());
    TellServer(dir, "root");
    return {};
  }
  if (!command.new_root.file.empty() && !fs.Exists(command.new_root.file)) {
    const SecretBytes fresh = RandomSecret(kKeyBytes);
    if (Result<void> written =
            fs.WriteFileAtomically(command.new_root.file, FormatRootKey(fresh).view());
        !written) {
      return written;
    }
  }
  const Result<RootKeySource> next = FindRootKey(command.new_root, dir.Keys());
  const Result<SecretBytes> new_root =
      next ? LoadRootKey(fs, *next) : Result<SecretBytes>(next.error());
  if (!new_root) {
    return new_root.error();
  }
  if (Result<void> begun = BeginRootChange(access, *new_root); !begun) {
    return begun;
  }
  fmt::print(
      "Both root keys open {} now. Give the server the new one, see that it starts, then make the "
      "old one useless: bulkhead keys retire {} root, with the new root key.\n",
      dir.Keys(), dir.path());
  return {};
}

void PrintKeys(const char* what, const std::vector<KeyFact>& keys) {
  for (const KeyFact& key : keys) {
    fmt::print("{} key {} of {}\n", what, key.id, KeyPurposeName(key.purpose));
  }
}

std::vector<std::string> CredentialShares() {
  std::vector<std::string> paths;
  if (const char* credentials = std::getenv("CREDENTIALS_DIRECTORY"); credentials != nullptr) {
    for (int i = 1; i <= kVaultShareCount; ++i) {
      std::string path = fmt::format("{}/bulkhead-vault-share-{}", credentials, i);
      if (::access(path.c_str(), F_OK) == 0) {
        paths.push_back(std::move(path));
      }
    }
  }
  return paths;
}

Result<void> AddShare(const Result<SecretBytes>& text, std::vector<VaultShare>* shares) {
  Result<VaultShare> share =
      text ? ParseVaultShare(text->view()) : Result<VaultShare>(text.error());
  if (!share) {
    return share.error();
  }
  shares->push_back(*std::move(share));
  return {};
}

}  // namespace

Result<std::vector<VaultShare>> LoadVaultShares(const KeyInput& input) {
  std::vector<VaultShare> shares;
  Result<void> added;
  for (size_t i = 0; added && i < input.share_files.size(); ++i) {
    added = AddShare(ReadSecretFile(input.share_files[i]), &shares);
  }
  for (size_t i = 0; added && i < input.share_descriptors.size(); ++i) {
    added = AddShare(ReadSecretDescriptor(input.share_descriptors[i]), &shares);
  }
  if (input.share_files.empty() && input.share_descriptors.empty()) {
    const std::vector<std::string> paths = CredentialShares();
    for (size_t i = 0; added && i < paths.size(); ++i) {
      added = AddShare(ReadSecretFile(paths[i], true), &shares);
    }
  }
  if (!added) {
    return added.error();
  }
  return shares;
}

Result<KeyMaterial> LoadKeyMaterial(const DataDirectory& dir, const KeyInput& input) {
  Result<RootKeySource> source = FindRootKey(input.root, dir.Keys());
  if (!source) {
    return source.error();
  }
  Result<SecretBytes> root = LoadRootKey(RealFileSystem(), *source);
  if (!root) {
    return root.error();
  }
  Result<std::vector<VaultShare>> shares = LoadVaultShares(input);
  if (!shares) {
    return shares.error();
  }
  return KeyMaterial{*std::move(source), *std::move(root), *std::move(shares)};
}

Result<std::unique_ptr<KeysLock>> KeysLock::Take(const DataDirectory& dir) {
  const int fd = ::open(dir.Keys().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return Error{ErrorCode::kNotFound, dir.path() + " is not a data directory"};
  }
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    return Error{ErrorCode::kUnavailable, "another process is changing the keys of " + dir.path()};
  }
  return std::unique_ptr<KeysLock>(new KeysLock(fd));
}

KeysLock::~KeysLock() { ::close(fd_); }

std::vector<KeyFinding> ExamineKeys(const DataDirectory& dir, const KeyMaterial& keys) {
  std::vector<KeyFinding> findings;
  const RootKeyReport report = ReportRootKey(keys.source, dir.path());
  findings.push_back({report.text, report.apart});
  const Result<KeyStatus> status = ReadKeyStatus(AccessTo(dir, keys));
  if (!status) {
    findings.push_back({status.error().message, false});
    return findings;
  }
  if (status->root_keys > 1) {
    findings.push_back(
        {"two root keys open the keys: a change of the root key is not finished (keys retire root)",
         false});
  }
  if (status->vault_split) {
    findings.push_back({status->vault_open
                            ? "the vault's keys need two of three shares, which are there"
                            : "the vault's keys need two of three shares, which are not there",
                        true});
  }
  for (const KeyFact& key : status->keys) {
    if (key.state == KeyState::kOld) {
      findings.push_back({fmt::format("key {} of {} is old and can still open what was written "
                                      "before (keys retire)",
                                      key.id, KeyPurposeName(key.purpose)),
                          true});
    }
  }
  const SecretMemoryReport memory = ReportSecretMemory(ReadSecretMemoryState());
  findings.push_back({memory.text, memory.good});
  return findings;
}

AuditEntry KeysChangeEntry(std::string_view what, std::string actor, std::string outcome) {
  AuditEntry entry;
  entry.actor = std::move(actor);
  entry.action = "keys.change";
  entry.scope = what;
  entry.outcome = std::move(outcome);
  return entry;
}

Result<void> CommandKeysStatus(const DataDirectory& dir, const KeyCommand& command) {
  const Result<KeyMaterial> keys = LoadKeyMaterial(dir, command.input);
  if (!keys) {
    return keys.error();
  }
  const Result<KeyStatus> status = ReadKeyStatus(AccessTo(dir, *keys));
  if (!status) {
    return status.error();
  }
  fmt::print("{}\n", ReportRootKey(keys->source, dir.path()).text);
  if (status->root_keys > 1) {
    fmt::print("two root keys open the keys: the change of the root key is not finished\n");
  }
  fmt::print("the vault's keys open with {}\n\n",
             status->vault_split ? "the root key and two of three shares" : "the root key alone");
  fmt::print("{:<14} {:>6}  {:<6}  {}\n", "purpose", "number", "state", "since");
  for (const KeyFact& key : status->keys) {
    fmt::print("{:<14} {:>6}  {:<6}  {}\n", KeyPurposeName(key.purpose), key.id,
               key.state == KeyState::kNewest ? "newest" : "old", DayAndTime(key.from_ms));
  }
  if (!status->vault_open) {
    fmt::print("vault-seal, vault-log, subject-wrap and blind-index: not shown without shares\n");
  }
  return {};
}

Result<void> CommandKeysUpgrade(const DataDirectory& dir, const KeyCommand& command) {
  const Result<Session> session = OpenSession(dir, command);
  if (!session) {
    return session.error();
  }
  Result<std::unique_ptr<DirectoryLock>> alone = DirectoryLock::Take(dir);
  if (!alone) {
    return alone.error();
  }
  const Result<bool> changed =
      UpgradeKeys(RealFileSystem(), dir.Keys(), session->keys.root, NowMs(), session->keys.shares);
  if (!changed) {
    return changed.error();
  }
  fmt::print("{}\n", *changed ? "The keys are up to date now." : "The keys were up to date.");
  alone->reset();
  // Only after it: before, the key that signs the log could not be read.
  return *changed ? RecordChange(dir, "upgrade", session->keys.root) : Result<void>();
}

Result<void> CommandKeysRotate(const DataDirectory& dir, const KeyCommand& command) {
  const Result<const KeyChange*> change =
      command.what == "root" ? Result<const KeyChange*>(nullptr) : ChangeNamed(command.what);
  if (!change) {
    return change.error();
  }
  if (*change != nullptr && (*change)->loses_equality && !(*change)->purposes.empty() &&
      !command.yes) {
    return Error{ErrorCode::kInvalid, fmt::format("nothing was changed. What it would mean: {}. "
                                                  "Say --yes if that is meant",
                                                  (*change)->meaning)};
  }
  const Result<Session> session = BeginChange(dir, command, "rotate " + command.what);
  if (!session) {
    return session.error();
  }
  if (*change == nullptr) {
    return RotateRoot(dir, command, *session);
  }
  const Result<std::vector<KeyFact>> made = RotateKey(AccessTo(dir, session->keys), **change);
  if (!made) {
    return made.error();
  }
  PrintKeys("made", *made);
  fmt::print("{}.\n", (*change)->meaning);
  TellServer(dir, command.what);
  return {};
}

Result<void> CommandKeysRetire(const DataDirectory& dir, const KeyCommand& command) {
  const Result<const KeyChange*> change =
      command.what == "root" ? Result<const KeyChange*>(nullptr) : ChangeNamed(command.what);
  if (!change) {
    return change.error();
  }
  const Result<Session> session = BeginChange(dir, command, "retire " + command.what);
  if (!session) {
    return session.error();
  }
  if (*change == nullptr) {
    Result<void> finished = FinishRootChange(AccessTo(dir, session->keys));
    if (finished) {
      fmt::print("The keys open with this root key and no other.\n");
      TellServer(dir, command.what);
    }
    return finished;
  }
  const Result<std::vector<KeyFact>> retired =
      RetireKeys(AccessTo(dir, session->keys), **change,
                 [&](const KeyFact& key) { return StillNeeded(dir, key, command.force); });
  if (!retired) {
    return retired.error();
  }
  if (retired->empty()) {
    fmt::print("There is no old key of {}.\n", command.what);
    return {};
  }
  PrintKeys("destroyed", *retired);
  TellServer(dir, command.what);
  return {};
}

Result<void> CommandKeysSplit(const DataDirectory& dir, const KeyCommand& command) {
  if (command.shares != kVaultShareCount || command.need != kVaultSharesNeeded) {
    return Error{ErrorCode::kInvalid, "two of three is what there is: --shares 3 --need 2"};
  }
  const Result<Session> session = BeginChange(dir, command, "split");
  if (!session) {
    return session.error();
  }
  const auto shares = SplitVaultKeys(AccessTo(dir, session->keys));
  if (!shares) {
    return shares.error();
  }
  fmt::print(
      "The vault starts from now on only with two of these three shares. They are shown once and "
      "kept nowhere:\ngive each to another person. Copies of {} from before open without them: "
      "destroy those.\n\n",
      dir.Keys());
  for (const VaultShare& share : *shares) {
    fmt::print("{}\n", FormatVaultShare(share).view());
  }
  return {};
}

Result<void> CommandKeysJoin(const DataDirectory& dir, const KeyCommand& command) {
  const Result<Session> session = BeginChange(dir, command, "join");
  if (!session) {
    return session.error();
  }
  Result<void> joined = JoinVaultKeys(AccessTo(dir, session->keys));
  if (joined) {
    fmt::print("The vault's keys open with the root key alone; the shares are void.\n");
  }
  return joined;
}

}  // namespace bulkhead
