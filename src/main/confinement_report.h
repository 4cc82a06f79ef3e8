// What holds a process, part by part: for health, metrics, `bulkhead doctor` and the supervisor's
// log. Plain data.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bulkhead {

enum class ConfinementPart {
  kOwnUser,            // a user of its own, no way back
  kNoCapabilities,     // none held, none to be had
  kNoNewPrivileges,    // set-uid programs give nothing
  kNotDumpable,        // no core file; /proc and ptrace closed to its own user
  kDescriptorsClosed,  // nothing inherited but what the rules keep
  kLandlockFiles,      // every file and directory closed but the listed ones
  kLandlockTruncate,   // ... emptying files too
  kLandlockTcp,        // no TCP bind or connect but to the listed ports
  kLandlockDevices,    // no ioctl on devices
  kLandlockScopes,     // no abstract sockets and no signals out of the compartment
  kSeccomp,            // the compartment's list of system calls, no executable memory
  kMemoryLimit,
  kThreadLimit,
  kFileSizeLimit,
  kDescriptorLimit,
};

// "own-user", "landlock-files"...: the words of reports and of --allow-weaker-confinement.
std::string_view PartName(ConfinementPart part);
const std::vector<ConfinementPart>& AllParts();

// The parts that an operator agreed to do without.
struct Downgrade {
  std::set<ConfinementPart> parts;

  static Downgrade None() { return {}; }
  static Downgrade Everything();
  // Names separated by commas, or "all"; kInvalid names the word that is none.
  static Result<Downgrade> Parse(std::string_view words);
  [[nodiscard]] bool Allows(ConfinementPart part) const { return parts.contains(part); }
};

enum class PartState {
  kInForce,
  kMissing,   // asked for and not there: the compartment is degraded
  kNotAsked,  // the rules or the way of starting ask for none, and `detail` says why
};

struct PartReport {
  ConfinementPart part;
  PartState state = PartState::kMissing;
  std::string detail;  // one line: how, how much, or why not
};

struct ConfinementReport {
  std::string compartment;
  int landlock_abi = 0;  // as used; 0 = none
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t max_memory_bytes = 0;  // 0 = no limit, in these four
  uint64_t max_file_bytes = 0;
  uint32_t max_threads = 0;
  uint32_t max_descriptors = 0;
  std::vector<PartReport> parts;  // each part once, in the order of the enumeration

  // Something asked for is missing. Whoever shows this must not call the compartment healthy.
  [[nodiscard]] bool degraded() const;
  [[nodiscard]] std::vector<ConfinementPart> Missing() const;
};

// Lines for people: the verdict, then one line for each part.
std::string DescribeConfinement(const ConfinementReport& report);
// {"compartment":"core","degraded":false,...,"parts":[{"name":"seccomp","state":"in force",...}]}
std::string ConfinementJson(const ConfinementReport& report);
// OpenMetrics: bulkhead_confinement_degraded{compartment=...} and one gauge for each part, over all
// compartments.
std::string ConfinementMetrics(const std::vector<ConfinementReport>& reports);

}  // namespace bulkhead
