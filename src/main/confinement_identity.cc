#include "main/confinement_identity.h"

#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace bulkhead {
namespace {

using CapabilitySets = std::array<__user_cap_data_struct, 2>;

Error Failed(std::string_view what) {
  return Error{ErrorCode::kUnavailable, fmt::format("cannot {}: {}", what, std::strerror(errno))};
}

bool GetCapabilities(CapabilitySets* sets) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  return ::syscall(SYS_capget, &header, sets->data()) == 0;
}

bool HasEffective(unsigned capability) {
  CapabilitySets sets{};
  return GetCapabilities(&sets) &&
         (sets[capability / 32].effective & (1U << (capability % 32))) != 0;
}

// The bounding set and the rules by which user 0 gets capabilities; both want CAP_SETPCAP, without
// which no_new_privs alone keeps a program from gaining any.
Result<void> CloseWaysToCapabilities() {
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      return Failed("empty the bounding set");
    }
  }
  constexpr unsigned long kBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
                                  SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                  SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  if (::prctl(PR_SET_SECUREBITS, kBits, 0, 0, 0) != 0) return Failed("set the secure bits");
  return {};
}

Result<void> BecomeUser(const Identity& identity) {
  const std::vector<gid_t> groups(identity.groups.begin(), identity.groups.end());
  if (::setgroups(groups.size(), groups.data()) != 0) return Failed("set the groups");
  if (::setresgid(identity.gid, identity.gid, identity.gid) != 0) {
    return Failed(fmt::format("become group {}", identity.gid));
  }
  if (::setresuid(identity.uid, identity.uid, identity.uid) != 0) {
    return Failed(fmt::format("become user {}", identity.uid));
  }
  return {};
}

// Tried, not assumed: these calls must fail now.
Result<void> CheckNoWayBack(const Identity& identity) {
  uid_t real = 0;
  uid_t effective = 0;
  uid_t saved = 0;
  if (::getresuid(&real, &effective, &saved) != 0 || real != identity.uid ||
      effective != identity.uid || saved != identity.uid) {
    return Error{ErrorCode::kUnavailable, "the user did not change in all three ids"};
  }
  if (identity.uid != 0 && (::setuid(0) == 0 || ::setgid(0) == 0)) {
    return Error{ErrorCode::kUnavailable, "the change of user can be undone"};
  }
  return {};
}

}  // namespace

bool MayChangeUser() { return HasEffective(CAP_SETUID) && HasEffective(CAP_SETGID); }

Result<void> GiveUpPrivileges(const std::optional<Identity>& identity) {
  if (HasEffective(CAP_SETPCAP)) {
    if (Result<void> closed = CloseWaysToCapabilities(); !closed) return closed;
  }
  if (identity) {
    if (Result<void> became = BecomeUser(*identity); !became) return became;
  }
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  const CapabilitySets none{};
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  if (::syscall(SYS_capset, &header, none.data()) != 0) return Failed("give up capabilities");
  if (!HoldsNoCapability()) {
    return Error{ErrorCode::kUnavailable, "capabilities are left after giving them up"};
  }
  return identity ? CheckNoWayBack(*identity) : Result<void>{};
}

bool HoldsNoCapability() {
  CapabilitySets sets{};
  if (!GetCapabilities(&sets)) return false;
  for (const __user_cap_data_struct& set : sets) {
    if ((set.effective | set.permitted | set.inheritable) != 0) return false;
  }
  return true;
}

}  // namespace bulkhead
