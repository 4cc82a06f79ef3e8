// Attempts to run code that the program did not bring: executable memory, libraries, other tables
// of system calls.
#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "attack_stage.h"

namespace bulkhead {
namespace {

constexpr size_t kPage = 4096;
constexpr int kWritable = PROT_READ | PROT_WRITE;

void* Anonymous(int protection) {
  return ::mmap(nullptr, kPage, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

Finding FromMapping(const void* memory) { return memory == MAP_FAILED ? Refused() : Got("mapped"); }

Finding WritableAndExecutable(const Stage&) {
  return FromMapping(Anonymous(kWritable | PROT_EXEC));
}

Finding MakeExecutable(const Stage&) {
  void* memory = Anonymous(kWritable);
  if (memory == MAP_FAILED) return Refused();
  return FromCall(::mprotect(memory, kPage, PROT_READ | PROT_EXEC));
}

Finding MakeExecutableByKey(const Stage&) {
  void* memory = Anonymous(kWritable);
  if (memory == MAP_FAILED) return Refused();
  return FromCall(::syscall(SYS_pkey_mprotect, memory, kPage, PROT_READ | PROT_EXEC, -1));
}

// From its own code: to read it is harmless, to write it is not.
Finding WriteOwnCode(const Stage&) {
  const auto code = reinterpret_cast<uintptr_t>(&Anonymous) & ~(kPage - 1);
  return FromCall(::mprotect(reinterpret_cast<void*>(code), kPage, kWritable | PROT_EXEC));
}

Finding ExecutableFile(const Stage& stage) {
  const std::string path = stage.own_directory + "/code";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, kPage) != 0) return Refused();
  const Finding finding =
      FromMapping(::mmap(nullptr, kPage, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0));
  ::close(fd);
  ::unlink(path.c_str());
  return finding;
}

Finding LoadLibrary(const Stage& stage) {
  const std::string library =
      stage.own_directory + "/library.so";  // put there by the stage's maker
  void* handle = ::dlopen(library.c_str(), RTLD_NOW);
  if (handle == nullptr) {
    const char* why = ::dlerror();
    return {false, why == nullptr ? "refused" : why};
  }
  return Got("loaded " + library);
}

Finding SharedMemorySegment(const Stage&) {
  const int id = ::shmget(IPC_PRIVATE, kPage, IPC_CREAT | 0700);
  if (id < 0) return Refused();
  const Finding finding = FromMapping(::shmat(id, nullptr, SHM_EXEC));
  ::shmctl(id, IPC_RMID, nullptr);
  return finding;
}

Finding ReadMeansExecute(const Stage&) { return FromCall(::personality(READ_IMPLIES_EXEC)); }

Finding MemoryFile(const Stage&) { return FromCall(::syscall(SYS_memfd_create, "x", 0)); }

#if defined(__x86_64__)
// getpid in the table of 32-bit programs, whose numbers mean other calls in the table of 64 bits.
Finding ThirtyTwoBitCall(const Stage&) {
  long result = 20;
  __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
  errno = static_cast<int>(-result);
  return result > 0 ? Got("the call was made") : Refused();
}

Finding X32Call(const Stage&) {
  constexpr long kX32Bit = 0x40000000;
  return FromCall(::syscall(kX32Bit | SYS_socket, 2, 1, 0));
}

Finding LocalDescriptorTable(const Stage&) {
  char entry[16] = {};
  return FromCall(::syscall(SYS_modify_ldt, 1, entry, sizeof(entry)));
}
#endif

}  // namespace

std::vector<Attempt> MemoryAttempts() {
  const Control always = Control::kSucceeds;
  std::vector<Attempt> attempts = {
      {"writable-executable", "map memory writable and executable", always, WritableAndExecutable},
      {"make-executable", "make written memory executable", always, MakeExecutable},
      {"make-executable-by-key", "the same by pkey_mprotect", always, MakeExecutableByKey},
      {"write-own-code", "make its own code writable", always, WriteOwnCode},
      {"executable-file", "map a written file as code", always, ExecutableFile},
      {"load-library", "load a library from its own directory", always, LoadLibrary},
      {"shared-memory-segment", "System V shared memory as code", always, SharedMemorySegment},
      {"read-means-execute", "personality(READ_IMPLIES_EXEC)", always, ReadMeansExecute},
      {"memory-file", "memfd_create", always, MemoryFile},
  };
#if defined(__x86_64__)
  attempts.push_back({"call-32-bit", "int 0x80", Control::kMayNotWork, ThirtyTwoBitCall});
  attempts.push_back({"call-x32", "a call of the x32 table", Control::kMayNotWork, X32Call});
  attempts.push_back(
      {"modify-ldt", "a segment of its own", Control::kMayNotWork, LocalDescriptorTable});
#endif
  return attempts;
}

}  // namespace bulkhead
