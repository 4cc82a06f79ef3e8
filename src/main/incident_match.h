// Whose records are in a leaked file: it is read here, in bounded memory; egress gives the ids to
// look for.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "incident/dump_matcher.h"
#include "main/reached_server.h"

namespace bulkhead {

struct LeakedFile {
  std::string path;
  std::string vendor;          // looked for of this one alone; empty: of all
  bool with_subjects = false;  // names whose records they are, which is a read of persons
};
struct LeakedFileMatch {
  DumpReport report;
  std::vector<DumpSource> without_key;  // not looked for: the epoch's key is destroyed
  std::array<uint8_t, 32> sha256{};     // of the file
};
// kNotFound: there is no vendor and epoch whose ids can be computed.
Result<LeakedFileMatch> MatchLeakedFile(const ReachedServer& server, const LeakedFile& file);

}  // namespace bulkhead
