#include "attack_stage.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "main/confinement_identity.h"

namespace bulkhead {
namespace {

constexpr char kNeedle[] = "needle: whoever reads this has broken out\n";

[[noreturn]] void Fail(const std::string& what) {
  fmt::print(stderr, "the stage cannot be set: {}: {}\n", what, std::strerror(errno));
  std::exit(2);
}

void MakeFile(const std::string& path) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << kNeedle;
  ::chmod(path.c_str(), 0600);
}

// The first file beneath a directory; empty where there is none.
std::string FirstFile(const std::string& directory) {
  std::error_code code;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, code)) {
    if (entry.is_regular_file() && entry.file_size() > 0) return entry.path().string();
  }
  return "";
}

void ListenOnTcp(Stage* stage) {
  if (stage->listener < 0) stage->listener = ::dup(2);  // a number of its own, for good
  const int fresh = ::socket(AF_INET, SOCK_STREAM, 0);
  ::dup2(fresh, stage->listener);
  ::close(fresh);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (::bind(stage->listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(stage->listener, 16) != 0 ||
      ::getsockname(stage->listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    Fail("listen on TCP");
  }
  stage->tcp_port = ntohs(address.sin_port);
}

void ListenOnUnix(const std::string& name, bool abstract, int kind) {
  const int listener = ::socket(AF_UNIX, kind, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  char* start = address.sun_path + (abstract ? 1 : 0);
  name.copy(start, sizeof(address.sun_path) - 2);
  const socklen_t size = static_cast<socklen_t>(start - reinterpret_cast<char*>(&address) +
                                                static_cast<ptrdiff_t>(name.size()));
  if (!abstract) ::unlink(name.c_str());
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0) Fail("bind " + name);
  if (kind == SOCK_STREAM && ::listen(listener, 16) != 0) Fail("listen on " + name);
  // Anyone may try it: that it is refused must not be due to the socket's mode.
  if (!abstract) ::chmod(name.c_str(), 0777);
}

pid_t StartSibling(Compartment compartment, const Stage& stage) {
  int ready[2];
  if (::pipe(ready) != 0) Fail("pipe");
  const pid_t child = ::fork();
  if (child < 0) Fail("fork");
  if (child == 0) {
    if (stage.confined) {
      CompartmentOptions options;
      options.keep_descriptors = {ready[1]};
      const auto report =
          Confine(RulesFor(compartment, stage.dir, options), Downgrade::Everything(), stage.kernel);
      if (!report) {
        fmt::print(stderr, "{}\n", report.error().message);
        ::_exit(2);
      }
    }
    [[maybe_unused]] const ssize_t said = ::write(ready[1], "r", 1);
    for (;;) ::sleep(3600);
  }
  ::close(ready[1]);
  char byte = 0;
  if (::read(ready[0], &byte, 1) != 1) Fail("a sibling did not start");
  ::close(ready[0]);
  return child;
}

// An address that is mapped there: the sibling's heap, or, where its maps are closed to this user,
// this program's, which a forked sibling has too.
uintptr_t AddressIn(pid_t process) {
  std::ifstream maps(fmt::format("/proc/{}/maps", process));
  for (std::string line; std::getline(maps, line);) {
    if (line.find(" rw-p ") != std::string::npos) {
      return std::strtoull(line.c_str(), nullptr, 16);
    }
  }
  static int here = 0;
  return reinterpret_cast<uintptr_t>(&here);
}

std::string HandleOf(const std::string& path) {
  std::string bytes(sizeof(file_handle) + MAX_HANDLE_SZ, '\0');
  auto* handle = reinterpret_cast<file_handle*>(bytes.data());
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount = 0;
  return ::name_to_handle_at(AT_FDCWD, path.c_str(), handle, &mount, 0) == 0 ? bytes : "";
}

void FindFiles(Stage* stage) {
  const bool follows_log = stage->self == Compartment::kCore || stage->self == Compartment::kVault;
  for (const Compartment other : kCompartments) {
    if (other == stage->self) continue;
    const std::string file = FirstFile(OwnDirectory(other, stage->dir));
    if (file.empty()) continue;
    stage->other_files[other] = file;
    if (other == Compartment::kIntake && follows_log) {
      stage->read_only_file = file;
    } else {
      stage->closed_files.push_back(file);
    }
  }
  const std::string catalogue = FirstFile(CatalogueDirectory(stage->dir));
  if (stage->self == Compartment::kIntake) stage->read_only_file = catalogue;
  const bool reads_catalogue =
      stage->self == Compartment::kIntake || stage->self == Compartment::kCore;
  if (!reads_catalogue && !catalogue.empty()) stage->closed_files.push_back(catalogue);
  if (stage->closed_files.empty()) Fail("nothing to steal");
}

void MakeRules(Stage* stage) {
  CompartmentOptions options;
  options.keep_descriptors = {stage->channel, stage->result};
  const bool accepts = stage->self == Compartment::kIntake || stage->self == Compartment::kCore;
  if (accepts) options.keep_descriptors.push_back(stage->listener);
  options.max_memory_bytes = 512ULL << 20;
  stage->rules = RulesFor(stage->self, stage->dir, options);
  stage->rules.max_descriptors = 512;  // lower than any system's, so that the control can pass it
}

}  // namespace

Finding Refused() { return {false, std::strerror(errno)}; }

Finding FromCall(long result) {
  return result == -1 ? Refused() : Got(fmt::format("the call answered {}", result));
}

void FillDirectory(const std::string& directory) {
  const DataDirectory dir(directory);
  MakeFile(dir.Keys() + "/root.key");
  for (const Compartment compartment : kCompartments) {
    MakeFile(fmt::format("{}/{}.keys", dir.Keys(), CompartmentName(compartment)));
    MakeFile(OwnDirectory(compartment, dir) + "/needle");
  }
  MakeFile(CatalogueDirectory(dir) + "/catalogue.db");
  ::chmod(dir.Keys().c_str(), 0700);
  if (const auto owned = PrepareOwnership(dir); !owned) Fail(owned.error().message);
}

Stage SetStage(const StageOptions& options) {
  Stage stage(options.directory);
  stage.self = options.self;
  stage.confined = options.confined;
  stage.kernel = options.kernel;
  stage.own_directory = OwnDirectory(stage.self, stage.dir);
  stage.program = std::filesystem::read_symlink("/proc/self/exe").string();
  FindFiles(&stage);
  ListenOnTcp(&stage);
  stage.socket_path = fmt::format("{}/attack.sock", stage.dir.path());
  stage.abstract_name = fmt::format("bulkhead-attack-{}", ::getpid());
  ListenOnUnix(stage.socket_path, false, SOCK_STREAM);
  ListenOnUnix(stage.socket_path + ".datagram", false, SOCK_DGRAM);
  ListenOnUnix(stage.abstract_name, true, SOCK_STREAM);
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0) Fail("make a channel");
  stage.channel = pair[0];
  int master = -1;
  if (::openpty(&master, &stage.terminal, nullptr, nullptr, nullptr) != 0) Fail("open a terminal");
  stage.leaked_key = ::open((stage.dir.Keys() + "/root.key").c_str(), O_RDONLY);
  stage.file_handle = HandleOf(stage.closed_files.front());
  stage.supervisor = options.live_supervisor != 0 ? options.live_supervisor : ::getpid();
  for (const Compartment other : kCompartments) {
    if (other == stage.self) continue;
    const auto live = options.live.find(other);
    if (live != options.live.end()) {
      stage.siblings.push_back(live->second);
    } else if (options.live.empty()) {
      stage.siblings.push_back(StartSibling(other, stage));
    }
  }
  if (stage.siblings.empty()) Fail("no siblings");
  stage.sibling_address = AddressIn(stage.siblings.front());
  // A link out of the attacker's own directory, as an earlier break-in could have left it.
  ::unlink((stage.own_directory + "/planted").c_str());
  if (::symlink(stage.closed_files.front().c_str(), (stage.own_directory + "/planted").c_str()) !=
      0) {
    Fail("plant a link");
  }
  const std::string library = stage.own_directory + "/library.so";
  std::filesystem::copy_file(
      std::filesystem::path(stage.program).parent_path() / "attack_library.so", library,
      std::filesystem::copy_options::overwrite_existing);
  ::chmod(library.c_str(), 0755);
  stage.result = ::dup(2);  // a number of its own, for each attempt's pipe
  MakeRules(&stage);
  return stage;
}

