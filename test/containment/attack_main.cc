// Plays arbitrary code inside a compartment: confines itself by the product's own rules, then tries
// a written list of attacks, each in a process of its own. One JSON line for each attempt.
//
//   attack_compartment fill DIR                       a data directory with something to steal
//   attack_compartment run COMPARTMENT DIR            confined
//   attack_compartment control COMPARTMENT DIR        the same without confinement: what must
//   succeed there
//   ... --live NAME=PID ... --live-supervisor PID     a running server's processes as the targets
//   ... --only ATTEMPT                                one attempt
//   ... --landlock-abi N, --seccomp 0                 as on a kernel with less
//   attack_compartment list                           the attempts, with what they are
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <string>

#include "attack_stage.h"
#include "main/disk_guard.h"
#include "main/landlock_rules.h"
#include "model/value.h"

namespace bulkhead {
namespace {

constexpr int kExecuted = 77;  // exit code of a program that the attacker got started
constexpr int kTimeoutMs = 60'000;
constexpr uint64_t kQuotaBytes = 64ULL * 1024 * 1024;
constexpr uint64_t kQuotaFiles = 2000;

struct Outcome {
  std::string word;  // "refused", "killed", "ended", "succeeded", "broken"
  std::string detail;
};

void Print(std::string_view attempt, std::string_view compartment, const Outcome& outcome,
           const Attempt* entry) {
  std::string line = R"({"attempt":)";
  AppendJsonString(attempt, &line);
  line += R"(,"compartment":)";
  AppendJsonString(compartment, &line);
  line += R"(,"outcome":)";
  AppendJsonString(outcome.word, &line);
  line += R"(,"detail":)";
  AppendJsonString(outcome.detail, &line);
  if (entry != nullptr) {
    const char* control = entry->control == Control::kSucceeds    ? "succeeds"
                          : entry->control == Control::kNeedsRoot ? "needs root"
                                                                  : "may not work";
    line += fmt::format(R"(,"control":"{}","permitted":{},"what":)", control, entry->permitted);
    AppendJsonString(entry->what, &line);
  }
  fmt::print("{}}}\n", line);
  std::fflush(stdout);
}

// In the child: confines itself and plays.
[[noreturn]] void Play(const Stage& stage, const Attempt& attempt) {
  ::dup2(stage.terminal, 0);
  if (stage.confined) {
    const bool whole = stage.kernel.landlock_abi >= kLandlockScopes && stage.kernel.seccomp;
    const Result<ConfinementReport> report =
        Confine(stage.rules, whole ? Downgrade::None() : Downgrade::Everything(), stage.kernel);
    if (!report || report->degraded() == whole) {
      const std::string why = "B" + (report ? "the report says otherwise" : report.error().message);
      [[maybe_unused]] const ssize_t said = ::write(stage.result, why.data(), why.size());
      ::_exit(1);
    }
  }
  errno = 0;
  const Finding finding = attempt.run(stage);
  const std::string answer = (finding.succeeded ? "S" : "R") + finding.detail;
  [[maybe_unused]] const ssize_t said = ::write(stage.result, answer.data(), answer.size());
  ::_exit(0);
}

void ConnectToListener(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));  // kept open until the end
}

DiskGuard GuardFor(const Stage& stage) {
  const SpaceInUse now = MeasureSpace(stage.own_directory).value();
  const std::string name(CompartmentName(stage.self));
  return DiskGuard({{name, stage.own_directory, now.bytes + kQuotaBytes, now.files + kQuotaFiles}},
                   0);
}

// What the attempt said until it ended; "" where it was ended for its use of the disk or of time.
std::string Follow(const Stage& stage, int answers, pid_t child, std::string* ended) {
  DiskGuard guard = GuardFor(stage);
  std::string answer;
  char block[4096];
  for (int waited_ms = 0;;) {
    pollfd ready{answers, POLLIN, 0};
    if (::poll(&ready, 1, 50) == 1) {
      const ssize_t got = ::read(answers, block, sizeof(block));
      if (got <= 0) return answer;
      answer.append(block, static_cast<size_t>(got));
      continue;
    }
    waited_ms += 50;
    const Result<std::vector<DiskUse>> uses = guard.Look();
    if (stage.confined && uses && uses->front().over_quota) {
      *ended = fmt::format("over its quota at {} bytes, {} files", uses->front().bytes,
                           uses->front().files);
    } else if (waited_ms > kTimeoutMs) {
      *ended = "it took too long";
    }
    if (!ended->empty()) {
      ::kill(child, SIGKILL);
      return "";
    }
  }
}

Outcome Judge(const std::string& answer, const std::string& ended, int status) {
  if (!ended.empty()) return {ended.starts_with("over") ? "ended" : "broken", ended};
  if (!answer.empty()) {
    const char kind = answer.front();
    const std::string detail = answer.substr(1);
    return {kind == 'S' ? "succeeded" : kind == 'R' ? "refused" : "broken", detail};
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == kExecuted) return {"succeeded", "it was started"};
  if (WIFSIGNALED(status)) {
    const bool by_filter = WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV;
    if (WCOREDUMP(status)) return {"succeeded", "it left a core file"};
    return {by_filter ? "killed" : "broken", ::strsignal(WTERMSIG(status))};
  }
  return {"broken", fmt::format("no answer, status {}", status)};
}

