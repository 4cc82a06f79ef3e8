// Sockets, TLS and threads under a RequestHandler: the server without its routes.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "http/http_metrics.h"
#include "http/message.h"
#include "http/server.h"
#include "http/work_pool.h"

namespace bulkhead {

// Listens from Start() until Stop() or destruction. Thread-safe.
class Listener {
 public:
  // Called once; what it makes may use both as long as it lives.
  using HandlerMaker = std::function<std::unique_ptr<RequestHandler>(HttpMetrics*, WorkPool*)>;

  static Result<std::unique_ptr<Listener>> Start(ServerOptions options, const HandlerMaker& maker);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  [[nodiscard]] uint16_t port() const;
  [[nodiscard]] const HttpMetrics& metrics() const;
  void Adopt(Descriptor connection);
  void Stop();

 private:
  class Impl;
  explicit Listener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulkhead
