// A request and its answer as plain data, and the handle through which any thread answers once.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace bulkhead {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;     // as sent: "GET"
  std::string path;       // as sent, without the query
  std::string query;      // as sent, without '?'; may be empty
  HeaderList headers;     // names in lower case, in the order sent
  std::string body;       // as sent: chunked coding removed, content coding not
  std::string client_ip;  // the peer, or what a trusted proxy says
  bool secure = false;    // came over TLS

  // The first header of that lower-case name; empty where there is none.
  [[nodiscard]] std::string_view Header(std::string_view lower_name) const;
  // All headers of that lower-case name in the order sent, as the one list that they are (RFC 9110
  // 5.3).
  [[nodiscard]] std::string JoinedHeader(std::string_view lower_name) const;
};

// A body made piece by piece on the query threads, so that no export has to fit into memory.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // Appends the next piece; false: that was the last. An error cuts the connection, which the
  // client sees as truncation.
  virtual Result<bool> Next(std::string* out) = 0;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  HeaderList headers;  // beside Content-Type and Content-Length
  std::string body;
  std::shared_ptr<BodySource> stream;  // instead of body
  bool close = false;                  // the connection ends after this answer
};

// Answers one request, once, from any thread. Dropped without an answer it answers 500.
class Responder {
 public:
  using Sink = std::function<void(HttpResponse)>;
  Responder() = default;
  ~Responder();
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;

  // Once, before the Responder is handed on.
  void SetSink(Sink sink) { sink_ = std::move(sink); }
  void Send(HttpResponse response);

  // The pattern of the route that answers, for log and metrics; lives as long as the handler.
  std::string_view route = "-";

 private:
  Sink sink_;
  std::atomic<bool> sent_{false};
};
using Reply = std::shared_ptr<Responder>;

// What answers requests. Called on io threads and must not block; thread-safe.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  virtual void Handle(HttpRequest request, Reply reply) = 0;
  // The answer to a request that was refused before it was read whole: 400, 408, 413, 431 or 503.
  virtual HttpResponse Refuse(const HttpRequest& head, int status) = 0;
  // No further call follows; ends what it started itself. May block.
  virtual void Stop() {}
};

std::string_view ReasonPhrase(int status);

HttpResponse JsonResponse(int status, std::string body);

// The query faces' error: {"error": ..., "status": "error"}.
HttpResponse ErrorResponse(int status, std::string_view message);

// The ingest faces' error: {"code": ..., "error": ..., "status": "<reason phrase>"}.
HttpResponse IngestErrorResponse(int status, std::string_view message);

// The status that says who must act; the message as it is, but none for our own mistakes and broken
// files.
HttpResponse ErrorResponse(const Error& error);

// Status line and headers, ended by the empty line. `length` < 0: chunked.
std::string SerializeHead(const HttpResponse& response, int64_t length, bool keep_alive);

}  // namespace bulkhead
