// Bytes of one connection to requests, within the limits of base/limits.h: the one includer of the
// HTTP parser.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

#include "http/message.h"

namespace bulkhead {

// The bytes that bodies of all connections may hold together.
struct BodyBudget {
  std::atomic<size_t> used{0};
  size_t max = 0;

  bool Take(size_t bytes) {
    if (used.fetch_add(bytes) + bytes > max) {
      used.fetch_sub(bytes);
      return false;
    }
    return true;
  }
  void Give(size_t bytes) { used.fetch_sub(bytes); }
};

// What a finished request says about its connection, beside the request itself.
struct ReadRequest {
  HttpRequest request;
  bool known_method = false;
  bool keep_alive = false;
  bool chunks = false;  // the client takes chunked answers (HTTP/1.1)
  size_t reserved = 0;  // taken from the budget; the receiver gives it back
};

// Not thread-safe.
class RequestReader {
 public:
  enum class Step {
    kIdle,      // no byte of a next request is there
    kMore,      // a request has begun, more bytes are needed
    kContinue,  // as kMore, and the client waits for "100 Continue"
    kComplete,  // Take() it
    kRefused    // refusal() is the status; nothing more can be read
  };

  explicit RequestReader(BodyBudget* budget);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  // Room to read into, valid until the next call; then Commit() says how much of it was filled.
  struct Room {
    char* data;
    size_t size;
  };
  Room Prepare();
  void Commit(size_t size);

  Step Next();
  [[nodiscard]] int refusal() const { return refusal_; }
  [[nodiscard]] bool in_request() const { return parser_ != nullptr; }
  [[nodiscard]] bool in_body() const;
  // After kComplete. The request's client_ip and secure are left to the caller.
  ReadRequest Take();
  // What is known of a request that was refused or came too slowly.
  [[nodiscard]] HttpRequest Head() const;
  // Drops what was read and gives back what it held.
  void Reset();

 private:
  struct Parser;
  Step Parse();
  Step Refuse(int status);
  bool ReserveForHeader();
  void DropUsed();

  BodyBudget* budget_;
  std::string in_;  // bytes read; those before begin_ are used up
  size_t begin_ = 0;
  size_t end_ = 0;  // where Prepare()'s room starts
  std::unique_ptr<Parser> parser_;
  size_t reserved_ = 0;
  int refusal_ = 0;
};

}  // namespace bulkhead
