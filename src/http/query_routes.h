// The query faces: Mixpanel's paths under /api/query and /api/2.0, and Bulkhead's own under
// /api/v1. Every handler runs on a query thread, after the caller was checked.
#pragma once

#include <memory>

#include "http/router.h"
#include "http/server.h"
#include "http/work_pool.h"

namespace bulkhead {

class QueryRoutes {
 public:
  // Both outlive it.
  QueryRoutes(const Services* services, WorkPool* pool);
  ~QueryRoutes();
  QueryRoutes(const QueryRoutes&) = delete;
  QueryRoutes& operator=(const QueryRoutes&) = delete;

  void Add(Router* router);
  // Ends running exports and waits for them.
  void Stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead
