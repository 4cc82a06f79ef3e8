// Attempts on files: other compartments' directories, keys, the system's files, and ways around
// paths.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "attack_stage.h"

namespace bulkhead {
namespace {

std::string DirectoryOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

// Opens and reads one byte: an open descriptor that gives nothing would be no success.
Finding ReadOneByte(int fd, const std::string& path) {
  if (fd < 0) return Refused();
  char byte = 0;
  const ssize_t got = ::read(fd, &byte, 1);
  const Finding finding = got == 1 ? Got("read " + path) : Refused();
  ::close(fd);
  return finding;
}

Finding ReadPath(const std::string& path) {
  return ReadOneByte(::open(path.c_str(), O_RDONLY | O_CLOEXEC), path);
}

Finding OpenForWriting(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return Refused();
  ::close(fd);
  return Got("opened for writing " + path);
}

// The first success over several targets, else the last refusal.
template <typename Paths, typename Try>
Finding AnyOf(const Paths& paths, const Try& attempt) {
  Finding finding{false, "no target"};
  for (const std::string& path : paths) {
    finding = attempt(path);
    if (finding.succeeded) break;
  }
  return finding;
}

std::vector<std::string> AllOtherFiles(const Stage& stage) {
  std::vector<std::string> files;
  for (const auto& [compartment, file] : stage.other_files) files.push_back(file);
  return files;
}

Finding OpenOthers(const Stage& stage) { return AnyOf(stage.closed_files, ReadPath); }

Finding ListOthers(const Stage& stage) {
  return AnyOf(stage.closed_files, [](const std::string& file) {
    DIR* dir = ::opendir(DirectoryOf(file).c_str());
    if (dir == nullptr) return Refused();
    ::closedir(dir);
    return Got("listed " + DirectoryOf(file));
  });
}

Finding WriteOthers(const Stage& stage) { return AnyOf(AllOtherFiles(stage), OpenForWriting); }

Finding CreateInOthers(const Stage& stage) {
  return AnyOf(AllOtherFiles(stage), [](const std::string& file) {
    const std::string path = DirectoryOf(file) + "/made-by-another";
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return Refused();
    ::close(fd);
    ::unlink(path.c_str());
    return Got("made " + path);
  });
}

Finding RenameOut(const Stage& stage) {
  const std::string target = stage.own_directory + "/taken";
  return AnyOf(AllOtherFiles(stage), [&](const std::string& file) {
    if (::rename(file.c_str(), target.c_str()) != 0) return Refused();
    ::rename(target.c_str(), file.c_str());
    return Got("moved " + file);
  });
}

Finding HardLink(const Stage& stage) {
  const std::string target = stage.own_directory + "/second-name";
  return AnyOf(stage.closed_files, [&](const std::string& file) {
    if (::link(file.c_str(), target.c_str()) != 0) return Refused();
    const Finding read = ReadPath(target);
    ::unlink(target.c_str());
    return read;
  });
}

Finding OwnSymbolicLink(const Stage& stage) {
  const std::string link = stage.own_directory + "/own-link";
  if (::symlink(stage.closed_files.front().c_str(), link.c_str()) != 0) return Refused();
  const Finding read = ReadPath(link);
  ::unlink(link.c_str());
  return read;
}

Finding PlantedLink(const Stage& stage) { return ReadPath(stage.own_directory + "/planted"); }

Finding TruncateOthers(const Stage& stage) {
  return AnyOf(AllOtherFiles(stage), [](const std::string& file) {
    struct stat status {};
    ::stat(file.c_str(), &status);
    return FromCall(::truncate(file.c_str(), status.st_size));  // to the size that it has
  });
}

Finding EmptyReadOnly(const Stage& stage) {
  const int fd = ::open(stage.read_only_file.c_str(), O_RDONLY | O_TRUNC | O_CLOEXEC);
  if (fd < 0) return Refused();
  ::close(fd);
  return Got("emptied " + stage.read_only_file);
}

Finding RemoveOthers(const Stage& stage) {
  return AnyOf(AllOtherFiles(stage),
               [](const std::string& file) { return FromCall(::unlink(file.c_str())); });
}

Finding ChangeModeOfOthers(const Stage& stage) {
  return AnyOf(AllOtherFiles(stage), [](const std::string& file) {
    struct stat status {};
    ::stat(file.c_str(), &status);
    return FromCall(::chmod(file.c_str(), status.st_mode & 07777));
  });
}

Finding ChangeTimesOfOthers(const Stage& stage) {
  return AnyOf(AllOtherFiles(stage), [](const std::string& file) {
    return FromCall(::utimensat(AT_FDCWD, file.c_str(), nullptr, 0));
  });
}

Finding RootKey(const Stage& stage) { return ReadPath(stage.dir.Keys() + "/root.key"); }

Finding KeyFiles(const Stage& stage) {
  std::vector<std::string> files;
  for (const Compartment compartment : kCompartments) {
    files.push_back(fmt::format("{}/{}.keys", stage.dir.Keys(), CompartmentName(compartment)));
  }
  return AnyOf(files, ReadPath);
}

Finding DotDot(const Stage& stage) {
  const int own = ::open(stage.own_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return ReadOneByte(::openat(own, "../keys/root.key", O_RDONLY | O_CLOEXEC), "../keys/root.key");
}

Finding PathDescriptor(const Stage& stage) {
  const std::string file = stage.closed_files.front();
  const int dir = ::open(DirectoryOf(file).c_str(), O_PATH | O_CLOEXEC);
  if (dir < 0) return Refused();
  const std::string name = file.substr(file.rfind('/') + 1);
  return ReadOneByte(::openat(dir, name.c_str(), O_RDONLY | O_CLOEXEC), file);
}

Finding ReopenByProc(const Stage& stage) {
  const int fd = ::open(stage.closed_files.front().c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) return Refused();
  return ReadPath(fmt::format("/proc/self/fd/{}", fd));
}

Finding OpenAt2(const Stage& stage) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  const int root = ::open(stage.dir.path().c_str(), O_PATH | O_CLOEXEC);
  const std::string file = stage.closed_files.front();
  const long fd =
      ::syscall(SYS_openat2, root, file.substr(stage.dir.path().size()).c_str(), &how, sizeof(how));
  return ReadOneByte(static_cast<int>(fd), file);
}

Finding OpenByHandle(const Stage& stage) {
  std::string handle = stage.file_handle;
  const int mount = ::open(stage.own_directory.c_str(), O_RDONLY | O_CLOEXEC);
  const int fd = ::open_by_handle_at(mount, reinterpret_cast<file_handle*>(handle.data()),
                                     O_RDONLY | O_CLOEXEC);
  return ReadOneByte(fd, "a file by its handle");
}

Finding WatchOthers(const Stage& stage) {
  const int watch = ::inotify_init1(IN_CLOEXEC);
  if (watch < 0) return Refused();
  return FromCall(
      ::inotify_add_watch(watch, DirectoryOf(stage.closed_files.front()).c_str(), IN_ALL_EVENTS));
}

Finding MakeDevice(const Stage& stage) {
  const std::string path = stage.own_directory + "/device";
  if (::mknod(path.c_str(), S_IFCHR | 0600, makedev(1, 1)) != 0) return Refused();
  ::unlink(path.c_str());
  return Got("made a device");
}

Finding MakePipe(const Stage& stage) {
  const std::string path = stage.own_directory + "/pipe";
  if (::mkfifo(path.c_str(), 0600) != 0) return Refused();
  ::unlink(path.c_str());
  return Got("made a pipe");
}

Finding MemoryDevices(const Stage&) {
  const std::vector<std::string> paths = {"/dev/mem", "/dev/kmem", "/proc/kcore"};
  return AnyOf(paths, [](const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return Refused();
    ::close(fd);
    return Got("opened " + path);
  });
}

Finding ReplaceProgram(const Stage& stage) {
  const std::string path = stage.program + ".replaced";
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
  if (fd < 0) return Refused();
  ::close(fd);
  ::unlink(path.c_str());
  return Got("made " + path + ", which could be renamed over the program");
}

Finding ChangeDirectory(const Stage& stage) { return FromCall(::chdir(stage.dir.path().c_str())); }

std::vector<std::string> Readable(const Stage& stage) { return {stage.read_only_file}; }

}  // namespace

std::vector<Attempt> FileAttempts() {
  const auto has_read_only = [](const Stage& stage) { return !stage.read_only_file.empty(); };
  const Control always = Control::kSucceeds;
  const Control root = Control::kNeedsRoot;
  return {
      {"read-others", "open each other compartment's files", always, OpenOthers},
      {"list-others", "list each other compartment's directory", always, ListOthers},
      {"write-others", "open them for writing", always, WriteOthers},
      {"create-in-others", "make a file beside them", always, CreateInOthers},
      {"rename-out", "move them into the own directory", always, RenameOut},
      {"hard-link", "give them a second name in the own directory", always, HardLink},
      {"symbolic-link", "make a link to them in the own directory and open it", always,
       OwnSymbolicLink},
      {"planted-link", "open such a link that was there before", always, PlantedLink},
      {"truncate-others", "truncate(2) them", always, TruncateOthers},
      {"empty-read-only", "open what may be read with O_TRUNC", always, EmptyReadOnly,
       has_read_only},
      {"write-read-only", "open what may be read for writing", always,
       [](const Stage& stage) { return AnyOf(Readable(stage), OpenForWriting); }, has_read_only},
      {"remove-others", "unlink them", always, RemoveOthers},
      {"chmod-others", "change their mode, which Landlock does not see", always,
       ChangeModeOfOthers},
      {"times-of-others", "change their times, which Landlock does not see", always,
       ChangeTimesOfOthers},
      {"root-key", "open the root key", always, RootKey},
      {"key-files", "open the wrapped key files, its own too", always, KeyFiles},
      {"dot-dot", "reach the root key through .. of its own directory", always, DotDot},
      {"path-descriptor", "walk in by an O_PATH descriptor", always, PathDescriptor},
      {"reopen-by-proc", "open /proc/self/fd of an O_PATH descriptor", always, ReopenByProc},
      {"openat2", "openat2 with RESOLVE_IN_ROOT", always, OpenAt2},
      {"open-by-handle", "open_by_handle_at past every path", root, OpenByHandle,
       [](const Stage& stage) { return !stage.file_handle.empty(); }},
      {"watch-others", "inotify on another's directory", always, WatchOthers},
      {"etc-shadow", "read /etc/shadow", root,
       [](const Stage&) { return ReadPath("/etc/shadow"); }},
      {"etc-passwd-write", "open /etc/passwd for writing", root,
       [](const Stage&) { return OpenForWriting("/etc/passwd"); }},
      {"make-device", "mknod of /dev/mem in the own directory", root, MakeDevice},
      {"make-pipe", "mkfifo in the own directory", always, MakePipe},
      {"memory-devices", "open /dev/mem, /proc/kcore", Control::kMayNotWork, MemoryDevices},
      {"replace-program", "write beside the program's own file", always, ReplaceProgram},
      {"change-directory", "chdir", always, ChangeDirectory},
  };
}

}  // namespace bulkhead
