// Slows down whoever guesses secrets: past some failures in a minute an address gets no further
// check, at any door. Thread-safe; memory is bounded.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"

namespace bulkhead {

class FailedLogins {
 public:
  explicit FailedLogins(const Clock* clock) : clock_(clock) {}

  [[nodiscard]] bool MayTry(const std::string& client_ip) const;
  void Note(const std::string& client_ip);

 private:
  struct Failures {
    int64_t minute = 0;
    int count = 0;
  };

  const Clock* clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Failures> failures_;
};

}  // namespace bulkhead
