#include "http/http_metrics.h"

#include <cstdio>

namespace bulkhead {
namespace {

void Family(std::string_view name, std::string_view type, std::string_view help, std::string* out) {
  *out += "# HELP ";
  *out += name;
  *out += ' ';
  *out += help;
  *out += "\n# TYPE ";
  *out += name;
  *out += ' ';
  *out += type;
  *out += '\n';
}

void Single(std::string_view name, std::string_view help, uint64_t value, std::string* out) {
  Family(name, "counter", help, out);
  *out += name;
  *out += "_total " + std::to_string(value) + '\n';
}

}  // namespace

void HttpMetrics::Answered(std::string_view route, int status, int64_t duration_us) {
  const std::lock_guard lock(mutex_);
  Counts& counts = routes_[route];
  ++counts.by_class[static_cast<size_t>(status / 100) % counts.by_class.size()];
  counts.duration_us += static_cast<uint64_t>(duration_us < 0 ? 0 : duration_us);
}

void HttpMetrics::AppendOpenMetrics(std::string* out) const {
  Family("bulkhead_http_connections_open", "gauge", "Connections open now.", out);
  *out += "bulkhead_http_connections_open " + std::to_string(connections_open.load()) + '\n';
  Single("bulkhead_http_connections_accepted", "Connections taken.", connections_accepted, out);
  Single("bulkhead_http_connections_refused", "Connections closed at the limit.",
         connections_refused, out);
  Single("bulkhead_http_connections_timed_out", "Connections cut off for slowness.",
         connections_timed_out, out);
  Single("bulkhead_http_tls_handshakes_failed", "TLS handshakes that failed.",
         tls_handshakes_failed, out);
  Single("bulkhead_http_requests_malformed", "Requests refused before a route saw them.",
         requests_malformed, out);
  Single("bulkhead_http_body_bytes", "Bytes of request bodies read.", body_bytes, out);
  const std::lock_guard lock(mutex_);
  Family("bulkhead_http_requests", "counter", "Answers by route and status class.", out);
  for (const auto& [route, counts] : routes_) {
    for (size_t i = 1; i < counts.by_class.size(); ++i) {
      if (counts.by_class[i] != 0) {
        *out += "bulkhead_http_requests_total{route=\"" + std::string(route) + "\",status=\"" +
                std::to_string(i) + "xx\"} " + std::to_string(counts.by_class[i]) + '\n';
      }
    }
  }
  Family("bulkhead_http_request_seconds", "counter", "Time from request to answer, by route.", out);
  for (const auto& [route, counts] : routes_) {
    std::array<char, 40> seconds{};
    std::snprintf(seconds.data(), seconds.size(), "%.6f",
                  static_cast<double>(counts.duration_us) / 1e6);
    *out += "bulkhead_http_request_seconds_total{route=\"" + std::string(route) + "\"} " +
            seconds.data() + '\n';
  }
}

}  // namespace bulkhead
