// A process that runs this program as one compartment.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "channel/descriptor.h"
#include "channel/message_socket.h"

namespace bulkhead {

class ChildProcess {
 public:
  // Starts `bulkhead compartment NAME`, whose descriptor kSupervisorDescriptor is the other end of
  // socket().
  static Result<ChildProcess> Spawn(const std::string& name);

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Readable once the process has ended.
  [[nodiscard]] int exit_descriptor() const { return process_.get(); }
  [[nodiscard]] MessageSocket& socket() { return socket_; }

  // How it ended ("exit 1", "signal 11"), where it has within `timeout_ms`.
  std::optional<std::string> WaitForEnd(int timeout_ms);
  void Kill();

 private:
  ChildProcess(pid_t pid, Descriptor process, Descriptor socket)
      : pid_(pid), process_(std::move(process)), socket_(std::move(socket)) {}
  pid_t pid_;
  Descriptor process_;
  MessageSocket socket_;
  std::optional<std::string> end_;  // once it was seen: the system tells it only once
};

}  // namespace bulkhead
