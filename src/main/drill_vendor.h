// The vendor of a drill, as a process of its own: a hosted analytics product as far as a feed and a
// thief see it. It takes events and profiles as Mixpanel does, keeps them as they come, and gives
// all of them to whoever has its service account. It is no Bulkhead, which would make ids its own.
#pragma once

#include "base/result.h"

namespace bulkhead {

// Listens on a free loopback port until SIGTERM, and keeps everything in memory. Prints one line:
// {"port","username","secret","token"}.
//
//   POST /import             a JSON array of events; one with an $insert_id that is there counts
//   once POST /engage             a JSON array of profile updates with $set GET /api/2.0/export all
//   events, a JSON object a line GET /api/query/engage    all profile updates, likewise
Result<void> RunDrillVendor();

}  // namespace bulkhead
