// A Unix socket in the data directory by which this program's own commands talk to a running
// server: one line in, one line out. Only the directory's owner can reach it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/result.h"

namespace bulkhead {

// The name of a user of this system, or its number.
std::string SystemUserName(uint32_t uid);

class ControlSocket {
 public:
  // The answer to a line, itself one line. `actor` is the operating-system user who asks.
  using Handler = std::function<std::string(std::string_view line, const std::string& actor)>;

  static Result<std::unique_ptr<ControlSocket>> Listen(const std::string& path, Handler handler);
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  // Whether a server listens there; a file that one left which was killed does not answer.
  static bool Answers(const std::string& path);
  // Asks the server of that socket; kNotFound where none is running.
  static Result<std::string> Ask(const std::string& path, std::string_view line);

 private:
  ControlSocket(int listener, int wake, std::string path, Handler handler);
  void Run();
  void Serve(int connection);

  int listener_;
  int wake_;  // eventfd: written once, to stop
  std::string path_;
  Handler handler_;
  std::thread thread_;
};

}  // namespace bulkhead
