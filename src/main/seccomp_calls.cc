#include "main/seccomp_calls.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <initializer_list>

#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

namespace bulkhead {
namespace {

constexpr uint64_t kThreadFlags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                                  CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
                                  CLONE_CHILD_CLEARTID;  // what pthread_create asks for

scmp_arg_cmp Is(unsigned argument, uint64_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }
scmp_arg_cmp HasBits(unsigned argument, uint64_t mask, uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}
scmp_arg_cmp Without(unsigned argument, uint64_t mask) { return HasBits(argument, mask, 0); }

void AllowValues(std::string_view call, unsigned argument, std::initializer_list<uint64_t> values,
                 std::vector<ConditionalCall>* out) {
  for (const uint64_t value : values) out->push_back({call, {Is(argument, value)}});
}

// No executable memory, and none that is shared without a file: the limit on memory does not count
// it.
void AddMemory(std::vector<ConditionalCall>* out) {
  for (const uint64_t sharing : {uint64_t{0}, uint64_t{MAP_ANONYMOUS}, uint64_t{MAP_SHARED}}) {
    out->push_back(
        {"mmap", {Without(2, PROT_EXEC), HasBits(3, MAP_ANONYMOUS | MAP_SHARED, sharing)}});
  }
  out->push_back({"mprotect", {Without(2, PROT_EXEC)}});
}

void AddProcess(std::vector<ConditionalCall>* out) {
  out->push_back({"clone", {Is(0, kThreadFlags)}});
  out->push_back({"tgkill", {Is(0, static_cast<uint64_t>(::getpid()))}});
  out->push_back({"prlimit64", {Is(0, 0), Is(2, 0)}});  // its own limits, to read
  AllowValues("prctl", 0,
              {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS, PR_GET_SECCOMP,
               PR_GET_PDEATHSIG},
              out);
}

void AddFiles(bool write_files, std::vector<ConditionalCall>* out) {
  // O_TRUNC on a file opened for reading would empty what may only be read, and before ABI 3
  // Landlock does not see it.
  for (const uint64_t mode : {uint64_t{O_WRONLY}, uint64_t{O_RDWR}}) {
    out->push_back({"openat", {HasBits(2, O_ACCMODE, mode)}});
  }
  out->push_back({"openat", {HasBits(2, O_ACCMODE | O_TRUNC, O_RDONLY)}});
  AllowValues("fcntl", 1, {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC}, out);
  if (write_files) AllowValues("fcntl", 1, {F_GETLK, F_SETLK, F_SETLKW}, out);
  AllowValues("ioctl", 1, {FIONBIO, FIONREAD, TCGETS, FIOCLEX}, out);
}

// Without addresses and without TCP Fast Open, by which a send is a connect that neither the filter
// nor Landlock would see.
void AddSockets(std::vector<ConditionalCall>* out) {
  out->push_back({"sendto", {Without(3, MSG_FASTOPEN), Is(4, 0)}});
  out->push_back({"sendmsg", {Without(2, MSG_FASTOPEN)}});
  for (const int option :
       {SO_RCVTIMEO, SO_SNDTIMEO, SO_KEEPALIVE, SO_LINGER, SO_RCVBUF, SO_SNDBUF}) {
    out->push_back({"setsockopt", {Is(1, SOL_SOCKET), Is(2, static_cast<uint64_t>(option))}});
  }
  for (const int option : {TCP_NODELAY, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT,
                           TCP_QUICKACK, TCP_CORK}) {
    out->push_back({"setsockopt", {Is(1, IPPROTO_TCP), Is(2, static_cast<uint64_t>(option))}});
  }
}

// TCP and the resolver's UDP. Other protocols (MPTCP, SCTP, SMC) would pass by Landlock's ports.
void AddConnecting(std::vector<ConditionalCall>* out) {
  constexpr uint64_t kKindMask = ~static_cast<uint64_t>(SOCK_CLOEXEC | SOCK_NONBLOCK);
  for (const uint64_t family : {uint64_t{AF_INET}, uint64_t{AF_INET6}}) {
    for (const uint64_t protocol : {uint64_t{0}, uint64_t{IPPROTO_TCP}}) {
      out->push_back(
          {"socket", {Is(0, family), HasBits(1, kKindMask, SOCK_STREAM), Is(2, protocol)}});
    }
    for (const uint64_t protocol : {uint64_t{0}, uint64_t{IPPROTO_UDP}}) {
      out->push_back(
          {"socket", {Is(0, family), HasBits(1, kKindMask, SOCK_DGRAM), Is(2, protocol)}});
    }
  }
  out->push_back({"sendmmsg", {Without(3, MSG_FASTOPEN)}});
  out->push_back({"setsockopt", {Is(1, IPPROTO_IP), Is(2, IP_RECVERR)}});
  out->push_back({"setsockopt", {Is(1, IPPROTO_IPV6), Is(2, IPV6_RECVERR)}});
  out->push_back({"setsockopt", {Is(1, IPPROTO_IPV6), Is(2, IPV6_V6ONLY)}});
}

}  // namespace

std::vector<SeccompGroup> AllowedGroups(const SeccompAllowance& allowance) {
  std::vector<SeccompGroup> groups = {
      {"memory",
       {"brk", "munmap", "mremap", "madvise", "msync", "mlock", "mlock2", "munlock", "membarrier"}},
      {"threads",
       {"exit", "exit_group", "futex", "get_robust_list", "set_robust_list", "rseq",
        "set_tid_address", "sched_yield", "sched_getaffinity", "getcpu", "restart_syscall"}},
      {"time",
       {"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
        "timerfd_create", "timerfd_settime", "timerfd_gettime"}},
      {"signals",
       {"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "rt_sigpending",
        "sigaltstack", "signalfd4"}},
      {"process",
       {"getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getresuid",
        "getresgid", "getgroups", "getrusage", "times", "uname", "sysinfo", "getrandom", "capget"}},
      {"descriptors",
       {"read", "write", "readv", "writev", "close", "dup", "dup3", "lseek", "fstat", "poll",
        "ppoll", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "eventfd2"}},
      {"reading files",
       {"pread64", "preadv", "newfstatat", "stat", "lstat", "statx", "statfs", "fstatfs", "access",
        "faccessat", "faccessat2", "readlink", "readlinkat", "getdents64", "fadvise64", "getcwd"}},
      {"channels", {"recvfrom", "recvmsg", "shutdown", "getsockopt", "getsockname", "getpeername"}},
  };
  if (allowance.write_files) {
    groups.push_back(
        {"writing files",
         {"pwrite64", "pwritev", "fsync", "fdatasync", "ftruncate", "fallocate", "flock", "mkdir",
          "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2"}});
  }
  if (allowance.accept) groups.push_back({"accepting", {"accept", "accept4"}});
  if (allowance.connect_out) groups.push_back({"connecting", {"connect", "recvmmsg"}});
  return groups;
}

std::vector<ConditionalCall> ConditionalCalls(const SeccompAllowance& allowance) {
  std::vector<ConditionalCall> calls;
  AddMemory(&calls);
  AddProcess(&calls);
  AddFiles(allowance.write_files, &calls);
  AddSockets(&calls);
  // What is relayed to core goes over pairs that intake makes, one for each connection.
  if (allowance.accept) {
    calls.push_back({"socketpair", {Is(0, AF_UNIX), Is(1, SOCK_STREAM | SOCK_CLOEXEC), Is(2, 0)}});
  }
  if (allowance.connect_out) AddConnecting(&calls);
  return calls;
}

const std::vector<std::string_view>& EndingCalls() {
  static const std::vector<std::string_view> calls = {
      // another program, another process's memory or descriptors
      "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev",
      "process_madvise", "kcmp", "pidfd_open", "pidfd_getfd", "pidfd_send_signal",
      // wide doors into the kernel
      "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
      "io_uring_register", "keyctl", "add_key", "request_key", "modify_ldt", "personality",
      // other views of the file system and of the machine
      "mount", "umount2", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick",
      "mount_setattr", "pivot_root", "chroot", "unshare", "setns", "open_by_handle_at",
      "fanotify_init", "mknod", "mknodat", "swapon", "swapoff", "quotactl", "acct",
      // the kernel itself and the clock
      "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
      "iopl", "ioperm", "syslog", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
      "sethostname", "setdomainname", "vhangup",
      // privileges
      "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid",
      "setfsgid", "capset"};
  return calls;
}

const std::vector<std::string_view>& SupervisorEndingCalls() {
  static const std::vector<std::string_view> calls = [] {
    const std::vector<std::string_view> needed = {
        "execve",    "fork",      "vfork",    "pidfd_open", "pidfd_send_signal",
        "setuid",    "setgid",    "setreuid", "setregid",   "setresuid",
        "setresgid", "setgroups", "setfsuid", "setfsgid",   "capset"};
    std::vector<std::string_view> ending;
    for (const std::string_view call : EndingCalls()) {
      if (std::find(needed.begin(), needed.end(), call) == needed.end()) ending.push_back(call);
    }
    return ending;
  }();
  return calls;
}

}  // namespace bulkhead
