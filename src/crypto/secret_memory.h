// Where secret bytes live: in pages with a guard page on either side, locked so that they do not
// reach swap, left out of core dumps, and empty in a child that fork makes. Such pages cost several
// system calls each, so that small secrets (keys, hash states) share them, and only large ones have
// pages of their own. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace bulkhead {

// Zeros; never null.
uint8_t* AllocateSecret(size_t size);

// Wipes, then gives back. `size` is what was asked for.
void FreeSecret(uint8_t* data, size_t size);

// Of this process. A system may refuse to lock (RLIMIT_MEMLOCK): the secrets are then used all the
// same, since a server that stops for want of locked memory would lose events, and it is said.
struct SecretMemoryState {
  size_t mapped_bytes = 0;       // pages that hold secrets now
  size_t unlocked_bytes = 0;     // of these, what the system would not lock: may reach swap
  uint64_t lock_failures = 0;    // since the start of the process
  uint64_t advice_failures = 0;  // pages that a core dump or a fork would copy, since the start
};
SecretMemoryState ReadSecretMemoryState();

// One line for `doctor` and the program's log.
struct SecretMemoryReport {
  std::string text;
  bool good = false;
};
SecretMemoryReport ReportSecretMemory(const SecretMemoryState& state);

}  // namespace bulkhead
