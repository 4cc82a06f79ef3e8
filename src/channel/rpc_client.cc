#include "channel/rpc_client.h"

#include <sys/socket.h>

#include <utility>

namespace bulkhead {
namespace {
// The other side may just be starting again.
constexpr std::chrono::seconds kAttachWait{3};
}  // namespace

struct RpcClient::Stream {
  explicit Stream(Descriptor fd) : socket(std::move(fd)) {}
  Descriptor socket;
  std::mutex write_mutex;
  std::mutex mutex;  // guards what follows
  bool ended = false;
  uint64_t next_call = 1;
  std::map<uint64_t, std::promise<Result<std::string>>> waiting;

  void End() {
    const std::lock_guard lock(mutex);
    ended = true;
    for (auto& [call, promise] : waiting) {
      promise.set_value(
          Error{ErrorCode::kUnavailable, "the other compartment ended before it answered"});
    }
    waiting.clear();
  }
};

RpcClient::~RpcClient() {
  const std::lock_guard lock(mutex_);
  DetachLocked();
}

void RpcClient::DetachLocked() {
  if (stream_) {
    ::shutdown(stream_->socket.get(), SHUT_RDWR);
  }
  if (reader_.joinable()) {
    reader_.join();
  }
  stream_.reset();
}

void RpcClient::Attach(Descriptor stream) {
  const std::lock_guard lock(mutex_);
  DetachLocked();
  stream_ = std::make_shared<Stream>(std::move(stream));
  reader_ = std::thread([stream = stream_] { ReadAnswers(stream); });
  attached_.notify_all();
}

void RpcClient::ReadAnswers(const std::shared_ptr<Stream>& stream) {
  for (;;) {
    Result<RpcFrame> frame = ReadRpcFrame(stream->socket.get());
    if (!frame) {
      break;
    }
    std::promise<Result<std::string>> promise;
    {
      const std::lock_guard lock(stream->mutex);
      const auto found = stream->waiting.find(frame->call);
      if (found == stream->waiting.end()) {
        continue;  // its caller no longer waits
      }
      promise = std::move(found->second);
      stream->waiting.erase(found);
    }
    promise.set_value(AnswerOf(*std::move(frame)));
  }
  stream->End();
}

std::shared_ptr<RpcClient::Stream> RpcClient::WaitForStream() {
  std::unique_lock lock(mutex_);
  attached_.wait_for(lock, kAttachWait, [this] {
    if (!stream_) {
      return false;
    }
    const std::lock_guard inner(stream_->mutex);
    return !stream_->ended;
  });
  return stream_;
}

Result<std::string> RpcClient::Call(uint8_t kind, std::string body,
                                    std::chrono::milliseconds timeout) {
  const std::shared_ptr<Stream> stream = WaitForStream();
  const Error gone{ErrorCode::kUnavailable, "the other compartment is not running"};
  if (!stream) {
    return gone;
  }
  RpcFrame frame{0, kind, std::move(body)};
  std::future<Result<std::string>> answer;
  {
    const std::lock_guard lock(stream->mutex);
    if (stream->ended) {
      return gone;
    }
    frame.call = stream->next_call++;
    answer = stream->waiting[frame.call].get_future();
  }
  Result<void> written;
  {
    const std::lock_guard lock(stream->write_mutex);
    written = WriteRpcFrame(stream->socket.get(), frame);
  }
  if (written && answer.wait_for(timeout) == std::future_status::ready) {
    return answer.get();
  }
  const std::lock_guard lock(stream->mutex);
  stream->waiting.erase(frame.call);
  return written ? Error{ErrorCode::kUnavailable, "the other compartment did not answer in time"}
                 : written.error();
}

}  // namespace bulkhead
