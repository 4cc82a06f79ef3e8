// Memory and task limits by control groups (cgroup v2), where the supervisor may make some: as a
// systemd service with Delegate=yes, or as root. Where it may not, RLIMIT_DATA and RLIMIT_NPROC
// hold alone.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bulkhead {

class ControlGroups {
 public:
  // For the supervisor before it starts children: moves it into a group of its own beneath the one
  // it is in, so that its siblings can have limits. `root` is where cgroup v2 is mounted and
  // `own_group` what /proc/self/cgroup names after "0::". kUnavailable, with the reason, where
  // there is no such group, no memory controller, or no right to make groups.
  static Result<ControlGroups> Prepare(const std::string& root, const std::string& own_group);
  // With the paths of this system.
  static Result<ControlGroups> PrepareHere();

  struct Limits {
    uint64_t memory_bytes = 0;  // 0 = none; then the kernel ends the largest process of the group
    uint64_t tasks = 0;
  };
  // Makes or resets the group of a compartment.
  Result<void> Limit(std::string_view compartment, const Limits& limits) const;
  // Moves a process there, which should not have begun to work yet.
  Result<void> Place(std::string_view compartment, pid_t process) const;

 private:
  explicit ControlGroups(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace bulkhead
