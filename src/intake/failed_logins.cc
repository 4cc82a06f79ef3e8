#include "intake/failed_logins.h"

namespace bulkhead {
namespace {

constexpr int kMaxFailuresPerMinute = 60;
constexpr size_t kMaxAddresses = 10'000;

}  // namespace

bool FailedLogins::MayTry(const std::string& client_ip) const {
  const int64_t minute = clock_->NowMs() / 60'000;
  const std::lock_guard lock(mutex_);
  const auto found = failures_.find(client_ip);
  return found == failures_.end() || found->second.minute != minute ||
         found->second.count < kMaxFailuresPerMinute;
}

void FailedLogins::Note(const std::string& client_ip) {
  const int64_t minute = clock_->NowMs() / 60'000;
  const std::lock_guard lock(mutex_);
  if (failures_.size() >= kMaxAddresses) {
    std::erase_if(failures_, [&](const auto& entry) { return entry.second.minute != minute; });
    if (failures_.size() >= kMaxAddresses) failures_.clear();
  }
  Failures& failures = failures_[client_ip];
  failures.count = failures.minute == minute ? failures.count + 1 : 1;
  failures.minute = minute;
}

}  // namespace bulkhead
