// Turns the engine's push of export chunks into a body that the connection pulls, so that a slow
// client slows the scan and memory stays bounded; and gzip over any body.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/message.h"

namespace bulkhead {

// Runs exports, each on a thread of its own, a few at a time. Thread-safe.
class ExportRunner {
 public:
  using Sink = std::function<bool(std::string_view chunk)>;  // false: the client is gone
  using Export = std::function<Result<void>(const Sink&)>;

  explicit ExportRunner(size_t max_running) : max_running_(max_running) {}
  ~ExportRunner();
  ExportRunner(const ExportRunner&) = delete;
  ExportRunner& operator=(const ExportRunner&) = delete;

  // kLimit: too many run already.
  Result<std::shared_ptr<BodySource>> Start(Export run);
  // Cuts all exports off and waits until none runs.
  void Stop();

 private:
  struct Job;
  class Source;
  void JoinFinished();

  const size_t max_running_;
  std::mutex mutex_;
  bool stopped_ = false;
  std::vector<std::shared_ptr<Job>> jobs_;
};

std::shared_ptr<BodySource> MakeGzipSource(std::shared_ptr<BodySource> source);

// Whether "Accept-Encoding" takes gzip.
bool AcceptsGzip(std::string_view accept_encoding);

}  // namespace bulkhead
