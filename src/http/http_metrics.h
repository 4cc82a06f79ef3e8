// Counters of the listener, by known route pattern only: no label ever holds something a client
// sent.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace bulkhead {

class HttpMetrics {
 public:
  std::atomic<uint64_t> connections_accepted{0};
  std::atomic<uint64_t> connections_refused{0};  // past max_connections
  std::atomic<uint64_t> connections_timed_out{0};
  std::atomic<uint64_t> tls_handshakes_failed{0};
  std::atomic<uint64_t> requests_malformed{0};
  std::atomic<uint64_t> body_bytes{0};
  std::atomic<uint64_t> connections_open{0};  // a gauge

  // `route` points to static storage.
  void Answered(std::string_view route, int status, int64_t duration_us);
  void AppendOpenMetrics(std::string* out) const;

 private:
  struct Counts {
    std::array<uint64_t, 6> by_class{};  // index: status / 100
    uint64_t duration_us = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string_view, Counts> routes_;
};

}  // namespace bulkhead
