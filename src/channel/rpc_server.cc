#include "channel/rpc_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace bulkhead {

struct RpcServer::Peer {
  RpcCaller caller;
  Descriptor socket;
  std::mutex write_mutex;
  size_t queued = 0;  // under the server's mutex
  std::thread reader;

  void Answer(uint64_t call, Result<std::string> answer) {
    const RpcFrame frame = AnswerFrame(call, std::move(answer));
    const std::lock_guard lock(write_mutex);
    // One who hangs up does not want the answer.
    static_cast<void>(WriteRpcFrame(socket.get(), frame).has_value());
  }
  void HangUp() {
    ::shutdown(socket.get(), SHUT_RDWR);
    if (reader.joinable()) {
      reader.join();
    }
  }
};

RpcServer::RpcServer(int threads, Handler handler)
    : thread_count_(threads), handler_(std::move(handler)) {}

RpcServer::~RpcServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (const auto& peer : peers_) {
    peer->HangUp();
  }
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void RpcServer::Attach(RpcCaller caller, Descriptor stream) {
  auto peer = std::make_shared<Peer>();
  peer->caller = std::move(caller);
  peer->socket = std::move(stream);
  std::vector<std::shared_ptr<Peer>> former;
  {
    const std::lock_guard lock(mutex_);
    const auto same = std::stable_partition(peers_.begin(), peers_.end(), [&](const auto& other) {
      return other->caller.compartment != peer->caller.compartment;
    });
    former.assign(same, peers_.end());
    peers_.erase(same, peers_.end());
    peers_.push_back(peer);
    for (int i = static_cast<int>(threads_.size()); i < thread_count_; ++i) {
      threads_.emplace_back([this] { Work(); });
    }
  }
  for (const auto& old : former) {
    old->HangUp();
  }
  peer->reader = std::thread([this, peer] { ReadQuestions(peer); });
}

void RpcServer::ReadQuestions(const std::shared_ptr<Peer>& peer) {
  for (;;) {
    Result<RpcFrame> frame = ReadRpcFrame(peer->socket.get());
    if (!frame) {
      ::shutdown(peer->socket.get(), SHUT_RDWR);  // also where it is still there and talks nonsense
      return;
    }
    const uint64_t call = frame->call;
    bool taken = false;
    {
      const std::lock_guard lock(mutex_);
      taken = !stopping_ && peer->queued < kMaxQueued;
      if (taken) {
        ++peer->queued;
        queue_.push_back({peer, *std::move(frame)});
      }
    }
    if (taken) {
      wake_.notify_one();
    } else {
      peer->Answer(call, Error{ErrorCode::kLimit, "too many questions are waiting"});
    }
  }
}

void RpcServer::Work() {
  for (;;) {
    Question question;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) {
        return;
      }
      question = std::move(queue_.front());
      queue_.pop_front();
      --question.peer->queued;
    }
    Result<std::string> answer = Error{ErrorCode::kBug, "the question was not answered"};
    try {
      answer = handler_(question.peer->caller, question.frame.kind, question.frame.body);
    } catch (const std::exception&) {
      answer = Error{ErrorCode::kUnavailable, "out of memory, or a mistake of ours"};
    }
    question.peer->Answer(question.frame.call, std::move(answer));
  }
}

}  // namespace bulkhead
