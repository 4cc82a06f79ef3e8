// The drafts of an incident's notices as files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "incident/notice.h"
#include "main/reached_server.h"

namespace bulkhead {

struct WrittenNotices {
  std::vector<Notice> drafts;
  uint32_t version = 0;  // of the incident
  int64_t entry = 0;     // of the audit log, which has the drafts' hashes
};
// Each as text and HTML into `dir`, which is made where it is not there, after the audit log has
// their hashes.
Result<WrittenNotices> WriteNotices(const ReachedServer& server, const std::string& incident,
                                    const std::string& dir);

}  // namespace bulkhead
