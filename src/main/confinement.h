// Confines the calling process for good: what a child of the supervisor does first, before it reads
// a byte that others wrote. docs/confinement.md says what is closed, how, and what each part stops.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "main/confinement_report.h"

namespace bulkhead {

struct ConfinementRules {
  std::string
      compartment;  // "intake", "core", "vault", "audit", "egress": for messages and reports

  // Files and directories, which must exist; everything else is closed. Writing includes reading.
  std::vector<std::string> read_paths;
  std::vector<std::string> write_paths;

  bool may_accept = false;       // on listening sockets among keep_descriptors; no bind, no connect
  bool may_connect_out = false;  // TCP over IPv4 and IPv6, and the resolver's UDP
  std::vector<uint16_t> connect_ports;  // TCP ports it may connect to; empty = any

  // The compartment's user, where started as root; else both are left empty.
  std::optional<uint32_t> uid;
  std::optional<uint32_t> gid;
  std::vector<uint32_t> groups;  // supplementary
  uint32_t umask = 0077;

  std::vector<int> keep_descriptors;  // beside 0, 1 and 2; all others are closed

  uint64_t max_memory_bytes = 0;  // private writable memory; 0 in these four = leave as it is
  uint64_t max_file_bytes = 0;    // of one file
  uint32_t max_threads = 0;
  uint32_t max_descriptors = 0;

  // SIGKILL when the thread that started this process ends.
  bool die_with_parent = true;
};

// What the kernel can do; injected by tests to stand for an older one.
struct KernelFacts {
  int landlock_abi = 0;
  bool seccomp = false;
};
KernelFacts ProbeKernel();

// Applies all of it, checks by trying that it holds, and reports. The process must have one thread.
// kUnavailable names each part that the kernel or the way of starting cannot give, unless `allowed`
// has it. After an error the process is confined in part and must exit.
Result<ConfinementReport> Confine(const ConfinementRules& rules, const Downgrade& allowed,
                                  const KernelFacts& kernel = ProbeKernel());

// What Confine would report here, for `bulkhead doctor` where no server is running. Changes
// nothing.
ConfinementReport PlannedConfinement(const ConfinementRules& rules, const KernelFacts& kernel);

// For the supervisor, which keeps its user and its paths because it starts the children: no core
// dumps, no reading of its memory by its own user, no new privileges, and an end at calls that only
// attacks make. Its children inherit the filter and no_new_privs.
Result<void> ConfineSupervisor();

}  // namespace bulkhead
