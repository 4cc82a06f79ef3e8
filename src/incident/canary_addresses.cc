#include "incident/canary_addresses.h"

#include <algorithm>

namespace bulkhead {

std::string CanaryAddresses::KeyOf(std::string_view local_part, size_t domain) const {
  std::string key(local_part);
  std::ranges::transform(key, key.begin(), address_search::Lower);
  return key + "@" + domains_[domain];
}

void CanaryAddresses::Add(const std::string& address, uint32_t canary) {
  const size_t at = address.find('@');
  if (at == std::string::npos || at == 0) return;
  const std::string domain = address.substr(at + 1);
  if (std::ranges::find(domains_, domain) == domains_.end()) domains_.push_back(domain);
  canaries_.emplace(address, canary);
}

}  // namespace bulkhead
