// Requests of persons in the shapes of Mixpanel's GDPR API, version 3: POST, GET and DELETE under
// /api/app/data-deletions/v3.0 and /api/app/data-retrievals/v3.0; and the result of a retrieval
// under /api/v1/person-data. One request a second for each project. docs/person-requests.md.
#pragma once

#include <memory>

#include "http/router.h"
#include "http/server.h"
#include "http/work_pool.h"

namespace bulkhead {

class AppRoutes {
 public:
  // Both outlive it.
  AppRoutes(const Services* services, WorkPool* pool);
  ~AppRoutes();
  AppRoutes(const AppRoutes&) = delete;
  AppRoutes& operator=(const AppRoutes&) = delete;

  void Add(Router* router);
  // Ends results that are being sent and waits for them.
  void Stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead
