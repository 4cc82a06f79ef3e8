// What intake and core say to egress, and the addresses of the policy.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "egress/alert_codec.h"
#include "egress/web_address.h"
#include "main/vendor_feed.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto hits = bulkhead::DecodeFirstHits(bytes)) {
    const auto again = bulkhead::DecodeFirstHits(bulkhead::EncodeFirstHits(*hits));
    if (!again || again->size() != hits->size()) std::abort();
  }
  if (const auto page = bulkhead::DecodeFeedPage(bytes)) {
    const auto again = bulkhead::DecodeFeedPage(bulkhead::EncodeFeedPage(*page));
    if (!again || again->entries.size() != page->entries.size()) std::abort();
  }
  if (const auto address = bulkhead::ParseWebAddress(bytes)) {
    if (address->host.empty() || !address->target.starts_with('/')) std::abort();
    static_cast<void>(bulkhead::MayReach(address->host, {"127.0.0.1"}));
  }
  return 0;
}
