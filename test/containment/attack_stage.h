// The stage of the attacks: a data directory with something to steal in every compartment, siblings
// that run, and one attempt at a time in a process of its own. docs/confinement.md lists the
// attempts.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "main/compartment_rules.h"
#include "main/confinement.h"

namespace bulkhead {

// What the attacker finds: names and numbers that an attacker could learn, and the descriptors that
// the supervisor left.
struct Stage {
  explicit Stage(const std::string& path) : dir(path) {}

  Compartment self = Compartment::kIntake;
  DataDirectory dir;
  std::string own_directory;
  std::string program;                             // this program's file
  std::map<Compartment, std::string> other_files;  // one file of each other compartment
  std::vector<std::string> closed_files;           // of those, the ones that may not be read
  std::string read_only_file;  // one that may be read and not written; empty where there is none
  std::vector<pid_t> siblings;
  pid_t supervisor = 0;
  uintptr_t sibling_address = 0;  // mapped in siblings.front()
  uint16_t tcp_port = 0;          // somebody listens there on loopback
  std::string socket_path;        // and there
  std::string abstract_name;      // and there
  int listener = -1;              // TCP, kept open where the compartment may accept
  int channel = -1;               // one end of a socket pair, kept open
  int terminal = -1;              // the operator's, on descriptor 0
  int leaked_key = -1;      // the root key, left open by mistake: the confinement must close it
  int result = -1;          // where the attempt reports
  std::string file_handle;  // of a closed file, for open_by_handle_at
  ConfinementRules rules;
  bool confined = true;
  KernelFacts kernel;
};

struct Finding {
  bool succeeded = false;  // the attacker got it
  std::string detail;
};
inline Finding Got(std::string what) { return {true, std::move(what)}; }
// Refused, with errno's text.
Finding Refused();
// A system call's result: minus one is a refusal.
Finding FromCall(long result);

enum class Control {
  kSucceeds,    // without confinement it must succeed: else the attempt shows nothing
  kNeedsRoot,   // ... as root
  kMayNotWork,  // depends on the machine (kernel options, sysctl); shown, not asserted
};

struct Attempt {
  std::string_view name;
  std::string_view what;
  Control control;
  std::function<Finding(const Stage&)> run;
  std::function<bool(const Stage&)> applies = [](const Stage&) { return true; };
  // Permitted work, which must succeed under confinement: else the rest would fail for a wrong
  // reason.
  bool permitted = false;
};

// One list for each file of attempts.
std::vector<Attempt> FileAttempts();
std::vector<Attempt> ProcessAttempts();
std::vector<Attempt> MemoryAttempts();
std::vector<Attempt> NetworkAttempts();
std::vector<Attempt> KernelAttempts();
std::vector<Attempt> ExhaustionAttempts();
std::vector<Attempt> PermittedWork();
std::vector<Attempt> AllAttempts();

// --- Setting it up ---

struct StageOptions {
  std::string directory;  // made into a data directory where it is none
  Compartment self = Compartment::kIntake;
  bool confined = true;
  KernelFacts kernel = ProbeKernel();  // a lower ABI stands for an older kernel
  std::map<Compartment, pid_t> live;   // a running server's children in place of ones of our own
  pid_t live_supervisor = 0;
};

// Puts something into every compartment's directory and gives each to its user.
void FillDirectory(const std::string& directory);
// Opens listeners, starts siblings (each confined by its own rules where the attacker is) and fills
// in the rest. Ends the program where that fails.
Stage SetStage(const StageOptions& options);
// An attacker that holds a listening socket can shut it down for everyone who holds it: each
// attempt gets a fresh one, as the supervisor gives each new child.
void RenewListener(Stage* stage);
// Whether all siblings still run and the other compartments' files are as they were.
Finding LookAfterwards(const Stage& stage);
// Ends the siblings that it started and takes away what it laid out.
void ClearStage(const Stage& stage, const StageOptions& options);

}  // namespace bulkhead
