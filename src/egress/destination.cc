#include "egress/destination.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "egress/vendor_destinations.h"
#include "egress/web_address.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxKeyBytes = 256;

bool MayStandInKey(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
         c == '_' || c == '.';
}

}  // namespace

Result<std::unique_ptr<Destination>> MakeDestination(const DestinationSettings& settings) {
  switch (settings.type) {
    case VendorType::kMixpanel:
      return MakeMixpanel(settings);
    case VendorType::kAmplitude:
      return MakeAmplitude(settings);
    case VendorType::kPosthog:
      return MakePosthog(settings);
    case VendorType::kSegment:
      return MakeSegment(settings);
    case VendorType::kGa4:
      return MakeGa4(settings);
    case VendorType::kWebhook:
      return MakeWebhook(settings);
    case VendorType::kFiles:
      break;
  }
  return Error{ErrorCode::kInvalid, "files are sent to nobody"};
}

Result<std::string> BaseAddress(const DestinationSettings& settings, std::string_view vendors_own) {
  std::string base = settings.url.empty() ? std::string(vendors_own) : settings.url;
  if (const Result<WebAddress> address = ParseWebAddress(base); !address) return address.error();
  if (base.find('?') != std::string::npos) {
    return Error{ErrorCode::kInvalid, "a query in the vendor's address"};
  }
  if (base.ends_with('/')) base.pop_back();
  return base;
}

bool IsKey(std::string_view text) {
  return !text.empty() && text.size() <= kMaxKeyBytes && std::ranges::all_of(text, MayStandInKey);
}

Result<std::string> TakeKey(const DestinationSettings& settings) {
  if (!IsKey(settings.credential)) return NotTheForm("KEY");
  return settings.credential;
}

Error NotTheForm(std::string_view form) {
  return {ErrorCode::kInvalid, fmt::format("the credential is not of the form {}", form)};
}

std::pair<std::string, std::string> BasicAuthorization(std::string_view user,
                                                       std::string_view password) {
  return {"authorization", "Basic " + Base64Encode(fmt::format("{}:{}", user, password))};
}

}  // namespace bulkhead
