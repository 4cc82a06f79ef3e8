#include "main/control_socket.h"

#include <poll.h>
#include <pwd.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/wiped_heap.h"
#include "channel/descriptor.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxLineBytes = 64UL << 20;  // an answer may hold many fields
constexpr size_t kMaxCommandBytes = 64UL << 10;
constexpr int kTimeoutSeconds = 310;

Result<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return Error{ErrorCode::kInvalid, "the data directory's path is too long for a Unix socket"};
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

void SetTimeout(int fd) {
  const timeval timeout{kTimeoutSeconds, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
}

// A line that came with its end; empty otherwise: half a command is none.
std::string ReadLine(int fd, size_t max_bytes) {
  std::string line;
  std::array<char, 4096> chunk{};
  size_t end = std::string::npos;
  while (line.size() < max_bytes && end == std::string::npos) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got <= 0) {
      break;
    }
    line.append(chunk.data(), static_cast<size_t>(got));
    end = line.find('\n', line.size() - static_cast<size_t>(got));  // once over each byte
  }
  return end == std::string::npos ? "" : line.substr(0, end);
}

bool WriteLine(int fd, std::string_view line) {
  const std::string text = std::string(line) + "\n";
  for (std::string_view left = text; !left.empty();) {
    const ssize_t sent = ::send(fd, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    left.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

Result<Descriptor> Connect(const std::string& path) {
  Result<sockaddr_un> address = AddressOf(path);
  if (!address) {
    return address.error();
  }
  Descriptor connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  SetTimeout(connection.get());
  if (!connection.valid() ||
      ::connect(connection.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) !=
          0) {
    return Error{ErrorCode::kNotFound, "no server is running on this data directory"};
  }
  return connection;
}

// As the system knows the other end.
std::string PeerName(int connection) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return "unknown";
  }
  return SystemUserName(peer.uid);
}

}  // namespace

std::string SystemUserName(uint32_t uid) {
  const passwd* user = ::getpwuid(uid);
  return user != nullptr ? user->pw_name : "uid-" + std::to_string(uid);
}

Result<std::unique_ptr<ControlSocket>> ControlSocket::Listen(const std::string& path,
                                                             Handler handler) {
  Result<sockaddr_un> address = AddressOf(path);
  if (!address) {
    return address.error();
  }
  ::unlink(
      path.c_str());  // left by a server that was killed; the directory's lock says that none runs
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int wake = ::eventfd(0, EFD_CLOEXEC);
  // The mode is set before the socket has a name, so that nobody else can come in between.
  if (listener < 0 || wake < 0 || ::fchmod(listener, 0600) != 0 ||
      ::bind(listener, reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(listener, 8) != 0) {
    ::close(listener);
    ::close(wake);
    return Error{ErrorCode::kUnavailable, "cannot listen on " + path};
  }
  return std::unique_ptr<ControlSocket>(
      new ControlSocket(listener, wake, path, std::move(handler)));
}

ControlSocket::ControlSocket(int listener, int wake, std::string path, Handler handler)
    : listener_(listener),
      wake_(wake),
      path_(std::move(path)),
      handler_(std::move(handler)),
      thread_([this] { Run(); }) {}

ControlSocket::~ControlSocket() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof(one));
  thread_.join();
  ::close(listener_);
  ::close(wake_);
  ::unlink(path_.c_str());
}

void ControlSocket::Run() {
  for (;;) {
    std::array<pollfd, 2> waits = {pollfd{listener_, POLLIN, 0}, pollfd{wake_, POLLIN, 0}};
    if (::poll(waits.data(), waits.size(), -1) < 0) {
      continue;
    }
    if (waits[1].revents != 0) {
      return;
    }
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection >= 0) {
      Serve(connection);
      WipeUnusedStack();  // a command may name a person, an answer hold identities
      ::close(connection);
    }
  }
}

void ControlSocket::Serve(int connection) {
  SetTimeout(connection);
  const std::string line = ReadLine(connection, kMaxCommandBytes);
  if (!line.empty()) {  // else somebody only asked whether anyone is here
    WriteLine(connection, handler_(line, PeerName(connection)));
  }
}

bool ControlSocket::Answers(const std::string& path) { return Connect(path).has_value(); }

Result<std::string> ControlSocket::Ask(const std::string& path, std::string_view line) {
  Result<Descriptor> connection = Connect(path);
  if (!connection) {
    return connection.error();
  }
  std::string answer;
  if (WriteLine(connection->get(), line)) {
    answer = ReadLine(connection->get(), kMaxLineBytes);
  }
  if (answer.empty()) {
    return Error{ErrorCode::kUnavailable, "the server did not answer"};
  }
  return answer;
}

}  // namespace bulkhead
