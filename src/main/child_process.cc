#include "main/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "main/compartment_start.h"

namespace bulkhead {
namespace {

// Between fork and exec: only what is safe there.
[[noreturn]] void BecomeCompartment(const char* name, int socket) {
  const int null = ::open("/dev/null", O_RDWR);
  if (null >= 0) {
    ::dup2(null, STDIN_FILENO);
  }
  // Where it is that number already dup2 would leave its close-on-exec flag.
  const int moved = socket == kSupervisorDescriptor ? ::fcntl(socket, F_DUPFD, 16) : socket;
  ::dup2(moved, kSupervisorDescriptor);
  ::syscall(SYS_close_range, kSupervisorDescriptor + 1, ~0U, 0);
  const std::array<const char*, 4> arguments = {"bulkhead", "compartment", name, nullptr};
  ::execv("/proc/self/exe", const_cast<char* const*>(arguments.data()));
  ::_exit(127);
}

}  // namespace

Result<ChildProcess> ChildProcess::Spawn(const std::string& name) {
  Result<std::pair<Descriptor, Descriptor>> ends = MakeMessagePair();
  if (!ends) {
    return ends.error();
  }
  const pid_t pid = ::fork();
  if (pid == 0) {
    BecomeCompartment(name.c_str(), ends->second.get());
  }
  const int process = pid > 0 ? static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)) : -1;
  if (process < 0) {
    return Error{ErrorCode::kUnavailable, "cannot start a process for " + name};
  }
  ::fcntl(process, F_SETFD, FD_CLOEXEC);
  return ChildProcess(pid, Descriptor(process), std::move(ends->first));
}

std::optional<std::string> ChildProcess::WaitForEnd(int timeout_ms) {
  if (end_) {
    return end_;
  }
  pollfd wait{process_.get(), POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&wait, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  int status = 0;
  if (ready <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) {
    return std::nullopt;
  }
  end_ = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                             : "exit " + std::to_string(WEXITSTATUS(status));
  return end_;
}

void ChildProcess::Kill() {
  if (!end_) {
    ::kill(pid_, SIGKILL);
  }
}

}  // namespace bulkhead
