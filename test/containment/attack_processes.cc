// Attempts on other processes and on the attacker's own limits: memory of siblings, signals, new
// programs and processes, privileges.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "attack_stage.h"

namespace bulkhead {
namespace {

pid_t Sibling(const Stage& stage) { return stage.siblings.front(); }

Finding ReadProc(const Stage& stage, const char* name) {
  Finding finding{false, "no target"};
  for (const pid_t sibling : stage.siblings) {
    const std::string path = fmt::format("/proc/{}/{}", sibling, name);
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      finding = Refused();
      continue;
    }
    char byte = 0;
    const bool memory = std::strcmp(name, "mem") == 0;
    const ssize_t got = memory ? ::pread(fd, &byte, 1, static_cast<off_t>(stage.sibling_address))
                               : ::read(fd, &byte, 1);
    finding = got >= 0 ? Got("read " + path) : Refused();
    ::close(fd);
    if (finding.succeeded || memory) return finding;
  }
  return finding;
}

Finding ProcDescriptors(const Stage& stage) {
  const std::string path = fmt::format("/proc/{}/fd", Sibling(stage));
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Refused();
  ::close(fd);
  return Got("listed " + path);
}

Finding ProcRoot(const Stage& stage) {
  const std::string path = fmt::format("/proc/{}/{}/etc/passwd", Sibling(stage), "root");
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Refused();
  ::close(fd);
  return Got("opened " + path);
}

Finding SupervisorMemory(const Stage& stage) {
  const std::string path = fmt::format("/proc/{}/mem", stage.supervisor);
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return Refused();
  ::close(fd);
  return Got("opened " + path);
}

Finding Trace(pid_t target) {
  if (::ptrace(PTRACE_SEIZE, target, nullptr, nullptr) != 0) return Refused();
  ::ptrace(PTRACE_DETACH, target, nullptr, nullptr);
  return Got("attached");
}

Finding ReadMemory(const Stage& stage) {
  char byte = 0;
  iovec here{&byte, 1};
  iovec there{reinterpret_cast<void*>(stage.sibling_address), 1};
  return FromCall(::process_vm_readv(Sibling(stage), &here, 1, &there, 1, 0));
}

Finding WriteMemory(const Stage& stage) {
  char byte = 0;
  iovec here{&byte, 1};
  iovec there{reinterpret_cast<void*>(stage.sibling_address), 1};
  if (::process_vm_readv(Sibling(stage), &here, 1, &there, 1, 0) != 1) return Refused();
  return FromCall(::process_vm_writev(Sibling(stage), &here, 1, &there, 1, 0));
}

Finding TakeDescriptor(const Stage& stage) {
  const long pidfd = ::syscall(SYS_pidfd_open, Sibling(stage), 0);
  if (pidfd < 0) return Refused();
  return FromCall(::syscall(SYS_pidfd_getfd, pidfd, 2, 0));
}

Finding SignalByPidfd(const Stage& stage) {
  const long pidfd = ::syscall(SYS_pidfd_open, Sibling(stage), 0);
  if (pidfd < 0) return Refused();
  return FromCall(::syscall(SYS_pidfd_send_signal, pidfd, SIGURG, nullptr, 0));
}

Finding QueueSignal(const Stage& stage) {
  siginfo_t info{};
  info.si_signo = SIGURG;
  info.si_code = SI_QUEUE;
  return FromCall(::syscall(SYS_rt_sigqueueinfo, Sibling(stage), SIGURG, &info));
}

// The kernel sends the signal when the channel becomes readable, to whomever the owner is said to
// be.
Finding SignalByOwner(const Stage& stage) {
  return FromCall(::fcntl(stage.channel, F_SETOWN, Sibling(stage)));
}

Finding Execute(const Stage&) {
  // In the control the shell itself reports by its exit code: see the runner.
  ::execl("/bin/sh", "sh", "-c", "exit 77", nullptr);
  return Refused();
}

Finding ExecuteFromMemory(const Stage& stage) {
  const int program = ::open(stage.program.c_str(), O_RDONLY | O_CLOEXEC);
  const int memory = static_cast<int>(::syscall(SYS_memfd_create, "x", 0));
  if (memory < 0) return Refused();
  char block[65536];
  for (ssize_t got = 0; (got = ::read(program, block, sizeof(block))) > 0;) {
    if (::write(memory, block, static_cast<size_t>(got)) != got) return Refused();
  }
  char name[] = "x";
  char argument[] = "exit-77";
  char* const arguments[] = {name, argument, nullptr};
  char* const environment[] = {nullptr};
  ::syscall(SYS_execveat, memory, "", arguments, environment, AT_EMPTY_PATH);
  return Refused();
}

Finding AfterFork(long child) {
  if (child == 0) ::_exit(0);
  if (child < 0) return Refused();
  ::waitpid(static_cast<pid_t>(child), nullptr, 0);
  return Got("made a process");
}

Finding CloneThree(const Stage&) {
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  return AfterFork(::syscall(SYS_clone3, &arguments, sizeof(arguments)));
}

// A thread that would be outside of the thread group: it shares memory, not limits and signals.
Finding CloneSharing(const Stage&) {
  return AfterFork(
      ::syscall(SYS_clone, CLONE_FS | CLONE_FILES | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}

Finding ForkBomb(const Stage&) {
  int made = 0;
  for (int i = 0; i < 100; ++i) {
    const long child = ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
    if (child == 0) {
      ::sleep(1);
      ::_exit(0);
    }
    if (child > 0) ++made;
  }
  if (made == 0) return Refused();
  while (::wait(nullptr) > 0) {
  }
  return Got(fmt::format("{} processes", made));
}

Finding LimitsOfSupervisor(const Stage& stage) {
  rlimit limit{};
  if (::prlimit(stage.supervisor, RLIMIT_NOFILE, nullptr, &limit) != 0) return Refused();
  return FromCall(::prlimit(stage.supervisor, RLIMIT_NOFILE, &limit, nullptr));
}

Finding RaiseOwnLimits(const Stage& stage) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max = limit.rlim_max + (stage.confined ? 1 : 0);
  return FromCall(::setrlimit(RLIMIT_NOFILE, &limit));
}

Finding AllowCoreFiles(const Stage&) {
  const rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  return FromCall(::setrlimit(RLIMIT_CORE, &limit));
}

Finding Priority(const Stage& stage) {
  return FromCall(::setpriority(PRIO_PROCESS, static_cast<id_t>(Sibling(stage)), 19));
}

Finding Affinity(const Stage& stage) {
  cpu_set_t cpus;
  if (::sched_getaffinity(0, sizeof(cpus), &cpus) != 0) return Refused();
  return FromCall(::sched_setaffinity(Sibling(stage), sizeof(cpus), &cpus));
}

Finding Compare(const Stage& stage) {
  return FromCall(::syscall(SYS_kcmp, ::getpid(), Sibling(stage), KCMP_FILE, 0, 0));
}

Finding BecomeRoot(const Stage&) { return FromCall(::syscall(SYS_setresuid, 0, 0, 0)); }
Finding JoinGroup(const Stage&) {
  const gid_t group = 0;
  return FromCall(::syscall(SYS_setgroups, 1, &group));
}

Finding RegainCapabilities(const Stage&) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2]{};
  sets[0].effective = sets[0].permitted = 1U << CAP_SETUID;
  return FromCall(::syscall(SYS_capset, &header, sets));
}

