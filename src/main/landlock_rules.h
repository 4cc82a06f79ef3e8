// One Landlock rule set: everything in the file system is closed, and TCP where the kernel can,
// except for what is allowed here by name. The numbers are the kernel's own, written out because
// the headers of Debian 12 know the second ABI only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace bulkhead {

// What an ABI brought. Debian 12's kernel 6.1 has 2, Debian 13's 6.12 has 6.
inline constexpr int kLandlockFiles = 1;
inline constexpr int kLandlockTruncate = 3;
inline constexpr int kLandlockTcp = 4;
inline constexpr int kLandlockDeviceIoctl = 5;
inline constexpr int kLandlockScopes = 6;

// The running kernel's ABI; 0 where Landlock is absent or switched off.
int KernelLandlockAbi();

class LandlockRules {
 public:
  // Rules for a kernel of this ABI, at least 1. A lower one than the kernel's gives exactly what an
  // older kernel would.
  static Result<LandlockRules> Create(int abi);
  ~LandlockRules();
  LandlockRules(LandlockRules&& other) noexcept;
  LandlockRules& operator=(LandlockRules&&) = delete;
  LandlockRules(const LandlockRules&) = delete;
  LandlockRules& operator=(const LandlockRules&) = delete;

  // A file, or a directory and all beneath it. kNotFound where it does not exist. Reading is
  // opening for reading and listing; writing is that and making, changing and removing regular
  // files and directories. Nothing allows to execute, to link, or to make links, sockets, pipes or
  // devices.
  Result<void> AllowReading(const std::string& path);
  Result<void> AllowWriting(const std::string& path);
  // TCP connections to this port; without effect before ABI 4.
  Result<void> AllowConnecting(uint16_t port);
  // TCP connections to any port; before Enforce.
  void AllowConnectingAnywhere() { connect_anywhere_ = true; }

  // For this thread and all that it will start, for good. Wants no_new_privs.
  Result<void> Enforce();

 private:
  struct PathRule {
    int fd;
    uint64_t rights;
  };
  explicit LandlockRules(int abi) : abi_(abi) {}
  Result<void> AllowPath(const std::string& path, uint64_t file_rights, uint64_t directory_rights);

  int abi_;
  bool connect_anywhere_ = false;
  std::vector<PathRule> paths_;
  std::vector<uint16_t> ports_;
};

}  // namespace bulkhead
