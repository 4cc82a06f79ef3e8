// Attempts on the kernel's wide doors and on the view of the system.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "attack_stage.h"

namespace bulkhead {
namespace {

Finding IoUring(const Stage&) {
  io_uring_params parameters{};
  return FromCall(::syscall(SYS_io_uring_setup, 4, &parameters));
}

Finding BpfMap(const Stage&) {
  bpf_attr attribute{};
  attribute.map_type = BPF_MAP_TYPE_ARRAY;
  attribute.key_size = 4;
  attribute.value_size = 4;
  attribute.max_entries = 1;
  return FromCall(::syscall(SYS_bpf, BPF_MAP_CREATE, &attribute, sizeof(attribute)));
}

Finding PerfEvent(const Stage&) {
  perf_event_attr attribute{};
  attribute.size = sizeof(attribute);
  attribute.type = PERF_TYPE_SOFTWARE;
  attribute.config = PERF_COUNT_SW_CPU_CLOCK;
  return FromCall(::syscall(SYS_perf_event_open, &attribute, 0, -1, -1, 0));
}

Finding UserFault(const Stage&) {
  return FromCall(::syscall(SYS_userfaultfd, 1));
}  // user mode only

Finding KernelKeys(const Stage&) {
  constexpr int kGetKeyringId = 0;
  constexpr int kProcessKeyring = -2;
  return FromCall(::syscall(SYS_keyctl, kGetKeyringId, kProcessKeyring, 1));
}

Finding AddKey(const Stage&) {
  constexpr int kProcessKeyring = -2;
  return FromCall(::syscall(SYS_add_key, "user", "bulkhead-attack", "x", 1, kProcessKeyring));
}

Finding Mount(const Stage& stage) {
  const char* target = stage.own_directory.c_str();
  if (::mount("none", target, "tmpfs", 0, nullptr) != 0) return Refused();
  ::umount2(target, MNT_DETACH);
  return Got("mounted");
}

Finding NewMountApi(const Stage&) { return FromCall(::syscall(SYS_fsopen, "tmpfs", 0)); }

Finding UserNamespace(const Stage&) { return FromCall(::unshare(CLONE_NEWUSER)); }
Finding MountNamespace(const Stage&) { return FromCall(::unshare(CLONE_NEWNS)); }

Finding EnterNamespace(const Stage&) {
  const int fd = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  return FromCall(::setns(fd, CLONE_NEWNET));
}

Finding ChangeRoot(const Stage& stage) { return FromCall(::chroot(stage.own_directory.c_str())); }

Finding PivotRoot(const Stage& stage) {
  const char* own = stage.own_directory.c_str();
  return FromCall(::syscall(SYS_pivot_root, own, own));
}

Finding LoadModule(const Stage&) { return FromCall(::syscall(SYS_init_module, nullptr, 0, "")); }

Finding KernelLog(const Stage&) {
  constexpr int kSizeOfBuffer = 10;
  return FromCall(::klogctl(kSizeOfBuffer, nullptr, 0));
}

Finding SetClock(const Stage&) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return FromCall(::clock_settime(CLOCK_REALTIME, &now));
}

Finding MessageQueue(const Stage&) {
  const int id = ::msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  if (id < 0) return Refused();
  ::msgctl(id, IPC_RMID, nullptr);
  return Got("made a queue");
}

Finding PosixQueue(const Stage&) {
  const mqd_t queue = ::mq_open("/bulkhead-attack", O_RDWR | O_CREAT, 0600, nullptr);
  if (queue == -1) return Refused();
  ::mq_unlink("/bulkhead-attack");
  return Got("made a queue");
}

Finding FanNotify(const Stage&) { return FromCall(::syscall(SYS_fanotify_init, 0, 0)); }

Finding IoPorts(const Stage&) {
#if defined(__x86_64__)
  return FromCall(::syscall(SYS_iopl, 3));
#else
  return {false, "not on this machine"};
#endif
}

Finding RealTime(const Stage&) {
  sched_param parameter{};
  parameter.sched_priority = 1;
  return FromCall(::sched_setscheduler(0, SCHED_FIFO, &parameter));
}

}  // namespace

std::vector<Attempt> KernelAttempts() {
  const Control always = Control::kSucceeds;
  const Control root = Control::kNeedsRoot;
  const Control may = Control::kMayNotWork;
  return {
      {"io-uring", "io_uring_setup: calls past the filter", may, IoUring},
      {"bpf", "bpf: a map", may, BpfMap},
      {"perf", "perf_event_open", may, PerfEvent},
      {"userfault", "userfaultfd", may, UserFault},
      {"keyctl", "the kernel's key rings", may, KernelKeys},
      {"add-key", "add a key", may, AddKey},
      {"mount", "mount over its own directory", root, Mount},
      {"mount-api", "fsopen", root, NewMountApi},
      {"user-namespace", "a user name space, in which it would be root", may, UserNamespace},
      {"mount-namespace", "a mount name space", root, MountNamespace},
      {"enter-namespace", "setns", root, EnterNamespace},
      {"change-root", "chroot", root, ChangeRoot},
      {"pivot-root", "pivot_root", may, PivotRoot},
      {"load-module", "init_module", may, LoadModule},
      {"kernel-log", "read the kernel's log", root, KernelLog},
      {"set-clock", "set the clock", root, SetClock},
      {"message-queue", "System V message queue", always, MessageQueue},
      {"posix-queue", "POSIX message queue", may, PosixQueue},
      {"fanotify", "fanotify_init", may, FanNotify},
      {"io-ports", "iopl", may, IoPorts},
      {"real-time", "run before all others", root, RealTime},
  };
}

}  // namespace bulkhead
