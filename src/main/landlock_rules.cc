#include "main/landlock_rules.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace bulkhead {
namespace {

constexpr uint64_t kWriteFile = 1ULL << 1;
constexpr uint64_t kReadFile = 1ULL << 2;
constexpr uint64_t kReadDir = 1ULL << 3;
constexpr uint64_t kRemoveDir = 1ULL << 4;
constexpr uint64_t kRemoveFile = 1ULL << 5;
constexpr uint64_t kMakeDir = 1ULL << 7;
constexpr uint64_t kMakeReg = 1ULL << 8;
constexpr uint64_t kAllOfAbi1 = (1ULL << 13) - 1;  // with MAKE_CHAR, _SOCK, _FIFO, _BLOCK, _SYM
constexpr uint64_t kRefer = 1ULL << 13;
constexpr uint64_t kTruncate = 1ULL << 14;
constexpr uint64_t kIoctlDev = 1ULL << 15;
constexpr uint64_t kBindTcp = 1ULL << 0;
constexpr uint64_t kConnectTcp = 1ULL << 1;
constexpr uint64_t kScopeAbstractSocket = 1ULL << 0;
constexpr uint64_t kScopeSignal = 1ULL << 1;

constexpr uint32_t kCreateRulesetVersion = 1;
constexpr int kRulePathBeneath = 1;
constexpr int kRuleNetPort = 2;

struct RulesetAttribute {
  uint64_t handled_fs;
  uint64_t handled_net;  // ABI 4
  uint64_t scoped;       // ABI 6
};
struct __attribute__((packed)) PathAttribute {
  uint64_t allowed;
  int32_t parent_fd;
};
struct PortAttribute {
  uint64_t allowed;
  uint64_t port;
};

uint64_t HandledFileRights(int abi) {
  uint64_t rights = kAllOfAbi1;
  if (abi >= 2) rights |= kRefer;
  if (abi >= kLandlockTruncate) rights |= kTruncate;
  if (abi >= kLandlockDeviceIoctl) rights |= kIoctlDev;
  return rights;
}

// The kernel takes a shorter attribute from programs that know less.
size_t AttributeBytes(int abi) {
  if (abi >= kLandlockScopes) return sizeof(RulesetAttribute);
  return abi >= kLandlockTcp ? offsetof(RulesetAttribute, scoped)
                             : offsetof(RulesetAttribute, handled_net);
}

Error Failed(std::string_view what) {
  return Error{ErrorCode::kUnavailable,
               fmt::format("Landlock: cannot {}: {}", what, std::strerror(errno))};
}

Result<void> AddRule(int ruleset, int kind, const void* attribute, std::string_view what) {
  if (::syscall(SYS_landlock_add_rule, ruleset, kind, attribute, 0) != 0) return Failed(what);
  return {};
}

}  // namespace

int KernelLandlockAbi() {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kCreateRulesetVersion);
  return abi < 0 ? 0 : static_cast<int>(abi);
}

Result<LandlockRules> LandlockRules::Create(int abi) {
  Check(abi >= kLandlockFiles, "Landlock rules for a kernel without Landlock");
  return LandlockRules(abi);
}

LandlockRules::~LandlockRules() {
  for (const PathRule& rule : paths_) ::close(rule.fd);
}

LandlockRules::LandlockRules(LandlockRules&& other) noexcept
    : abi_(other.abi_),
      connect_anywhere_(other.connect_anywhere_),
      paths_(std::exchange(other.paths_, {})),
      ports_(std::move(other.ports_)) {}

Result<void> LandlockRules::AllowPath(const std::string& path, uint64_t file_rights,
                                      uint64_t directory_rights) {
  const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) {
    return Error{errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                 fmt::format("cannot open {}: {}", path, std::strerror(errno))};
  }
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    ::close(fd);
    return Failed("look at " + path);
  }
  const uint64_t rights = S_ISDIR(status.st_mode) ? file_rights | directory_rights : file_rights;
  paths_.push_back({fd, rights & HandledFileRights(abi_)});
  return {};
}

Result<void> LandlockRules::AllowReading(const std::string& path) {
  return AllowPath(path, kReadFile, kReadDir);
}

Result<void> LandlockRules::AllowWriting(const std::string& path) {
  return AllowPath(path, kReadFile | kWriteFile | kTruncate,
                   kReadDir | kRemoveDir | kRemoveFile | kMakeDir | kMakeReg);
}

Result<void> LandlockRules::AllowConnecting(uint16_t port) {
  ports_.push_back(port);
  return {};
}

Result<void> LandlockRules::Enforce() {
  RulesetAttribute attribute{};
  attribute.handled_fs = HandledFileRights(abi_);
  attribute.handled_net = connect_anywhere_ ? kBindTcp : kBindTcp | kConnectTcp;
  attribute.scoped = kScopeAbstractSocket | kScopeSignal;
  const int ruleset =
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attribute, AttributeBytes(abi_), 0));
  if (ruleset < 0) return Failed("make a rule set");
  Result<void> added;
  for (const PathRule& rule : paths_) {
    const PathAttribute path{rule.rights, rule.fd};
    if (added) added = AddRule(ruleset, kRulePathBeneath, &path, "allow a path");
  }
  if (abi_ >= kLandlockTcp && !connect_anywhere_) {
    for (const uint16_t port : ports_) {
      const PortAttribute allowed{kConnectTcp, port};
      if (added) added = AddRule(ruleset, kRuleNetPort, &allowed, "allow a port");
    }
  }
  if (added && ::syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
    added = Failed("enforce the rules");
  }
  ::close(ruleset);
  return added;
}

}  // namespace bulkhead
