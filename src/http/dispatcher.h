// Joins the routes to the services: finds the route, checks the method, adds what its face asks
// for.
#pragma once

#include <memory>

#include "http/http_metrics.h"
#include "http/message.h"
#include "http/router.h"
#include "http/server.h"
#include "http/work_pool.h"

namespace bulkhead {

// `metrics` outlives it; `pool` too.
std::unique_ptr<RequestHandler> MakeDispatcher(Services services, HttpMetrics* metrics,
                                               WorkPool* pool);

}  // namespace bulkhead
