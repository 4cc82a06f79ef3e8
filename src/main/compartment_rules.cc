#include "main/compartment_rules.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/sanitized.h"
#include "main/confinement_identity.h"

namespace bulkhead {
namespace {

constexpr uint64_t kMiB = 1024 * 1024;
constexpr uint64_t kGiB = 1024 * kMiB;

// Outside of what Debian (up to 59999, from 65534) and systemd (up to 60577, from 61184) give out.
constexpr uint32_t kFixedLogGroup = 61010;

struct Limits {
  uint64_t memory_percent;  // of the machine's
  uint64_t file_bytes;      // above the largest file that the compartment ever writes
  uint32_t threads;
  uint32_t descriptors;
  uint64_t directory_bytes;  // of all its files together; 0: what the disk has, but the reserve
  uint64_t directory_files;
};

// In the order of Compartment.
struct CompartmentText {
  std::string_view directory;
  uint32_t user;  // the fixed number
  Limits limits;
};

// The descriptors of intake and core hold kMaxConnections of base/limits.h twice over. A merge of
// the store writes one segment as large as all that it merges.
constexpr std::array<CompartmentText, kCompartmentCount> kTable = {{
    {"audit", 61004, {10, 64 * kGiB, 32, 512, 0, 1'000'000}},
    {"vault", 61003, {15, 64 * kGiB, 32, 512, 0, 1000}},
    {"store", 61002, {75, 256 * kGiB, 512, 65536, 0, 1'000'000}},
    {"egress", 61005, {10, 64 * kGiB, 512, 4096, 0, 100'000}},
    {"log", 61001, {30, 256 * kMiB, 128, 16384, 0, 100'000}},
}};

const CompartmentText& TextOf(Compartment compartment) { return kTable.at(IndexOf(compartment)); }

// A share of the machine's memory, so that one compartment that takes all it may leaves the rest to
// work; on a small machine enough for the work itself.
uint64_t MemoryLimit(uint64_t percent) {
  const uint64_t machine = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                           static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return std::max<uint64_t>(machine / 100 * percent, kGiB);
}

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

void AddExisting(const std::vector<std::string>& paths, std::vector<std::string>* out) {
  for (const std::string& path : paths) {
    if (Exists(path)) out->push_back(path);
  }
}

// What the C library and the libraries read on the way; nothing in it belongs to the compartments.
std::vector<std::string> SystemReadPaths(Compartment compartment) {
  switch (compartment) {
    case Compartment::kIntake:
      return {"/etc/localtime", "/etc/ssl/openssl.cnf"};
    case Compartment::kCore:
      return {"/etc/localtime", "/etc/ssl/openssl.cnf", "/usr/share/zoneinfo"};
    case Compartment::kEgress:
      return {"/etc/localtime", "/etc/ssl/openssl.cnf",      "/etc/ssl/certs", "/etc/resolv.conf",
              "/etc/hosts",     "/etc/nsswitch.conf",        "/etc/host.conf", "/etc/gai.conf",
              "/etc/services",  "/usr/share/ca-certificates"};
    case Compartment::kVault:
    case Compartment::kAudit:
      break;
  }
  return {"/etc/localtime"};
}

// The data directory's paths beside the compartment's own directory.
void AddDataPaths(Compartment compartment, const DataDirectory& dir, ConfinementRules* rules) {
  switch (compartment) {
    case Compartment::kIntake:
      AddExisting({CatalogueDirectory(dir), dir.Policy()}, &rules->read_paths);
      break;
    case Compartment::kCore:
      AddExisting({dir.Log(), dir.Policy()}, &rules->read_paths);
      AddExisting({CatalogueDirectory(dir)}, &rules->write_paths);
      break;
    case Compartment::kVault:
      AddExisting({dir.Log()}, &rules->read_paths);
      break;
    case Compartment::kAudit:
      AddExisting({dir.Policy()}, &rules->read_paths);
      AddExisting({dir.PolicyVersions()}, &rules->write_paths);
      break;
    case Compartment::kEgress:
      AddExisting({dir.Policy()}, &rules->read_paths);
      break;
  }
}

struct Owner {
  uint32_t uid;
  uint32_t gid;
  mode_t directory_mode;
  mode_t file_mode;
};

Error Failed(std::string_view what, const std::string& path) {
  return Error{ErrorCode::kUnavailable,
               fmt::format("cannot {} {}: {}", what, path, std::strerror(errno))};
}

Result<void> GiveEntry(const std::string& path, const Owner& owner) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0)
    return errno == ENOENT ? Result<void>{} : Failed("look at", path);
  const bool directory = S_ISDIR(status.st_mode);
  if (!directory && (!S_ISREG(status.st_mode) || status.st_nlink != 1)) return {};
  const mode_t mode = directory ? owner.directory_mode : owner.file_mode;
  if (status.st_uid == owner.uid && status.st_gid == owner.gid &&
      (status.st_mode & 07777) == mode) {
    return {};
  }
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Failed("open", path);
  // The owner first: a change of owner takes the set-group-id bit away.
  const bool given = ::fchown(fd, owner.uid, owner.gid) == 0 && ::fchmod(fd, mode) == 0;
  ::close(fd);
  return given ? Result<void>{} : Failed("give away", path);
}

Result<void> GiveTree(const std::string& root, const Owner& owner) {
  if (Result<void> given = GiveEntry(root, owner); !given) return given;
  std::error_code code;
  std::filesystem::recursive_directory_iterator walk(root, code);
  for (; !code && walk != std::filesystem::recursive_directory_iterator(); walk.increment(code)) {
    if (Result<void> given = GiveEntry(walk->path().string(), owner); !given) return given;
  }
  if (code) return Error{ErrorCode::kUnavailable, "cannot list " + root + ": " + code.message()};
  return {};
}

Owner OwnerOf(Compartment compartment) {
  const CompartmentUser user = UserOf(compartment);
  if (compartment == Compartment::kIntake) {
    // New files take the directory's group, so that core and vault can read the log.
    return {user.uid, LogGroup(), 02750, 0640};
  }
  return {user.uid, user.gid, 0700, 0600};
}

// Intake's files are read by the log's group, the versions of the policy by all; nothing else of
// the others is read by anyone.
mode_t UmaskOf(Compartment compartment) {
  switch (compartment) {
    case Compartment::kIntake:
      return 0027;
    case Compartment::kAudit:
      return 0022;
    default:
      return 0077;
  }
}

Result<void> MakeDirectory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return Failed("make", path);
}

// policy.toml is the operator's, who made it; it need only be readable.
Result<void> PreparePolicy(const DataDirectory& dir, bool as_root) {
  for (const std::string& path : {dir.Policy(), dir.PolicyVersions()}) {
    if (Result<void> made = MakeDirectory(path); !made) return made;
  }
  if (!as_root) return {};
  if (::chmod(dir.Policy().c_str(), 0755) != 0) return Failed("open the way into", dir.Policy());
  const CompartmentUser audit = UserOf(Compartment::kAudit);
  return GiveTree(dir.PolicyVersions(), {audit.uid, audit.gid, 0755, 0644});
}

}  // namespace

std::string OwnDirectory(Compartment compartment, const DataDirectory& dir) {
  return fmt::format("{}/{}", dir.path(), TextOf(compartment).directory);
}

std::string CatalogueDirectory(const DataDirectory& dir) { return dir.path() + "/catalogue"; }

CompartmentUser UserOf(Compartment compartment) {
  const std::string name = fmt::format("bulkhead-{}", CompartmentName(compartment));
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr && found->pw_uid != 0) {
    return {found->pw_uid, found->pw_gid};
  }
  const uint32_t fixed = TextOf(compartment).user;
  return {fixed, fixed};
}

uint32_t LogGroup() {
  std::array<char, 4096> buffer{};
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r("bulkhead-log", &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr && found->gr_gid != 0) {
    return found->gr_gid;
  }
  return kFixedLogGroup;
}

std::vector<DiskQuota> DiskQuotasOf(const DataDirectory& dir) {
  std::vector<DiskQuota> quotas;
  for (const Compartment compartment : kCompartments) {
    const Limits& limits = TextOf(compartment).limits;
    quotas.push_back({std::string(CompartmentName(compartment)), OwnDirectory(compartment, dir),
                      limits.directory_bytes, limits.directory_files});
  }
  return quotas;
}

ConfinementRules RulesFor(Compartment compartment, const DataDirectory& dir,
                          const CompartmentOptions& options) {
  ConfinementRules rules;
  rules.compartment = CompartmentName(compartment);
  AddExisting(SystemReadPaths(compartment), &rules.read_paths);
  AddExisting(options.read_paths, &rules.read_paths);
  AddExisting({OwnDirectory(compartment, dir)}, &rules.write_paths);
  AddDataPaths(compartment, dir, &rules);
  rules.may_accept = compartment == Compartment::kIntake || compartment == Compartment::kCore;
  rules.may_connect_out = compartment == Compartment::kEgress;
  if (rules.may_connect_out) rules.connect_ports = options.connect_ports;
  if (options.own_user && MayChangeUser()) {
    const CompartmentUser user = UserOf(compartment);
    rules.uid = user.uid;
    rules.gid = user.gid;
    if (compartment == Compartment::kCore || compartment == Compartment::kVault) {
      rules.groups = {LogGroup()};
    }
  }
  rules.umask = UmaskOf(compartment);
  rules.keep_descriptors = options.keep_descriptors;
  const Limits& limits = TextOf(compartment).limits;
  rules.max_memory_bytes =
      options.max_memory_bytes > 0 ? options.max_memory_bytes : MemoryLimit(limits.memory_percent);
  rules.max_file_bytes = limits.file_bytes;
  rules.max_threads = limits.threads;
  rules.max_descriptors = limits.descriptors;
  if (kSanitized) rules.max_memory_bytes = 0;  // the shadow is larger than any limit
  return rules;
}

Result<void> PrepareOwnership(const DataDirectory& dir) {
  const bool as_root = MayChangeUser();
  for (const Compartment compartment : kCompartments) {
    const std::string own = OwnDirectory(compartment, dir);
    if (Result<void> made = MakeDirectory(own); !made) return made;
    if (!as_root) continue;
    if (Result<void> given = GiveTree(own, OwnerOf(compartment)); !given) return given;
  }
  if (Result<void> made = MakeDirectory(CatalogueDirectory(dir)); !made) return made;
  if (Result<void> prepared = PreparePolicy(dir, as_root); !prepared) return prepared;
  if (!as_root) return {};
  const CompartmentUser core = UserOf(Compartment::kCore);
  const CompartmentUser intake = UserOf(Compartment::kIntake);
  if (Result<void> given = GiveTree(CatalogueDirectory(dir), {core.uid, intake.gid, 02750, 0640});
      !given) {
    return given;
  }
  // Through it, not into it: the names in the data directory are not secret, its files are closed.
  if (::chmod(dir.path().c_str(), 0711) != 0) return Failed("open the way through", dir.path());
  return {};
}

Result<void> CheckReachable(const std::string& path) {
  if (!MayChangeUser()) {
    return {};
  }
  std::error_code code;
  const std::filesystem::path whole = std::filesystem::canonical(path, code);
  for (std::filesystem::path at = whole.parent_path(); !code; at = at.parent_path()) {
    struct stat status {};
    if (::stat(at.c_str(), &status) == 0 && (status.st_mode & S_IXOTH) == 0) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("the compartments' own users cannot reach {}: {} is closed to them "
                               "(chmod o+x it, or use a directory such as /var/lib/bulkhead)",
                               path, at.string())};
    }
    if (at == at.root_path()) {
      return {};
    }
  }
  return Error{ErrorCode::kUnavailable, "cannot resolve " + path};
}

}  // namespace bulkhead
