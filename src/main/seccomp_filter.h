// The system calls of a compartment, as an allow-list in the kernel. Three answers to the rest:
// - the calls that no part of this program makes and every attack tries (execve, ptrace, bpf,
// mount,
//   setuid...) end the process: the supervisor sees SIGSYS, and there is no second try;
// - all others fail with ENOSYS, as on a kernel that lacks them, so that the C library falls back
// (clone3)
//   and a newer library's probing does no harm;
// - a system call of another architecture's table ends the process too.
// docs/confinement.md holds the table of calls and compartments.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bulkhead {

struct SeccompAllowance {
  bool write_files = false;  // make, change, remove files (where Landlock and the mode allow it)
  bool accept = false;       // accept connections on listening sockets that are open already
  bool connect_out = false;  // make TCP and UDP sockets over IPv4 and IPv6 and connect them
};

// Whether the kernel filters system calls at all.
bool KernelHasSeccomp();

// For a child of the supervisor, which has one thread still. For good; wants no_new_privs. From
// then on no memory can be made executable.
Result<void> EnforceChildFilter(const SeccompAllowance& allowance);

// For the supervisor, which starts processes: ends it at calls of attacks and allows the rest. Its
// children inherit it.
Result<void> EnforceSupervisorFilter();

// What the tables say, for the documentation and its test.
struct SeccompGroup {
  std::string_view name;
  std::vector<std::string_view> calls;
};
std::vector<SeccompGroup> AllowedGroups(const SeccompAllowance& allowance);
const std::vector<std::string_view>& EndingCalls();

}  // namespace bulkhead
