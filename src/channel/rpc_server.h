// Answers other compartments, on a few threads. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "channel/descriptor.h"
#include "channel/rpc_frame.h"

namespace bulkhead {

// Who asks: the supervisor says it with the stream, so that no compartment can speak for another.
struct RpcCaller {
  std::string compartment;
};

class RpcServer {
 public:
  using Handler = std::function<Result<std::string>(const RpcCaller& caller, uint8_t kind,
                                                    std::string_view body)>;

  // The threads are started with the first stream.
  RpcServer(int threads, Handler handler);
  ~RpcServer();  // hangs up, lets running handlers end
  RpcServer(const RpcServer&) = delete;
  RpcServer& operator=(const RpcServer&) = delete;

  // A stream from `caller`; an earlier one of the same caller is hung up.
  void Attach(RpcCaller caller, Descriptor stream);

 private:
  static constexpr size_t kMaxQueued = 4096;  // of one caller

  struct Peer;
  struct Question {
    std::shared_ptr<Peer> peer;
    RpcFrame frame;
  };
  void ReadQuestions(const std::shared_ptr<Peer>& peer);
  void Work();

  const int thread_count_;
  const Handler handler_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Question> queue_;
  std::vector<std::shared_ptr<Peer>> peers_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace bulkhead