void RenewListener(Stage* stage) { ListenOnTcp(stage); }

Finding LookAfterwards(const Stage& stage) {
  for (const pid_t sibling : stage.siblings) {
    if (::kill(sibling, 0) != 0) return Got(fmt::format("sibling {} is gone", sibling));
  }
  for (const auto& [compartment, path] : stage.other_files) {
    std::ifstream file(path);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    if (bytes.empty()) return Got(path + " is empty or gone");
    if (path.ends_with("/needle") && bytes != kNeedle) return Got(path + " was changed");
  }
  return {false, "siblings run, files are as they were"};
}

void ClearStage(const Stage& stage, const StageOptions& options) {
  for (const char* name : {"/planted", "/library.so"}) {
    ::unlink((stage.own_directory + name).c_str());
  }
  for (const char* end : {"", ".datagram"}) ::unlink((stage.socket_path + end).c_str());
  if (!options.live.empty()) return;
  for (const pid_t sibling : stage.siblings) {
    ::kill(sibling, SIGKILL);
    ::waitpid(sibling, nullptr, 0);
  }
}

std::vector<Attempt> AllAttempts() {
  std::vector<Attempt> all;
  for (auto* list : {FileAttempts, ProcessAttempts, MemoryAttempts, NetworkAttempts, KernelAttempts,
                     ExhaustionAttempts, PermittedWork}) {
    std::vector<Attempt> some = list();
    all.insert(all.end(), std::make_move_iterator(some.begin()),
               std::make_move_iterator(some.end()));
  }
  return all;
}

}  // namespace bulkhead
