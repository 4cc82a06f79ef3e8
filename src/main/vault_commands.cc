// vault reveal|erase|find, audit verify, doctor, dump: what the operator does on the host.
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/file_system.h"
#include "log/log_dump.h"
#include "main/commands.h"
#include "main/control_socket.h"
#include "main/recorders.h"
#include "main/service.h"
#include "store/segment_dump.h"

namespace bulkhead {
namespace {

// The operating-system user who runs the command.
std::string Actor() {
  const passwd* user = ::getpwuid(::getuid());
  return user != nullptr ? user->pw_name : fmt::format("uid-{}", ::getuid());
}

struct VaultAccess {
  std::unique_ptr<Vault> vault;
  std::unique_ptr<AuditFile> audit;
};

Result<VaultAccess> OpenVault(const DataDirectory& dir) {
  FileSystem& fs = RealFileSystem();
  Result<VaultKeys> keys = LoadVaultKeys(fs, dir.Keys());
  if (!keys) {
    return keys.error();
  }
  Result<std::unique_ptr<AuditFile>> audit = AuditFile::Open(fs, dir.AuditFile());
  if (!audit) {
    return audit.error();
  }
  Result<std::unique_ptr<Vault>> vault = Vault::Open(fs, dir.Vault(), *std::move(keys));
  if (!vault) {
    return vault.error();
  }
  return VaultAccess{*std::move(vault), *std::move(audit)};
}

Result<SubjectId> SubjectOf(const DataDirectory& dir, const VaultCommand& command) {
  if (!command.subject.empty()) {
    const std::optional<SubjectId> subject = SubjectId::FromHex(command.subject);
    return subject ? Result<SubjectId>(*subject)
                   : Error{ErrorCode::kInvalid, "--subject: expected 32 hexadecimal digits"};
  }
  if (command.raw_id.empty()) {
    return Error{ErrorCode::kInvalid, "--subject or --id is required"};
  }
  Result<IntakeKeys> keys = LoadIntakeKeys(RealFileSystem(), dir.Keys());
  if (!keys) {
    return keys.error();
  }
  SubjectId subject;
  KeyedHash(keys->pseudonym_key).Digest128(command.raw_id, subject.bytes.data());
  return subject;
}

VaultRequest RequestOf(const VaultCommand& command) {
  return {ProjectId{command.project}, Actor(), command.purpose};
}

struct HealthCheck {
  std::string what;
  bool good;
};

HealthCheck CheckMode(const std::string& path, const std::string& what) {
  struct stat info {};
  const bool good = ::stat(path.c_str(), &info) == 0 && (info.st_mode & 077) == 0;
  return {what, good};
}

}  // namespace

Result<void> CommandReveal(const DataDirectory& dir, const VaultCommand& command) {
  Result<SubjectId> subject = SubjectOf(dir, command);
  if (!subject) {
    return subject.error();
  }
  Result<VaultAccess> access = OpenVault(dir);
  if (!access) {
    return access.error();
  }
  AuditRecorder recorder(access->audit.get());
  Result<std::vector<RevealedField>> fields =
      RecordedReveal(*access->vault, recorder, RequestOf(command), *subject);
  if (!fields) {
    return fields.error();
  }
  if (fields->empty()) {
    fmt::print("the vault knows nothing of {}\n", subject->ToHex());
  }
  for (const RevealedField& field : *fields) {
    fmt::print("{}{}: {}\n", field.field, field.from_profile && !field.current ? " (earlier)" : "",
               field.value.view());
  }
  return {};
}

Result<void> CommandErase(const DataDirectory& dir, const VaultCommand& command) {
  Result<SubjectId> subject = SubjectOf(dir, command);
  if (!subject) {
    return subject.error();
  }
  const VaultRequest request = RequestOf(command);
  if (request.purpose.find('\n') != std::string::npos) {
    return Error{ErrorCode::kInvalid, "--purpose: one line"};
  }
  const std::string line = fmt::format("erase {} {} {} {}", command.project, subject->ToHex(),
                                       request.actor, request.purpose);
  Result<std::string> answer = ControlSocket::Ask(dir.ControlSocket(), line);
  if (answer) {
    const bool good = answer->starts_with("ok ");
    const std::string text = answer->substr(answer->find(' ') + 1);
    return good ? (fmt::print("{}\n", text), Result<void>()) : Error{ErrorCode::kUnavailable, text};
  }
  if (answer.error().code != ErrorCode::kNotFound) {
    return answer.error();
  }
  Result<std::unique_ptr<Service>> service = Service::Open(dir);
  if (!service) {
    return service.error();
  }
  Result<std::string> erased = (*service)->Erase(request, *subject);
  if (!erased) {
    return erased.error();
  }
  fmt::print("{}\n", *erased);
  return {};
}

Result<void> CommandFind(const DataDirectory& dir, const VaultCommand& command) {
  Result<VaultAccess> access = OpenVault(dir);
  if (!access) {
    return access.error();
  }
  AuditRecorder recorder(access->audit.get());
  Result<std::vector<SubjectId>> found =
      RecordedFind(*access->vault, recorder, RequestOf(command), command.email);
  if (!found) {
    return found.error();
  }
  for (const SubjectId& subject : *found) {
    fmt::print("{}\n", subject.ToHex());
  }
  return {};
}

Result<void> CommandAuditVerify(const DataDirectory& dir) {
  Result<AuditState> state = VerifyAuditFile(RealFileSystem(), dir.AuditFile());
  if (!state) {
    return state.error();
  }
  fmt::print("{} lines, chain intact, head {}\n", state->lines, state->head);
  if (state->torn_lines > 0 || state->torn_tail_bytes > 0) {
    fmt::print("{} writes were cut off by a crash and are owned up to; {} bytes at the end\n",
               state->torn_lines, state->torn_tail_bytes);
  }
  return {};
}

Result<void> CommandDoctor(const DataDirectory& dir) {
  FileSystem& fs = RealFileSystem();
  std::vector<HealthCheck> findings;
  findings.push_back(CheckMode(dir.path(), "the data directory is closed to other users"));
  findings.push_back(CheckMode(dir.Keys() + "/root.key", "the root key is closed to other users"));
  findings.push_back({"intake's keys open", LoadIntakeKeys(fs, dir.Keys()).has_value()});
  findings.push_back({"the vault's keys open", LoadVaultKeys(fs, dir.Keys()).has_value()});
  findings.push_back({"the audit file verifies", VerifyAuditFile(fs, dir.AuditFile()).has_value()});
  Result<uint64_t> free_bytes = fs.FreeBytes(dir.path());
  findings.push_back({"the disk has room (intake stops accepting below 256 MB)",
                      free_bytes && *free_bytes > 2 * limits::kMinFreeDiskBytes});
  bool all_good = true;
  for (const HealthCheck& finding : findings) {
    fmt::print("{}  {}\n", finding.good ? "ok     " : "NOT OK ", finding.what);
    all_good = all_good && finding.good;
  }
  fmt::print(
      "note     the root key lies in the data directory: right for a trial, not for a server that "
      "may be stolen\n"
      "note     intake, store and vault are threads of one process: keys and files are split, "
      "processes are not\n"
      "note     where only --listen is given, one port serves SDKs and queries\n");
  return all_good ? Result<void>() : Error{ErrorCode::kUnavailable, "not everything is in order"};
}

Result<void> CommandDumpLog(const std::string& path) {
  return DumpLog(RealFileSystem(), path, [](std::string_view line) { fmt::print("{}\n", line); });
}

Result<void> CommandDumpSegment(const std::string& path) {
  // DIR/store/<project>/segment-<number>
  const std::filesystem::path project = std::filesystem::absolute(path).parent_path();
  const DataDirectory dir(project.parent_path().parent_path().string());
  Result<CoreKeys> keys = LoadCoreKeys(RealFileSystem(), dir.Keys());
  if (!keys) {
    return keys.error();
  }
  Result<std::string> text =
      DumpSegment(RealFileSystem(), path, keys->store_keys, project.filename().string());
  if (!text) {
    return text.error();
  }
  fmt::print("{}", *text);
  return {};
}

}  // namespace bulkhead
