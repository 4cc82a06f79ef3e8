#include "main/alert_feed.h"

#include <algorithm>

#include "egress/alert_codec.h"

namespace bulkhead {
namespace {

constexpr std::chrono::seconds kPause{1};
constexpr std::chrono::seconds kPatience{5};

}  // namespace

AlertFeed::~AlertFeed() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void AlertFeed::Start() {
  thread_ = std::thread([this] { Run(); });
}

void AlertFeed::Add(const FirstHit& hit) {
  {
    const std::lock_guard lock(mutex_);
    if (hits_.size() >= SieveCounters::kMaxKeys) {
      return;
    }
    hits_.push_back(hit);
  }
  wake_.notify_all();
}

void AlertFeed::BeginAnew() {
  {
    const std::lock_guard lock(mutex_);
    handed_over_ = 0;
    ++attached_;
  }
  wake_.notify_all();
}

void AlertFeed::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || handed_over_ < hits_.size(); });
    if (stop_) {
      return;
    }
    const uint64_t attached = attached_;
    const size_t begin = handed_over_;
    const size_t end = std::min(hits_.size(), begin + kMaxHitsInCall);
    const std::vector<FirstHit> some(hits_.begin() + static_cast<std::ptrdiff_t>(begin),
                                     hits_.begin() + static_cast<std::ptrdiff_t>(end));
    lock.unlock();
    const bool done = egress_->Call(kEgressFirstHits, EncodeFirstHits(some), kPatience).has_value();
    lock.lock();
    if (done && attached == attached_) {  // else egress was started again meanwhile
      handed_over_ = end;
    } else if (!done) {
      wake_.wait_for(lock, kPause, [this] { return stop_; });
    }
  }
}

}  // namespace bulkhead
