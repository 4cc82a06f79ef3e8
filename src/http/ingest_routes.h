// The paths SDKs send to: /track, /import, /engage, /groups to intake, and the empty answers that
// keep SDKs quiet.
#pragma once

#include "http/router.h"
#include "http/server.h"

namespace bulkhead {

// `services` outlives the router.
void AddIngestRoutes(const Services* services, Router* router);

// /flags, /flags/definitions, /flags/{id}/first-time-events, /settings, /record, /decide,
// /lookup-tables: features that are not there, in the documented shape of "nothing".
// /lookup-tables/{id}: 404.
void AddSdkSupportRoutes(const Services* services, Router* router);

}  // namespace bulkhead
