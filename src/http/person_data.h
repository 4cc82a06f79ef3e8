// What is known of a person, put together while it is sent: behaviour from the store, identities as
// the vault gave them. Nothing of it is written anywhere.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "access/person_requests.h"
#include "base/result.h"
#include "http/server.h"
#include "query/engine.h"

namespace bulkhead {

// JSON in pieces; `sink` returning false stops quietly. `now_ms` bounds the events' time.
Result<void> WritePersonData(const QueryEngine& engine, const PersonRequest& request,
                             const std::vector<KnownIdentity>& identities, int64_t now_ms,
                             const std::function<bool(std::string_view)>& sink);

}  // namespace bulkhead
