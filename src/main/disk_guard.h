// Bytes on disk by compartment. RLIMIT_FSIZE bounds one file; this bounds all of a compartment's
// together, so that whoever owns one cannot fill the disk for the others. The supervisor asks it
// about once a second and ends whom it names.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace bulkhead {

struct DiskQuota {
  std::string compartment;
  std::string directory;
  uint64_t max_bytes = 0;  // of blocks in use, not of file sizes: 0 = no quota of its own
  uint64_t max_files = 0;  // directories too: inodes run out as blocks do; 0 = no quota
};

struct DiskUse {
  std::string compartment;
  uint64_t bytes = 0;
  uint64_t files = 0;
  bool over_quota = false;
  // The file system is down to its reserve, and this compartment grew most since the last look.
  bool ends_for_space = false;
};

class DiskGuard {
 public:
  // `min_free_bytes`: below it somebody is ended; under the reserve at which intake itself answers
  // 503 (base/limits.h), so that in ordinary times nobody is.
  DiskGuard(std::vector<DiskQuota> quotas, uint64_t min_free_bytes);

  // One look at all directories. A directory that is not there uses nothing.
  Result<std::vector<DiskUse>> Look();

 private:
  std::vector<DiskQuota> quotas_;
  uint64_t min_free_bytes_;
  std::vector<uint64_t> last_;  // bytes at the last look, by quota
  bool looked_ = false;
};

struct SpaceInUse {
  uint64_t bytes = 0;
  uint64_t files = 0;
};
// Blocks and entries beneath a directory, each file's blocks once. Symbolic links are not followed.
Result<SpaceInUse> MeasureSpace(const std::string& directory);

}  // namespace bulkhead
