// The query faces: Mixpanel's paths under /api/query and /api/2.0, and Bulkhead's own under
// /api/v1.
#pragma once

#include "http/router.h"
#include "http/server.h"
#include "http/work_pool.h"

namespace bulkhead {

// `services` and `pool` outlive the router.
void AddQueryRoutes(const Services* services, WorkPool* pool, Router* router);

}  // namespace bulkhead
