#include "main/confinement.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "base/memory_search.h"
#include "main/confinement_identity.h"

namespace bulkhead {
namespace {

constexpr int kNotConfined = 100;  // exit codes of the child beside those of the body
constexpr uint32_t kSomeUser = 61099;

struct Outcome {
  int exit_code = -1;
  int signal = 0;
};

// Runs `body` in a child; its result is the exit code.
Outcome InChild(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  if (WIFSIGNALED(status)) return {-1, WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

class ConfinementTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "bulkhead-confine-XXXXXX";
    dir_ = ::mkdtemp(name.data());
    ::chmod(dir_.c_str(), 0755);
    for (const char* sub : {"/own", "/read", "/other"}) {
      ASSERT_EQ(::mkdir((dir_ + sub).c_str(), 0777), 0);
      ::chmod((dir_ + sub).c_str(), 0777);
      std::ofstream(dir_ + sub + "/file") << "bytes";
      ::chmod((dir_ + sub + "/file").c_str(), 0666);
    }
    rules_.compartment = "test";
    rules_.read_paths = {dir_ + "/read"};
    rules_.write_paths = {dir_ + "/own"};
    rules_.max_descriptors = 64;
    rules_.max_file_bytes = 1 << 20;
    if (MayChangeUser()) {
      rules_.uid = kSomeUser;
      rules_.gid = kSomeUser;
      rules_.max_threads = 40;
    }
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  // The confined child's result; kNotConfined where it could not be confined.
  Outcome Confined(const std::function<int()>& body, const Downgrade& allowed = Downgrade::None(),
                   const KernelFacts& kernel = ProbeKernel()) {
    return InChild([&] {
      const Result<ConfinementReport> report = Confine(rules_, allowed, kernel);
      if (!report) std::fprintf(stderr, "%s\n", report.error().message.c_str());
      return report ? body() : kNotConfined;
    });
  }
  // errno of opening, 0 where it opens.
  static int Opening(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags, 0600);
    if (fd < 0) return errno;
    ::close(fd);
    return 0;
  }

  std::string dir_;
  ConfinementRules rules_;
};

TEST_F(ConfinementTest, PathsAreClosedButTheListedOnes) {
  EXPECT_EQ(Confined([&] { return Opening(dir_ + "/own/file", O_RDWR); }).exit_code, 0);
  EXPECT_EQ(Confined([&] { return Opening(dir_ + "/own/new", O_RDWR | O_CREAT); }).exit_code, 0);
  EXPECT_EQ(Confined([&] { return Opening(dir_ + "/read/file", O_RDONLY); }).exit_code, 0);
  EXPECT_EQ(Confined([&] { return Opening(dir_ + "/read/file", O_RDWR); }).exit_code, EACCES);
  EXPECT_EQ(Confined([&] { return Opening(dir_ + "/read/new", O_RDWR | O_CREAT); }).exit_code,
            EACCES);
  EXPECT_EQ(Confined([&] { return Opening(dir_ + "/other/file", O_RDONLY); }).exit_code, EACCES);
  EXPECT_EQ(Confined([&] { return Opening("/etc/passwd", O_RDONLY); }).exit_code, EACCES);
  EXPECT_EQ(Confined([&] { return Opening("/proc/self/status", O_RDONLY); }).exit_code, EACCES);
  EXPECT_NE(
      Confined([&] { return ::unlink((dir_ + "/read/file").c_str()) == 0 ? 0 : errno; }).exit_code,
      0);
  const auto attempt = [&] {
    const std::string from = dir_ + "/own/file";
    return ::rename(from.c_str(), (dir_ + "/own/renamed").c_str()) == 0 ? 0 : errno;
  };
  EXPECT_EQ(Confined(attempt).exit_code, 0);
}

// The same bytes must be reachable without the confinement, or the test above shows nothing.
TEST_F(ConfinementTest, WithoutItTheSamePathsAreOpen) {
  EXPECT_EQ(InChild([&] { return Opening(dir_ + "/other/file", O_RDWR); }).exit_code, 0);
  EXPECT_EQ(InChild([&] { return Opening("/etc/passwd", O_RDONLY); }).exit_code, 0);
}

TEST_F(ConfinementTest, AFileOpenForReadingCannotBeEmptied) {
  for (const int abi : {1, 2, ProbeKernel().landlock_abi}) {
    KernelFacts older = ProbeKernel();
    older.landlock_abi = abi;
    EXPECT_NE(Confined([&] { return Opening(dir_ + "/read/file", O_RDONLY | O_TRUNC); },
                       Downgrade::Everything(), older)
                  .exit_code,
              0);
  }
  EXPECT_EQ(std::filesystem::file_size(dir_ + "/read/file"), 5U);
}

TEST_F(ConfinementTest, CallsOfAttacksEndTheProcess) {
  EXPECT_EQ(Confined([] { return ::execl("/bin/true", "true", nullptr); }).signal, SIGSYS);
  const auto attempt = [] {
    return static_cast<int>(::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr));
  };
  EXPECT_EQ(Confined(attempt).signal, SIGSYS);
  EXPECT_EQ(Confined([] { return ::setuid(0); }).signal, SIGSYS);
  EXPECT_EQ(Confined([] { return static_cast<int>(::syscall(SYS_unshare, 0x10000000)); }).signal,
            SIGSYS);
}

TEST_F(ConfinementTest, NoProcessNoSocketNoExecutableMemory) {
  EXPECT_EQ(Confined([] { return ::fork() < 0 ? errno : 0; }).exit_code, ENOSYS);
  EXPECT_EQ(Confined([] { return ::socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0; }).exit_code,
            ENOSYS);
  const auto exec_memory = [] {
    void* memory =
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return 1;
    return ::mprotect(memory, 4096, PROT_READ | PROT_EXEC) != 0 ? errno : 0;
  };
  EXPECT_EQ(Confined(exec_memory).exit_code, ENOSYS);
  const auto pair_attempt = [] {
    int pair[2];
    return ::socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0 ? errno : 0;
  };
  EXPECT_EQ(Confined(pair_attempt).exit_code, ENOSYS);
  EXPECT_EQ(Confined([] { return ::kill(::getppid(), 0) != 0 ? errno : 0; }).exit_code, ENOSYS);
}

void* Sleep(void*) {
  ::sleep(600);
  return nullptr;
}

// How many threads could be started, at most `most`.
int StartThreads(int most) {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, size_t{64} * 1024);
  int started = 0;
  pthread_t thread{};
  while (started < most && pthread_create(&thread, &small, Sleep, nullptr) == 0) {
    ++started;
  }
  return started;
}

