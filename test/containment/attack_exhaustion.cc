// Attempts to use up what all share, and the work that is permitted.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "attack_stage.h"

namespace bulkhead {
namespace {

constexpr size_t kMiB = 1024 * 1024;

Finding FillMemory(int flags) {
  constexpr size_t kPiece = 16 * kMiB;
  constexpr size_t kTarget = 768 * kMiB;  // the stage's limit is 512
  size_t total = 0;
  while (total < kTarget) {
    void* piece = ::mmap(nullptr, kPiece, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (piece == MAP_FAILED) return Refused();
    std::memset(piece, 1, kPiece);
    total += kPiece;
  }
  return Got(fmt::format("{} MiB", total / kMiB));
}

Finding OneLargeFile(const Stage& stage) {
  const std::string path = stage.own_directory + "/large";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Refused();
  const Finding finding =
      FromCall(::pwrite(fd, "x", 1, static_cast<off_t>(stage.rules.max_file_bytes)));
  ::close(fd);
  ::unlink(path.c_str());
  return finding;
}

// The runner plays the supervisor's part, with a quota of 64 MiB.
Finding ManyBytes(const Stage& stage) {
  const std::string block(kMiB, 'x');
  for (int file = 0; file < 8; ++file) {
    const std::string path = fmt::format("{}/filler-{}", stage.own_directory, file);
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return Refused();
    for (int i = 0; i < 32; ++i) {
      if (::write(fd, block.data(), block.size()) < 0) return Refused();
      ::fdatasync(fd);  // the pace of a real disk
    }
    ::close(fd);
  }
  return Got("256 MiB in files");
}

// With a quota of 2000 files: they would use up inodes, not bytes.
Finding ManyFiles(const Stage& stage) {
  for (int file = 0; file < 20000; ++file) {
    const std::string path = fmt::format("{}/filler-{}", stage.own_directory, file);
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return Refused();
    ::close(fd);
  }
  return Got("20,000 files");
}

Finding ManyDescriptors(const Stage& stage) {
  for (uint32_t i = 0; i <= stage.rules.max_descriptors; ++i) {
    if (::dup(2) < 0) return Refused();
  }
  return Got("more descriptors than its limit");
}

void* Wait(void*) {
  for (;;) ::sleep(3600);
}

Finding ManyThreads(const Stage& stage) {
  const uint32_t most = stage.rules.max_threads + 600;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 32 * 1024);
  for (uint32_t started = 0; started < most; ++started) {
    pthread_t thread{};
    if (const int code = pthread_create(&thread, &small, Wait, nullptr); code != 0) {
      return {false, fmt::format("{} threads, then {}", started, std::strerror(code))};
    }
  }
  return Got(fmt::format("{} threads", most));
}

// --- What it may do ---

Finding OwnFiles(const Stage& stage) {
  const std::string path = stage.own_directory + "/work";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || ::pwrite(fd, "work", 4, 0) != 4 || ::fdatasync(fd) != 0) return Refused();
  ::close(fd);
  if (::rename(path.c_str(), (path + "-done").c_str()) != 0) return Refused();
  return FromCall(::unlink((path + "-done").c_str()));
}

Finding ReadableFile(const Stage& stage) {
  const int fd = ::open(stage.read_only_file.c_str(), O_RDONLY | O_CLOEXEC);
  char byte = 0;
  return fd >= 0 && ::read(fd, &byte, 1) == 1 ? Got("read") : Refused();
}

Finding StartThread(const Stage&) {
  bool ran = false;
  std::thread([&] { ran = true; }).join();
  return ran ? Got("ran") : Refused();
}

// The runner connects to the listener meanwhile.
Finding AcceptConnection(const Stage& stage) {
  pollfd ready{stage.listener, POLLIN, 0};
  if (::poll(&ready, 1, 10000) != 1) return {false, "nobody came"};
  return FromCall(::accept4(stage.listener, nullptr, nullptr, SOCK_CLOEXEC));
}

// To a port of the list, where nobody listens: that is the other side's refusal, not the kernel's.
Finding ConnectToListedPort(const Stage& stage) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(stage.rules.connect_ports.front());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0) return Refused();
  const int result = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  return result == 0 || errno == ECONNREFUSED ? Got("it sent a SYN") : Refused();
}

Finding UseChannel(const Stage& stage) {
  return FromCall(::send(stage.channel, "x", 1, MSG_NOSIGNAL));
}

}  // namespace

std::vector<Attempt> ExhaustionAttempts() {
  const Control always = Control::kSucceeds;
  return {
      {"fill-memory", "more private memory than its limit", always,
       [](const Stage&) { return FillMemory(MAP_PRIVATE | MAP_ANONYMOUS); }},
      {"fill-shared-memory", "the same by shared memory, which the limit does not count", always,
       [](const Stage&) { return FillMemory(MAP_SHARED | MAP_ANONYMOUS); }},
      {"one-large-file", "a file beyond its limit", always, OneLargeFile},
      {"many-bytes", "many files beyond its quota", always, ManyBytes},
      {"many-files", "so many files that inodes run out", always, ManyFiles},
      {"many-descriptors", "descriptors beyond its limit", Control::kNeedsRoot, ManyDescriptors},
      {"many-threads", "threads beyond its limit", always, ManyThreads},
  };
}

std::vector<Attempt> PermittedWork() {
  const Control always = Control::kSucceeds;
  const auto everyone = [](const Stage&) { return true; };
  return {
      {"may-write-own", "make, sync, rename and remove a file of its own", always, OwnFiles,
       everyone, true},
      {"may-read-listed", "read what it follows", always, ReadableFile,
       [](const Stage& s) { return !s.read_only_file.empty(); }, true},
      {"may-start-threads", "start a thread", always, StartThread, everyone, true},
      {"may-accept", "accept a connection", always, AcceptConnection,
       [](const Stage& s) { return s.rules.may_accept; }, true},
      {"may-connect-listed", "connect to a listed port", always, ConnectToListedPort,
       [](const Stage& s) { return s.rules.may_connect_out; }, true},
      {"may-use-channel", "write into its channel", always, UseChannel, everyone, true},
  };
}

}  // namespace bulkhead
