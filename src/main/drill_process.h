// Another process of this program, for a drill. It ends with this object, and with this process
// however that ends.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "channel/descriptor.h"

namespace bulkhead {

class DrillProcess {
 public:
  // `arguments`: those behind the program's name. What it says of errors goes to the file `log`.
  static Result<std::unique_ptr<DrillProcess>> Start(const std::vector<std::string>& arguments,
                                                     const std::string& log);
  ~DrillProcess();  // stops it
  DrillProcess(const DrillProcess&) = delete;
  DrillProcess& operator=(const DrillProcess&) = delete;

  // The next line of its standard output, without its end. kUnavailable: none in time, or it ended,
  // with what it said last of errors.
  Result<std::string> ReadLine(int64_t timeout_ms);
  // False once it has ended by itself.
  [[nodiscard]] bool Runs();
  // What is to be said where it does not.
  [[nodiscard]] Error Ended() const;
  // SIGTERM, and SIGKILL where that is not enough.
  void Stop();

 private:
  DrillProcess(pid_t pid, Descriptor output, std::string log)
      : pid_(pid), output_(std::move(output)), log_(std::move(log)) {}
  pid_t pid_;
  bool ended_ = false;
  Descriptor output_;
  std::string log_;
  std::string read_;
};

}  // namespace bulkhead
