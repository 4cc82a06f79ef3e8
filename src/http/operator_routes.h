// GET /healthz and GET /metrics.
#pragma once

#include "http/http_metrics.h"
#include "http/router.h"
#include "http/server.h"

namespace bulkhead {

void AddOperatorRoutes(const Services* services, const HttpMetrics* metrics, Router* router);

}  // namespace bulkhead
