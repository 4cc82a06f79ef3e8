// One io thread: an io_context that one thread runs, so that everything of a connection happens on
// one thread without locks. Other threads hand work over by Post(), which does nothing once the
// loop has ended.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace bulkhead {

class IoLoop {
 public:
  IoLoop() : context_(1), work_(context_.get_executor()) {
    thread_ = std::thread([this] { Run(); });
  }
  ~IoLoop() { Finish(); }
  IoLoop(const IoLoop&) = delete;
  IoLoop& operator=(const IoLoop&) = delete;

  boost::asio::io_context& context() { return context_; }

  template <typename Task>
  void Post(Task task) {
    const std::lock_guard lock(mutex_);
    if (!finished_) {
      boost::asio::post(context_, std::move(task));
    }
  }

  // Runs what is left (every operation was cancelled before) and joins the thread.
  void Finish() {
    {
      const std::lock_guard lock(mutex_);
      if (finished_) {
        return;
      }
      finished_ = true;
    }
    work_.reset();
    thread_.join();
  }

 private:
  void Run() {
    for (;;) {
      try {
        context_.run();
        return;
      } catch (const std::exception&) {
        // One handler failed, such as by bad_alloc; its connection is dropped and the others go on.
      }
    }
  }

  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::mutex mutex_;
  bool finished_ = false;
  std::thread thread_;
};

}  // namespace bulkhead
