// What each compartment may do in a data directory: the table of docs/confinement.md as code. The
// supervisor and the test that plays the attacker both take the rules from here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/compartment.h"
#include "base/result.h"
#include "main/confinement.h"
#include "main/data_directory.h"
#include "main/disk_guard.h"

namespace bulkhead {

// The directory that only this compartment writes: DIR/log, /store, /vault, /audit, /egress.
std::string OwnDirectory(Compartment compartment, const DataDirectory& dir);
// DIR/catalogue: the database of projects, which core writes.
std::string CatalogueDirectory(const DataDirectory& dir);

// The user that a compartment becomes, where the supervisor was started as root: the system user
// bulkhead-intake, -core... where there is one, else a fixed number.
struct CompartmentUser {
  uint32_t uid = 0;
  uint32_t gid = 0;
};
CompartmentUser UserOf(Compartment compartment);
// The group that may read DIR/log: bulkhead-log, or a fixed number.
uint32_t LogGroup();

struct CompartmentOptions {
  // Files outside of the data directory that the compartment reads after its start. Those that do
  // not exist are left out.
  std::vector<std::string> read_paths;
  std::vector<int> keep_descriptors;
  std::vector<uint16_t> connect_ports = {443};  // egress
  uint64_t max_memory_bytes = 0;                // 0 = the compartment's default
  bool own_user = true;                         // where started as root
};

ConfinementRules RulesFor(Compartment compartment, const DataDirectory& dir,
                          const CompartmentOptions& options = {});

// How much each compartment's directory may hold, in the order of kCompartments.
std::vector<DiskQuota> DiskQuotasOf(const DataDirectory& dir);

// Makes each compartment's directory and, where started as root, gives it and what lies in it to
// the compartment's user, so that no other one can open it even without Landlock. For the
// supervisor, before it starts children. Symbolic links and files with a second name are left
// alone.
Result<void> PrepareOwnership(const DataDirectory& dir);

// Where compartments get users of their own: whether those can reach the directory. kInvalid names
// the folder on the way to it that is closed.
Result<void> CheckReachable(const std::string& path);

}  // namespace bulkhead
