// Where mail to canaries arrives, and attempts to sign in as one: a server that takes SMTP for
// their domains and any HTTP request, tells who was named, and keeps and sends on nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace bulkhead {

struct CanarySight {
  std::string address;        // of one of the domains, in lower case
  std::string via;            // "smtp" or "http"
  std::string sender_domain;  // of a mail, as it says itself
  std::string from;           // the address of the machine
};

struct CanarySinkOptions {
  std::string smtp, http;            // ADDR:PORT; empty: not listened on
  std::vector<std::string> domains;  // in lower case
};

// Listening from Start until destruction. 64 connections are served at once; a line or a request
// must arrive within thirty seconds. An address is told once in ten minutes, five a second at
// most; of what is more, at most a thousand wait.
class CanarySink {
 public:
  // `tell`: from a thread of its own, one at a time.
  static Result<std::unique_ptr<CanarySink>> Start(const CanarySinkOptions& options,
                                                   std::function<void(const CanarySight&)> tell);
  ~CanarySink();
  CanarySink(const CanarySink&) = delete;
  CanarySink& operator=(const CanarySink&) = delete;

  [[nodiscard]] uint16_t smtp_port() const;  // 0: not listened on
  [[nodiscard]] uint16_t http_port() const;

 private:
  class Impl;
  explicit CanarySink(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulkhead
