#include "main/control_group.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace bulkhead {
namespace {

constexpr char kMount[] = "/sys/fs/cgroup";

Error Failed(std::string_view what, const std::string& path) {
  return Error{ErrorCode::kUnavailable,
               fmt::format("control groups: cannot {} {}: {}", what, path, std::strerror(errno))};
}

// One write, which is how the kernel takes a setting.
Result<void> Set(const std::string& path, const std::string& value) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return Failed("open", path);
  const bool written =
      ::write(fd, value.data(), value.size()) == static_cast<ssize_t>(value.size());
  const Error error = Failed("set", path);
  ::close(fd);
  return written ? Result<void>{} : error;
}

Result<void> Make(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
  return Failed("make", path);
}

bool HasWord(const std::string& path, std::string_view word) {
  std::ifstream file(path);
  for (std::string each; file >> each;) {
    if (each == word) return true;
  }
  return false;
}

std::string OrMax(uint64_t value) { return value == 0 ? "max" : fmt::format("{}", value); }

}  // namespace

Result<ControlGroups> ControlGroups::Prepare(const std::string& root,
                                             const std::string& own_group) {
  const std::string own = own_group == "/" ? root : root + own_group;
  if (!HasWord(own + "/cgroup.controllers", "memory") ||
      !HasWord(own + "/cgroup.controllers", "pids")) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("control groups: {} has no memory and pids controllers", own)};
  }
  const std::string supervisor = own + "/bulkhead-supervisor";
  if (Result<void> made = Make(supervisor); !made) return made.error();
  // A group whose controllers are for its children may hold no process itself.
  if (Result<void> moved = Set(supervisor + "/cgroup.procs", std::to_string(::getpid())); !moved) {
    return moved.error();
  }
  if (Result<void> set = Set(own + "/cgroup.subtree_control", "+memory +pids"); !set) {
    return set.error();
  }
  return ControlGroups(own);
}

Result<ControlGroups> ControlGroups::PrepareHere() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::")) return Prepare(kMount, line.substr(3));
  }
  return Error{ErrorCode::kUnavailable, "control groups: this process is in none of version 2"};
}

Result<void> ControlGroups::Limit(std::string_view compartment, const Limits& limits) const {
  const std::string group = fmt::format("{}/bulkhead-{}", path_, compartment);
  if (Result<void> made = Make(group); !made) return made;
  if (Result<void> set = Set(group + "/memory.max", OrMax(limits.memory_bytes)); !set) return set;
  return Set(group + "/pids.max", OrMax(limits.tasks));
}

Result<void> ControlGroups::Place(std::string_view compartment, pid_t process) const {
  return Set(fmt::format("{}/bulkhead-{}/cgroup.procs", path_, compartment),
             std::to_string(process));
}

}  // namespace bulkhead
