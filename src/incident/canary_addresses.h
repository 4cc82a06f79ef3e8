// Addresses of canaries in a leaked file, whose ids may have been taken out of it. One address may
// be that of several canaries: of other epochs of the same vendor, whose domain is the same. Pure;
// safe on arbitrary bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/address_search.h"

namespace bulkhead {

class CanaryAddresses {
 public:
  // `address` in lower case; what is none is left out.
  void Add(const std::string& address, uint32_t canary);

  // Calls f(canary) for each canary of each address that stands in the text.
  template <typename F>
  void ForEachIn(std::string_view text, const F& f) const {
    if (domains_.empty()) return;
    ForEachAddress(text, domains_, [&](std::string_view local_part, size_t domain) {
      const auto [first, last] = canaries_.equal_range(KeyOf(local_part, domain));
      for (auto at = first; at != last; ++at) f(at->second);
    });
  }

 private:
  std::string KeyOf(std::string_view local_part, size_t domain) const;

  std::vector<std::string> domains_;
  std::unordered_multimap<std::string, uint32_t> canaries_;  // by address
};

}  // namespace bulkhead
