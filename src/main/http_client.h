// A small blocking HTTP/1.1 client for this program's own commands (import, query) and their
// server.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bulkhead {

struct HttpReply {
  int status = 0;
  std::string body;
};

struct HttpCall {
  std::string method = "POST";
  std::string target;  // path and query
  std::string content_type = "application/json";
  std::string basic;  // "user:secret", sent as Basic authorization; empty = none
  std::string_view body;
  uint64_t max_reply_bytes = 1ULL << 32;  // a longer answer is an error
};

// One kept-alive connection. Not thread-safe.
class HttpClient {
 public:
  // `url`: http://host:port or https://host:port (certificate checked against the system's
  // authorities).
  static Result<std::unique_ptr<HttpClient>> Connect(const std::string& url);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  Result<HttpReply> Call(const HttpCall& call);

 private:
  struct Connection;
  explicit HttpClient(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace bulkhead
