// Hands requests on to the compartment that answers queries, and its answers back, over connections
// of HTTP/1.1 that are kept for the next request. Bodies of answers pass through piece by piece.
// Thread-safe.
#pragma once

#include <memory>

#include "http/message.h"
#include "http/server.h"
#include "http/work_pool.h"

namespace bulkhead {

class Relay {
 public:
  // Waits for answers on the pool's threads. `pool` outlives it and stops first.
  Relay(RelayConnect connect, WorkPool* pool);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Answers 503 where the other side does not, 429 where too many wait.
  void Handle(HttpRequest request, Reply reply);

 private:
  class Line;
  class Body;
  struct Idle;
  static HttpResponse Answer(const RelayConnect& connect, const std::shared_ptr<Idle>& idle,
                             const HttpRequest& request);

  const RelayConnect connect_;
  WorkPool* const pool_;
  const std::shared_ptr<Idle> idle_;
};

}  // namespace bulkhead