TEST_F(ConfinementTest, ThreadsWorkAndTheirNumberIsBounded) {
  EXPECT_EQ(Confined([] { return StartThreads(1); }).exit_code, 1);
  if (!rules_.uid) GTEST_SKIP() << "beside other tasks of this user the bound is wider";
  const Outcome outcome = Confined([] { return StartThreads(90); });
  EXPECT_GE(outcome.exit_code, 1);
  EXPECT_LE(outcome.exit_code, 40);
}

TEST_F(ConfinementTest, UserCapabilitiesAndFlagsAreGone) {
  const auto attempt = [&] {
    if (rules_.uid && ::getuid() != *rules_.uid) return 1;
    if (!HoldsNoCapability()) return 2;
    if (::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return 3;
    if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return 4;
    if (::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0) return 5;
    rlimit core{1, 1};
    if (::getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0) return 6;
    return 0;
  };
  EXPECT_EQ(Confined(attempt).exit_code, 0);
}

TEST_F(ConfinementTest, DescriptorsThatTheRulesDoNotKeepAreClosed) {
  const int kept = ::dup(2);
  const int lost = ::dup(2);
  rules_.keep_descriptors = {kept};
  EXPECT_EQ(Confined([&] { return ::fcntl(kept, F_GETFD) >= 0 ? 0 : errno; }).exit_code, 0);
  EXPECT_EQ(Confined([&] { return ::fcntl(lost, F_GETFD) >= 0 ? 0 : errno; }).exit_code, EBADF);
  ::close(kept);
  ::close(lost);
}

TEST_F(ConfinementTest, AFileEndsAtItsLimitWithAnError) {
  const auto attempt = [&] {
    const int fd = ::open((dir_ + "/own/large").c_str(), O_WRONLY | O_CREAT, 0600);
    const std::string block(1 << 19, 'x');
    for (int i = 0; i < 4; ++i) {
      if (::write(fd, block.data(), block.size()) < 0) return i == 2 ? errno : 1;
    }
    return 0;
  };
  EXPECT_EQ(Confined(attempt).exit_code, EFBIG);
}

TEST_F(ConfinementTest, MemoryEndsAtItsLimit) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's shadow is larger than any limit";
  rules_.max_memory_bytes = 256 << 20;
  const auto attempt = [] {
    const auto map = [](size_t size, int flags) {
      return ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED;
    };
    if (!map(16 << 20, MAP_PRIVATE | MAP_ANONYMOUS)) return 1;
    if (map(512 << 20, MAP_PRIVATE | MAP_ANONYMOUS)) return 2;
    return map(1 << 20, MAP_SHARED | MAP_ANONYMOUS) ? 3 : 0;  // would not be counted
  };
  EXPECT_EQ(Confined(attempt).exit_code, 0);
}