Finding Dumpable(const Stage&) { return FromCall(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); }
Finding AllowTracing(const Stage&) {
  return FromCall(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0 ? 0
                                                            : ::prctl(PR_SET_PTRACER, -1, 0, 0, 0));
}
Finding OutliveSupervisor(const Stage&) { return FromCall(::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0)); }

}  // namespace

std::vector<Attempt> ProcessAttempts() {
  const Control always = Control::kSucceeds;
  const Control root = Control::kNeedsRoot;
  return {
      {"proc-mem", "read a sibling's memory by /proc", always,
       [](const Stage& s) { return ReadProc(s, "mem"); }},
      {"proc-maps", "read a sibling's map of memory", always,
       [](const Stage& s) { return ReadProc(s, "maps"); }},
      {"proc-environ", "read a sibling's environment", always,
       [](const Stage& s) { return ReadProc(s, "environ"); }},
      {"proc-cmdline", "read a sibling's arguments", always,
       [](const Stage& s) { return ReadProc(s, "cmdline"); }},
      {"proc-fd", "list a sibling's descriptors", always, ProcDescriptors},
      {"proc-root", "enter by a sibling's root directory", always, ProcRoot},
      {"supervisor-mem", "open the supervisor's memory, which holds the root key", always,
       SupervisorMemory},
      {"ptrace-sibling", "attach to a sibling", always,
       [](const Stage& s) { return Trace(Sibling(s)); }},
      {"ptrace-supervisor", "attach to the supervisor", Control::kMayNotWork,
       [](const Stage& s) { return Trace(s.supervisor); }},
      {"vm-read", "process_vm_readv", always, ReadMemory},
      {"vm-write", "process_vm_writev", always, WriteMemory},
      {"take-descriptor", "pidfd_getfd from a sibling", always, TakeDescriptor},
      {"kcmp", "compare kernel objects with a sibling's", Control::kMayNotWork, Compare},
      {"kill-sibling", "kill(2) a sibling", always,
       [](const Stage& s) { return FromCall(::kill(Sibling(s), SIGURG)); }},
      {"kill-supervisor", "kill(2) the supervisor", always,
       [](const Stage& s) { return FromCall(::kill(s.supervisor, SIGURG)); }},
      {"kill-all", "kill(2) the process group", always,
       [](const Stage&) { return FromCall(::kill(0, SIGURG)); }},
      {"tgkill-sibling", "tgkill a sibling's thread", always,
       [](const Stage& s) {
         return FromCall(::syscall(SYS_tgkill, Sibling(s), Sibling(s), SIGURG));
       }},
      {"tkill-sibling", "tkill a sibling's thread", always,
       [](const Stage& s) { return FromCall(::syscall(SYS_tkill, Sibling(s), SIGURG)); }},
      {"queue-signal", "rt_sigqueueinfo", always, QueueSignal},
      {"signal-by-pidfd", "pidfd_send_signal", always, SignalByPidfd},
      {"signal-by-owner", "have the kernel signal a sibling (F_SETOWN)", always, SignalByOwner},
      {"exec", "start /bin/sh", always, Execute},
      {"exec-from-memory", "start a program from a memfd", always, ExecuteFromMemory},
      {"fork", "fork(2) as a system call", always,
       [](const Stage&) { return AfterFork(::syscall(SYS_fork)); }},
      {"fork-libc", "fork as the C library does", always,
       [](const Stage&) { return AfterFork(::fork()); }},
      {"clone-sharing", "clone that shares files and not the thread group", always, CloneSharing},
      {"clone3", "clone3 of a process", always, CloneThree},
      {"fork-bomb", "a hundred processes", always, ForkBomb},
      {"limits-of-supervisor", "prlimit on the supervisor", always, LimitsOfSupervisor},
      {"raise-own-limits", "raise its own limits", always, RaiseOwnLimits},
      {"allow-core-files", "allow core files again", root, AllowCoreFiles},
      {"priority", "lower a sibling's priority", always, Priority},
      {"affinity", "pin a sibling to a processor", always, Affinity},
      {"become-root", "setresuid(0)", root, BecomeRoot},
      {"join-group", "setgroups", root, JoinGroup},
      {"regain-capabilities", "capset", root, RegainCapabilities},
      {"dumpable", "open its memory to its user again", always, Dumpable},
      {"allow-tracing", "let anyone trace it", always, AllowTracing},
      {"outlive-supervisor", "take back that it ends with the supervisor", always,
       OutliveSupervisor},
  };
}

}  // namespace bulkhead