Outcome RunAttempt(Stage& stage, const Attempt& attempt) {
  int answers[2];
  if (::pipe2(answers, O_CLOEXEC) != 0) return {"broken", "no pipe"};
  RenewListener(&stage);
  ::dup2(answers[1], stage.result);
  ::close(answers[1]);
  if (attempt.name == "may-accept") ConnectToListener(stage.tcp_port);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(answers[0]);
    Play(stage, attempt);
  }
  ::dup2(2, stage.result);  // the writing end is the child's alone
  std::string ended;
  const std::string answer = Follow(stage, answers[0], child, &ended);
  ::close(answers[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(stage.own_directory, code)) {
    if (entry.path().filename().string().starts_with("filler-")) ::unlink(entry.path().c_str());
  }
  return Judge(answer, ended, status);
}

bool Applies(const Stage& stage, const StageOptions& options, const Attempt& attempt,
             const std::string& only) {
  if (!only.empty() && attempt.name != only) return false;
  // A running server's directory is not filled and its work not imitated.
  const bool own_work = attempt.permitted || attempt.name.starts_with("many-");
  return attempt.applies(stage) && (options.live.empty() || !own_work);
}

// Without confinement an attempt may do what it says: each gets a stage of its own.
void RunControl(const StageOptions& options, const std::string& only) {
  for (const Attempt& attempt : AllAttempts()) {
    if (!only.empty() && attempt.name != only) continue;
    const pid_t child = ::fork();
    if (child == 0) {
      FillDirectory(options.directory);
      Stage stage = SetStage(options);
      if (Applies(stage, options, attempt, only)) {
        Print(attempt.name, CompartmentName(stage.self), RunAttempt(stage, attempt), &attempt);
      }
      ClearStage(stage, options);
      std::_Exit(0);
    }
    ::waitpid(child, nullptr, 0);
  }
}

void RunConfined(const StageOptions& options, const std::string& only) {
  Stage stage = SetStage(options);
  const std::string_view name = CompartmentName(stage.self);
  if (const Result<void> confined = ConfineSupervisor(); !confined) {
    Print("stage", name, {"broken", confined.error().message}, nullptr);
    std::exit(2);
  }
  for (const Attempt& attempt : AllAttempts()) {
    if (!Applies(stage, options, attempt, only)) continue;
    Print(attempt.name, name, RunAttempt(stage, attempt), &attempt);
  }
  const Finding after = LookAfterwards(stage);
  Print("afterwards", name, {after.succeeded ? "succeeded" : "refused", after.detail}, nullptr);
  ClearStage(stage, options);
}

int Usage() {
  fmt::print(stderr,
             "usage: attack_compartment fill DIR | run|control COMPARTMENT DIR "
             "[--live NAME=PID]... [--live-supervisor PID] [--only ATTEMPT]\n");
  return 2;
}

int ToNumber(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

int Main(int count, char** words) {
  const std::vector<std::string> arguments(words + 1, words + count);
  if (arguments == std::vector<std::string>{"exit-77"}) return kExecuted;
  if (arguments.size() == 2 && arguments[0] == "fill") {
    FillDirectory(arguments[1]);
    return 0;
  }
  if (arguments == std::vector<std::string>{"list"}) {
    for (const Attempt& attempt : AllAttempts()) fmt::print("{}\t{}\n", attempt.name, attempt.what);
    return 0;
  }
  if (arguments.size() < 3) return Usage();
  const std::optional<Compartment> self = CompartmentByName(arguments[1]);
  if (!self) return Usage();
  StageOptions options;
  options.self = *self;
  options.directory = arguments[2];
  options.confined = arguments[0] == "run";
  std::string only;
  for (size_t i = 3; i + 1 < arguments.size(); i += 2) {
    const std::string& value = arguments[i + 1];
    if (arguments[i] == "--only") only = value;
    if (arguments[i] == "--landlock-abi") options.kernel.landlock_abi = ToNumber(value);
    if (arguments[i] == "--seccomp") options.kernel.seccomp = value != "0";
    if (arguments[i] == "--live-supervisor") options.live_supervisor = ToNumber(value);
    if (arguments[i] == "--live") {
      const size_t equals = value.find('=');
      const std::optional<Compartment> other = CompartmentByName(value.substr(0, equals));
      if (!other) return Usage();
      options.live[*other] = ToNumber(value.substr(equals + 1));
    }
  }
  // The attacker's limits are the confinement's, not this shell's.
  rlimit limit{1U << 20, 1U << 20};
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  options.confined ? RunConfined(options, only) : RunControl(options, only);
  return 0;
}

}  // namespace
}  // namespace bulkhead

int main(int count, char** words) { return bulkhead::Main(count, words); }