TEST_F(ConfinementTest, AcceptingIsAllowedWhereTheRulesSayAndNothingElse) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(listener, 4), 0);
  rules_.keep_descriptors = {listener};
  const auto accepting = [&] { return ::accept4(listener, nullptr, nullptr, 0) < 0 ? errno : 0; };
  EXPECT_EQ(Confined(accepting).exit_code, ENOSYS);
  rules_.may_accept = true;
  EXPECT_EQ(Confined(accepting).exit_code, EAGAIN);
  // A listening socket that is shut down can be connected by sending (TCP Fast Open), past
  // connect().
  socklen_t size = sizeof(address);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto attempt = [&] {
    ::shutdown(listener, SHUT_RD);
    char byte = 0;
    iovec part{&byte, 1};
    msghdr message{};
    message.msg_name = &address;
    message.msg_namelen = sizeof(address);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    return ::sendmsg(listener, &message, MSG_FASTOPEN) < 0 ? errno : 0;
  };
  EXPECT_EQ(Confined(attempt).exit_code, ENOSYS);
  ::close(listener);
}

TEST_F(ConfinementTest, ConnectingOutEndsAtTheListedPorts) {
  if (ProbeKernel().landlock_abi < 4) GTEST_SKIP() << "this kernel knows no ports";
  rules_.may_connect_out = true;
  rules_.connect_ports = {443};
  const auto connect = [](uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0) return 1000;
    return ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
  };
  EXPECT_EQ(Confined([&] { return connect(9); }).exit_code, EACCES);
  EXPECT_NE(Confined([&] { return connect(443); }).exit_code, EACCES);
  EXPECT_EQ(Confined([] { return ::socket(AF_NETLINK, SOCK_RAW, 0) < 0 ? errno : 0; }).exit_code,
            ENOSYS);
  constexpr int kMultipath = 262;  // would pass by the ports
  EXPECT_EQ(
      Confined([] { return ::socket(AF_INET, SOCK_STREAM, kMultipath) < 0 ? errno : 0; }).exit_code,
      ENOSYS);
}

TEST_F(ConfinementTest, AMissingPartIsRefusedByNameUnlessAllowed) {
  if (kSanitized) GTEST_SKIP() << "UBSan cannot read what it checks types with once confined";
  KernelFacts debian12 = ProbeKernel();
  debian12.landlock_abi = 2;
  const auto refused = [&] {
    const Result<ConfinementReport> report = Confine(rules_, Downgrade::None(), debian12);
    if (report || report.error().code != ErrorCode::kUnavailable) return 1;
    for (const char* part : {"landlock-truncate", "landlock-tcp", "landlock-devices",
                             "landlock-scopes", "--allow-weaker-confinement="}) {
      if (report.error().message.find(part) == std::string::npos) return 2;
    }
    return report.error().message.find("landlock-files:") == std::string::npos ? 0 : 3;
  };
  EXPECT_EQ(InChild(refused).exit_code, 0);
  const Result<Downgrade> allowed =
      Downgrade::Parse("landlock-truncate,landlock-tcp,landlock-devices,landlock-scopes");
  ASSERT_TRUE(allowed);
  // What the older kernel has is in force, and the report does not call it whole.
  const auto with_less = [&] {
    const Result<ConfinementReport> report = Confine(rules_, *allowed, debian12);
    if (!report || !report->degraded() || report->Missing().size() != 4) return 1;
    if (DescribeConfinement(*report).find("DEGRADED") == std::string::npos) return 2;
    return Opening(dir_ + "/other/file", O_RDONLY);
  };
  EXPECT_EQ(InChild(with_less).exit_code, EACCES);
}

