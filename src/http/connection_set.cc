#include <chrono>
#include <vector>

#include "http/connection.h"

namespace bulkhead {

bool ConnectionSet::Add(const std::shared_ptr<Connection>& connection, size_t max) {
  const std::lock_guard lock(mutex_);
  if (draining_ || open_.size() >= max) {
    return false;
  }
  open_.insert(connection);
  return true;
}

void ConnectionSet::Remove(const std::shared_ptr<Connection>& connection) {
  const std::lock_guard lock(mutex_);
  open_.erase(connection);
  if (open_.empty()) {
    empty_.notify_all();
  }
}

void ConnectionSet::DrainAll() {
  const std::lock_guard lock(mutex_);
  draining_ = true;
  for (const auto& connection : open_) {
    connection->BeginDrain();
  }
}

void ConnectionSet::AbortAll() {
  const std::lock_guard lock(mutex_);
  for (const auto& connection : open_) {
    connection->Abort();
  }
}

bool ConnectionSet::WaitEmpty(int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                         [this] { return open_.empty(); });
}

}  // namespace bulkhead
