#include "main/drill_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include "base/file_system.h"

namespace bulkhead {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kStopTries = 1000;
constexpr std::chrono::milliseconds kStopPause{20};
constexpr size_t kMostLineBytes = 65'536;

// Between fork and exec: only what is safe there. A group of its own: Ctrl-C is for the drill,
// which ends its processes in good order.
[[noreturn]] void BecomeProgram(char* const* arguments, int output, int log, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  const int null = ::open("/dev/null", O_RDONLY);
  if (::getppid() != parent || null < 0 || ::dup2(null, STDIN_FILENO) < 0 ||
      ::dup2(output, STDOUT_FILENO) < 0 || ::dup2(log, STDERR_FILENO) < 0) {
    ::_exit(127);
  }
  ::execv("/proc/self/exe", arguments);
  ::_exit(127);
}

}  // namespace

Result<std::unique_ptr<DrillProcess>> DrillProcess::Start(const std::vector<std::string>& arguments,
                                                          const std::string& log) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return Error{ErrorCode::kUnavailable, "cannot make a pipe"};
  }
  Descriptor reading(ends[0]);
  const Descriptor writing(ends[1]);
  const Descriptor errors(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!errors.valid()) {
    return Error{ErrorCode::kUnavailable, "cannot write " + log};
  }
  std::string name = "bulkhead";
  std::vector<std::string> texts = arguments;
  std::vector<char*> words = {name.data()};
  for (std::string& text : texts) words.push_back(text.data());
  words.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    BecomeProgram(words.data(), writing.get(), errors.get(), parent);
  }
  if (pid < 0) {
    return Error{ErrorCode::kUnavailable, "cannot start another process"};
  }
  return std::unique_ptr<DrillProcess>(new DrillProcess(pid, std::move(reading), log));
}

DrillProcess::~DrillProcess() { Stop(); }

Result<std::string> DrillProcess::ReadLine(int64_t timeout_ms) {
  const auto deadline = SteadyClock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {
    if (const size_t end = read_.find('\n'); end != std::string::npos) {
      std::string line = read_.substr(0, end);
      read_.erase(0, end + 1);
      return line;
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
    pollfd wait{output_.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) == 0) {
      return Error{ErrorCode::kUnavailable, "a process of the drill says nothing"};
    }
    std::array<char, 4096> some{};
    const ssize_t size = ::read(output_.get(), some.data(), some.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0 || read_.size() > kMostLineBytes) {
      return Ended();
    }
    read_.append(some.data(), static_cast<size_t>(size));
  }
}

bool DrillProcess::Runs() {
  ended_ = ended_ || ::waitpid(pid_, nullptr, WNOHANG) == pid_;
  return !ended_;
}

Error DrillProcess::Ended() const {
  const Result<std::string> said = RealFileSystem().ReadWhole(log_);
  std::string words = said ? *said : "";
  while (words.ends_with('\n')) words.pop_back();
  words = words.substr(words.rfind('\n') + 1);
  return {ErrorCode::kUnavailable,
          "a process of the drill has ended" + (words.empty() ? words : ": " + words)};
}

void DrillProcess::Stop() {
  if (!Runs()) return;
  ::kill(pid_, SIGTERM);
  for (int i = 0; i < kStopTries && Runs(); ++i) std::this_thread::sleep_for(kStopPause);
  if (Runs()) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ended_ = true;
  }
}

}  // namespace bulkhead
