// The vendors' interfaces one by one; egress/destination.h has them as one. docs/destinations.md
// says what goes where. kInvalid of all: a credential of another form, or an address that is none.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "egress/destination.h"

namespace bulkhead {

Result<std::unique_ptr<Destination>> MakeMixpanel(const DestinationSettings& settings);
Result<std::unique_ptr<Destination>> MakeAmplitude(const DestinationSettings& settings);
Result<std::unique_ptr<Destination>> MakePosthog(const DestinationSettings& settings);
Result<std::unique_ptr<Destination>> MakeSegment(const DestinationSettings& settings);
Result<std::unique_ptr<Destination>> MakeGa4(const DestinationSettings& settings);
Result<std::unique_ptr<Destination>> MakeWebhook(const DestinationSettings& settings);

// What stands before an interface's own path: the settings' address without a slash at its end, or
// the vendor's own where they have none. kInvalid: no web address, or one with a query.
Result<std::string> BaseAddress(const DestinationSettings& settings, std::string_view vendors_own);

// Whether it can be a key, a token or an id of a vendor: letters, digits, '-', '_', '.', and not
// longer than any. Such a text needs no escape in a URL, in JSON or in a header.
bool IsKey(std::string_view text);
// For credentials that are one key.
Result<std::string> TakeKey(const DestinationSettings& settings);
// What is said of a credential of another form: which form is expected.
Error NotTheForm(std::string_view form);

// The header of HTTP Basic.
std::pair<std::string, std::string> BasicAuthorization(std::string_view user,
                                                       std::string_view password);

}  // namespace bulkhead
