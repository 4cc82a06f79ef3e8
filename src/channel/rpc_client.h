// Asks another compartment. Thread-safe; many calls may be under way at once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"
#include "channel/descriptor.h"
#include "channel/rpc_frame.h"

namespace bulkhead {

class RpcClient {
 public:
  RpcClient() = default;
  ~RpcClient();
  RpcClient(const RpcClient&) = delete;
  RpcClient& operator=(const RpcClient&) = delete;

  // The stream to the other side; takes the place of an earlier one, whose calls fail. The other
  // side was started, or started again.
  void Attach(Descriptor stream);

  // Waits for the answer. kUnavailable: the other side is not running, has ended meanwhile, or did
  // not answer in time; it may or may not have done what was asked.
  Result<std::string> Call(uint8_t kind, std::string body,
                           std::chrono::milliseconds timeout = std::chrono::seconds(120));

 private:
  struct Stream;
  static void ReadAnswers(const std::shared_ptr<Stream>& stream);
  std::shared_ptr<Stream> WaitForStream();
  void DetachLocked();

  std::mutex mutex_;
  std::condition_variable attached_;
  std::shared_ptr<Stream> stream_;
  std::thread reader_;
};

}  // namespace bulkhead
