#include "http/notice_rate.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

namespace bulkhead {
namespace {

constexpr size_t kMaxClients = 100'000;

std::string NetworkOf(const std::string& client_ip) {
  boost::system::error_code code;
  const auto address = boost::asio::ip::make_address(client_ip, code);
  if (code || !address.is_v6()) return client_ip;
  const auto bytes = address.to_v6().to_bytes();
  return {bytes.begin(), bytes.begin() + 8};
}

}  // namespace

bool NoticeRate::Bucket::Take(int64_t now_ms, int at_once, int64_t every_ms) {
  const int64_t after = std::max(full_ms, now_ms) + every_ms;
  if (after - now_ms > at_once * every_ms) return false;
  full_ms = after;
  return true;
}

bool NoticeRate::May(const std::string& client_ip) {
  const int64_t now_ms = clock_->NowMs();
  const std::lock_guard lock(mutex_);
  if (of_client_.size() >= kMaxClients) {
    std::erase_if(of_client_, [&](const auto& one) { return one.second.full_ms <= now_ms; });
    if (of_client_.size() >= kMaxClients) return false;
  }
  return of_client_[NetworkOf(client_ip)].Take(now_ms, kAtOnce, kOneEveryMs) &&
         all_.Take(now_ms, kAllAtOnce, kAllOneEveryMs);
}

}  // namespace bulkhead