TEST_F(ConfinementTest, WithoutLandlockOrSeccompOnlyByName) {
  const Result<Downgrade> files = Downgrade::Parse("seccomp");
  EXPECT_EQ(Confined([] { return 0; }, *files, KernelFacts{0, false}).exit_code, kNotConfined);
  EXPECT_EQ(Confined([] { return 0; }, Downgrade::Everything(), KernelFacts{0, false}).exit_code,
            0);
  EXPECT_EQ(Downgrade::Parse("landlock").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(Downgrade::Parse("all")->parts.size(), AllParts().size());
}

TEST_F(ConfinementTest, AMissingPathIsAnError) {
  rules_.read_paths.push_back(dir_ + "/absent");
  const auto attempt = [&] {
    const Result<ConfinementReport> report = Confine(rules_, Downgrade::None());
    return !report && report.error().code == ErrorCode::kNotFound ? 0 : 1;
  };
  EXPECT_EQ(InChild(attempt).exit_code, 0);
}

TEST_F(ConfinementTest, OnlyAProcessOfOneThread) {
  const auto attempt = [&] {
    std::thread other([] { ::sleep(60); });
    const Result<ConfinementReport> report = Confine(rules_, Downgrade::None());
    other.detach();
    return !report && report.error().code == ErrorCode::kBug ? 0 : 1;
  };
  EXPECT_EQ(InChild(attempt).exit_code, 0);
}

TEST_F(ConfinementTest, TheReportSaysWhatHolds) {
  const ConfinementReport report = PlannedConfinement(rules_, KernelFacts{7, true});
  EXPECT_EQ(report.parts.size(), AllParts().size());
  for (size_t i = 0; i < report.parts.size(); ++i) EXPECT_EQ(report.parts[i].part, AllParts()[i]);
  EXPECT_FALSE(report.degraded());
  EXPECT_NE(DescribeConfinement(report).find("test: confined\n"), std::string::npos);
  EXPECT_NE(ConfinementJson(report).find(R"({"name":"seccomp","state":"in force")"),
            std::string::npos);
  EXPECT_NE(
      ConfinementMetrics({report}).find("bulkhead_confinement_degraded{compartment=\"test\"} 0"),
      std::string::npos);
  EXPECT_TRUE(ConfinementReport{}.degraded()) << "a report that says nothing is not a good one";
  const ConfinementReport older = PlannedConfinement(rules_, KernelFacts{2, true});
  EXPECT_NE(ConfinementJson(older).find(R"("degraded":true)"), std::string::npos);
  EXPECT_NE(ConfinementMetrics({older}).find("part=\"landlock-tcp\"} 0"), std::string::npos);
}

TEST_F(ConfinementTest, TheSupervisorStartsChildrenAndNoAttack) {
  const auto start_child = [] {
    if (!ConfineSupervisor()) return 1;
    const pid_t child = ::fork();
    if (child == 0) {
      ::execl("/bin/true", "true", nullptr);
      ::_exit(2);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
  };
  EXPECT_EQ(InChild(start_child).exit_code, 0);
  const auto attack = [] {
    if (!ConfineSupervisor()) return 1;
    return static_cast<int>(::syscall(SYS_bpf, 0, nullptr, 0));
  };
  EXPECT_EQ(InChild(attack).signal, SIGSYS);
}

TEST_F(ConfinementTest, AChildOfTheSupervisorCanBeConfined) {
  const auto attempt = [&] {
    if (!ConfineSupervisor()) return 1;
    return Confined([] { return 0; }).exit_code;
  };
  EXPECT_EQ(InChild(attempt).exit_code, 0);
}

}  // namespace
}  // namespace bulkhead
