// The page where anybody can check that a notice is ours: GET /notice, POST /notice, GET
// /notice/key. It needs no account, no script and no style, keeps nothing, and asks egress over the
// services' seam. docs/notices.md says what it answers.
#pragma once

#include "http/notice_rate.h"
#include "http/router.h"
#include "http/server.h"
#include "http/work_pool.h"

namespace bulkhead {

class NoticeRoutes {
 public:
  // Both outlive it.
  NoticeRoutes(const Services* services, WorkPool* pool)
      : services_(services), pool_(pool), rate_(services->clock) {}

  void Add(Router* router);

 private:
  void Check(HttpRequest request, const Reply& reply);
  void Keys(const Reply& reply);

  const Services* services_;
  WorkPool* pool_;
  NoticeRate rate_;
};

}  // namespace bulkhead
