// Arbitrary bytes as a vendor register: refused with lines, or read; then what it says can be held
// against a measurement.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "incident/vendor_register.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulkhead;  // NOLINT
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const Result<VendorRegister> vendors = ParseVendorRegister(input, "v");
  if (!vendors) {
    Check(vendors.error().message.starts_with("v:"), "a mistake names the file and a line");
    return 0;
  }
  const MeasuredVendor measured{{"time", "plan", "$email"}, 1, false, 1};
  for (const auto& [name, vendor] : *vendors) {
    for (size_t i = 1; i < vendor.reviews.size(); ++i) {
      Check(vendor.reviews[i - 1].date <= vendor.reviews[i].date, "reviews are in order");
    }
    static_cast<void>(RegisterFindings({&vendor, nullptr, &measured}, int64_t{1} << 41));
  }
  return 0;
}
