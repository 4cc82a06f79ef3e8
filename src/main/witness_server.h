// The HTTP side of a witness: POST /add-checkpoint, and nothing else. Plain HTTP: what is sent is
// signed and public.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "audit/witness.h"
#include "base/result.h"

namespace bulkhead {

// Listening from Start until destruction; one thread. Requests are at most kMaxAddCheckpointBytes,
// must arrive within ten seconds, and 64 connections are served at once.
class WitnessServer {
 public:
  // `listen`: "127.0.0.1:8790"; port 0: any. `witness` outlives it.
  static Result<std::unique_ptr<WitnessServer>> Start(const std::string& listen, Witness* witness);
  ~WitnessServer();
  WitnessServer(const WitnessServer&) = delete;
  WitnessServer& operator=(const WitnessServer&) = delete;

  [[nodiscard]] uint16_t port() const;

 private:
  class Impl;
  explicit WitnessServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulkhead
