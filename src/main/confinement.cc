#include "main/confinement.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "main/confinement_identity.h"
#include "main/confinement_limits.h"
#include "main/landlock_rules.h"
#include "main/seccomp_filter.h"

namespace bulkhead {
namespace {

using State = PartState;
using Part = ConfinementPart;

// Other processes of the same user come and go; the limit on threads counts them too.
constexpr uint64_t kOtherTasksOfUser = 512;

PartReport LimitPart(Part part, uint64_t limit, std::string detail) {
  if (limit == 0) return {part, State::kNotAsked, "no limit asked for"};
  return {part, State::kInForce, std::move(detail)};
}

PartReport UserPart(const ConfinementRules& rules) {
  if (!rules.uid) {
    return {Part::kOwnUser, State::kNotAsked,
            fmt::format("user {}, shared with the supervisor, which was not started as root",
                        ::geteuid())};
  }
  if (!MayChangeUser()) {
    return {Part::kOwnUser, State::kMissing, "this process may not change its user"};
  }
  return {Part::kOwnUser, State::kInForce,
          fmt::format("user {}, group {}", *rules.uid, rules.gid.value_or(*rules.uid))};
}

PartReport LandlockPart(Part part, int wanted_abi, const KernelFacts& kernel) {
  static const char* const kHeldBy[] = {
      "every path but the listed ones is closed", "emptying files counts as writing",
      "TCP bind and connect are closed but for the listed ports", "devices take no ioctl",
      "abstract sockets and signals end at the compartment"};
  const int index = static_cast<int>(part) - static_cast<int>(Part::kLandlockFiles);
  if (kernel.landlock_abi >= wanted_abi) {
    return {part, State::kInForce, kHeldBy[index]};
  }
  return {part, State::kMissing,
          kernel.landlock_abi == 0
              ? std::string("the kernel has no Landlock, or it is switched off")
              : fmt::format("the kernel's Landlock has ABI {}, this takes {}", kernel.landlock_abi,
                            wanted_abi)};
}

void AddLimitParts(const ConfinementRules& rules, std::vector<PartReport>* parts) {
  parts->push_back(
      LimitPart(Part::kMemoryLimit, rules.max_memory_bytes,
                fmt::format("{} MiB of private memory", rules.max_memory_bytes >> 20)));
  PartReport threads =
      LimitPart(Part::kThreadLimit, rules.max_threads,
                fmt::format("{} beside those that its user ran at the start", rules.max_threads));
  if (rules.max_threads > 0 && rules.uid.value_or(::geteuid()) == 0) {
    threads = {Part::kThreadLimit, State::kMissing, "the kernel sets user 0 no such limit"};
  }
  parts->push_back(threads);
  parts->push_back(LimitPart(Part::kFileSizeLimit, rules.max_file_bytes,
                             fmt::format("{} MiB for a file", rules.max_file_bytes >> 20)));
  parts->push_back(LimitPart(Part::kDescriptorLimit, rules.max_descriptors,
                             fmt::format("{}", rules.max_descriptors)));
}

ResourceLimits LimitsFor(const ConfinementRules& rules) {
  ResourceLimits limits;
  limits.memory_bytes = rules.max_memory_bytes;
  limits.file_bytes = rules.max_file_bytes;
  limits.descriptors = rules.max_descriptors;
  if (rules.max_threads > 0) {
    const uint32_t uid = rules.uid.value_or(::geteuid());
    limits.threads =
        CountTasksOfUser(uid) + rules.max_threads + (rules.uid ? 0 : kOtherTasksOfUser);
  }
  return limits;
}

bool InForce(const ConfinementReport& report, Part part) {
  return std::any_of(report.parts.begin(), report.parts.end(), [&](const PartReport& entry) {
    return entry.part == part && entry.state == State::kInForce;
  });
}

Result<void> RefuseMissing(const ConfinementReport& report, const Downgrade& allowed) {
  std::string missing;
  std::string names;
  for (const PartReport& entry : report.parts) {
    if (entry.state != State::kMissing || allowed.Allows(entry.part)) continue;
    missing += fmt::format("\n  {}: {}", PartName(entry.part), entry.detail);
    names += (names.empty() ? "" : ",") + std::string(PartName(entry.part));
  }
  if (missing.empty()) return {};
  return Error{ErrorCode::kUnavailable,
               fmt::format("{} cannot be confined as it should be:{}\nTo run with less, say "
                           "--allow-weaker-confinement={}",
                           report.compartment, missing, names)};
}

Result<LandlockRules> MakeLandlockRules(const ConfinementRules& rules, int abi) {
  Result<LandlockRules> landlock = LandlockRules::Create(abi);
  for (const std::string& path : rules.read_paths) {
    if (Result<void> allowed = landlock->AllowReading(path); !allowed) return allowed.error();
  }
  for (const std::string& path : rules.write_paths) {
    if (Result<void> allowed = landlock->AllowWriting(path); !allowed) return allowed.error();
  }
  for (const uint16_t port : rules.connect_ports) {
    if (Result<void> allowed = landlock->AllowConnecting(port); !allowed) return allowed.error();
  }
  if (rules.may_connect_out && rules.connect_ports.empty()) landlock->AllowConnectingAnywhere();
  return landlock;
}

Result<void> SetFlag(int option, unsigned long value, std::string_view what) {
  if (::prctl(option, value, 0, 0, 0) == 0) return {};
  return Error{ErrorCode::kUnavailable, fmt::format("cannot {}: {}", what, std::strerror(errno))};
}

// After the change of user, which makes a process dumpable and forgets about its parent.
Result<void> SetProcessFlags(const ConfinementRules& rules, pid_t parent) {
  if (Result<void> set = SetFlag(PR_SET_DUMPABLE, 0, "close its memory"); !set) return set;
  if (Result<void> set = SetFlag(PR_SET_NO_NEW_PRIVS, 1, "refuse new privileges"); !set) return set;
  if (!rules.die_with_parent) return {};
  if (Result<void> set = SetFlag(PR_SET_PDEATHSIG, SIGKILL, "end with the supervisor"); !set) {
    return set;
  }
  if (::getppid() != parent) return Error{ErrorCode::kUnavailable, "the supervisor has ended"};
  return {};
}

Result<void> NotHeld(std::string_view what) {
  return Error{ErrorCode::kUnavailable, fmt::format("the confinement does not hold: {}", what)};
}

// Tries what must fail and reads what can be read. A kernel, a container or a mistake here that
// says yes to everything is found out before the compartment sees its first byte.
Result<void> CheckByTrying(const ConfinementRules& rules, const ConfinementReport& report) {
  if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return NotHeld("new privileges are possible");
  if (::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return NotHeld("its memory can be read");
  if (!HoldsNoCapability()) return NotHeld("it has capabilities");
  if (InForce(report, Part::kOwnUser) && ::getuid() != rules.uid.value_or(0)) {
    return NotHeld("it runs as another user");
  }
  if (InForce(report, Part::kLandlockFiles)) {
    const int root = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root >= 0) return NotHeld("the root directory can be opened");
  }
  if (!InForce(report, Part::kSeccomp)) return {};
  if (::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 2) return NotHeld("no filter of system calls");
  if (::socket(AF_UNIX, SOCK_STREAM, 0) >= 0) return NotHeld("it can make sockets");
  if (::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
      MAP_FAILED) {
    return NotHeld("it can make memory executable");
  }
  return {};
}

SeccompAllowance AllowanceFor(const ConfinementRules& rules) {
  return {!rules.write_paths.empty(), rules.may_accept, rules.may_connect_out};
}

std::optional<Identity> IdentityFor(const ConfinementRules& rules,
                                    const ConfinementReport& report) {
  if (!InForce(report, Part::kOwnUser)) return std::nullopt;
  return Identity{*rules.uid, rules.gid.value_or(*rules.uid), rules.groups};
}

}  // namespace

KernelFacts ProbeKernel() { return {KernelLandlockAbi(), KernelHasSeccomp()}; }

ConfinementReport PlannedConfinement(const ConfinementRules& rules, const KernelFacts& kernel) {
  ConfinementReport report;
  report.compartment = rules.compartment;
  report.landlock_abi = kernel.landlock_abi;
  report.max_memory_bytes = rules.max_memory_bytes;
  report.max_file_bytes = rules.max_file_bytes;
  report.max_threads = rules.max_threads;
  report.max_descriptors = rules.max_descriptors;
  report.parts.push_back(UserPart(rules));
  report.uid = InForce(report, Part::kOwnUser) ? *rules.uid : ::geteuid();
  report.gid = InForce(report, Part::kOwnUser) ? rules.gid.value_or(*rules.uid) : ::getegid();
  report.parts.push_back({Part::kNoCapabilities, State::kInForce, "none held, none to be had"});
  report.parts.push_back({Part::kNoNewPrivileges, State::kInForce, "set-uid programs give none"});
  report.parts.push_back(
      {Part::kNotDumpable, State::kInForce, "no core file, no reading by /proc"});
  report.parts.push_back({Part::kDescriptorsClosed, State::kInForce,
                          fmt::format("{} kept beside 0, 1 and 2", rules.keep_descriptors.size())});
  report.parts.push_back(LandlockPart(Part::kLandlockFiles, kLandlockFiles, kernel));
  report.parts.push_back(LandlockPart(Part::kLandlockTruncate, kLandlockTruncate, kernel));
  report.parts.push_back(LandlockPart(Part::kLandlockTcp, kLandlockTcp, kernel));
  report.parts.push_back(LandlockPart(Part::kLandlockDevices, kLandlockDeviceIoctl, kernel));
  report.parts.push_back(LandlockPart(Part::kLandlockScopes, kLandlockScopes, kernel));
  report.parts.push_back({Part::kSeccomp, kernel.seccomp ? State::kInForce : State::kMissing,
                          kernel.seccomp ? "allow-list of system calls, no executable memory"
                                         : "the kernel filters no system calls"});
  AddLimitParts(rules, &report.parts);
  return report;
}

Result<ConfinementReport> Confine(const ConfinementRules& rules, const Downgrade& allowed,
                                  const KernelFacts& kernel) {
  if (CountOwnThreads() != 1) {
    return Error{ErrorCode::kBug, "a process is confined before it starts threads, not after"};
  }
  const ConfinementReport report = PlannedConfinement(rules, kernel);
  if (Result<void> whole = RefuseMissing(report, allowed); !whole) return whole.error();

  const pid_t parent = ::getppid();
  ::umask(rules.umask);
  if (Result<void> done = CloseDescriptorsExcept(rules.keep_descriptors); !done) {
    return done.error();
  }
  std::optional<LandlockRules> landlock;  // its paths are opened while they can be
  if (InForce(report, Part::kLandlockFiles)) {
    Result<LandlockRules> made = MakeLandlockRules(rules, kernel.landlock_abi);
    if (!made) return made.error();
    landlock.emplace(*std::move(made));
  }
  if (Result<void> done = LimitResources(LimitsFor(rules)); !done) return done.error();
  if (Result<void> done = GiveUpPrivileges(IdentityFor(rules, report)); !done) return done.error();
  if (Result<void> done = SetProcessFlags(rules, parent); !done) return done.error();
  if (landlock) {
    if (Result<void> done = landlock->Enforce(); !done) return done.error();
    landlock.reset();
  }
  if (InForce(report, Part::kSeccomp)) {
    if (Result<void> done = EnforceChildFilter(AllowanceFor(rules)); !done) return done.error();
  }
  if (Result<void> holds = CheckByTrying(rules, report); !holds) return holds.error();
  return report;
}

Result<void> ConfineSupervisor() {
  if (Result<void> done = LimitResources({}); !done) return done;
  if (Result<void> set = SetFlag(PR_SET_DUMPABLE, 0, "close its memory"); !set) return set;
  if (Result<void> set = SetFlag(PR_SET_NO_NEW_PRIVS, 1, "refuse new privileges"); !set) return set;
  return KernelHasSeccomp() ? EnforceSupervisorFilter() : Result<void>{};
}

}  // namespace bulkhead
